/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msr_filter.h - the MSRs that a guest may touch, by the features it is shown
 *
 * Without the filter a guest reads whatever KVM emulates, whatever CPUID says.
 * With it every other access raises #GP, as on a CPU that lacks the register.
 */
#ifndef MUSTER_CPU_X86_64_MSR_FILTER_H
#define MUSTER_CPU_X86_64_MSR_FILTER_H

#include "cpu/cpu_ucode.h"
#include "cpu/x86_64/cpu_set.h"

#define MSR_READ  1u
#define MSR_WRITE 2u
#define MSR_RW    (MSR_READ | MSR_WRITE)

/* MSRs first … last exist on CPUs of that vendor that show the feature. */
struct msr_allowed {
	uint32_t first;
	uint32_t last;
	unsigned access;
	const char *vendor;  /* NULL: any */
	const char *feature; /* NULL: always */
};

extern const struct msr_allowed msr_allowed_tab[];
extern const unsigned msr_allowed_tab_count;

/* Do the MSRs of that row exist on this CPU? */
bool msr_filter_exists(const struct cpu_set *cpu, const struct msr_allowed *a);

/* May a guest of this CPU do that (MSR_READ, MSR_WRITE)? */
bool msr_filter_allows(
	const struct cpu_set *cpu, uint32_t msr, unsigned access);

/*
 * Set the filter of a VM; `cpu` NULL denies nothing but what `loader` says.  0 or
 * -errno with a sentence.
 */
int msr_filter_apply(
	int vm_fd, const struct cpu_set *cpu, enum cpu_loader loader);

#endif
