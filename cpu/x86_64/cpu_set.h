/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu_set.h - a CPU as data: one value for each register of feature.h
 *
 * What a host's silicon has, what its KVM offers, what a fleet has in common and
 * what a guest shall see are all of this type.  An absent register reads as 0
 * in merges and comparisons, and stays absent where it matters (a VMX MSR that
 * raises #GP).
 */
#ifndef MUSTER_CPU_X86_64_CPU_SET_H
#define MUSTER_CPU_X86_64_CPU_SET_H

#include "cpu/x86_64/feature.h"
#include "cpu/x86_64/x86.h"

struct cpu_set {
	uint64_t value[FEATURE_ROWS_MAX];
	bool present[FEATURE_ROWS_MAX];
};

/* By register; absent gives 0.  Setting makes present; unknown ones: -ENOENT. */
uint64_t cpu_set_msr(const struct cpu_set *set, uint32_t msr);
uint32_t cpu_set_cpuid(const struct cpu_set *set, uint32_t leaf,
	uint32_t subleaf, enum feature_cpuid_reg reg);
int cpu_set_put_msr(struct cpu_set *set, uint32_t msr, uint64_t value);
int cpu_set_put_cpuid(struct cpu_set *set, uint32_t leaf, uint32_t subleaf,
	enum feature_cpuid_reg reg, uint32_t value);

/* A field, by its row and feature; controls: the "may be 1" bit. */
uint64_t cpu_set_field(
	const struct cpu_set *set, unsigned row, const struct feature *f);
void cpu_set_put_field(struct cpu_set *set, unsigned row,
	const struct feature *f, uint64_t value);

/* From and to the lists that KVM takes; registers without a row are dropped. */
void cpu_set_from_cpuid(struct cpu_set *set, const struct cpuid *cpuid);
void cpu_set_to_cpuid(const struct cpu_set *set, struct cpuid *ret);

/* "GenuineIntel", from leaf 0; always 12 bytes and a NUL. */
void cpu_set_vendor(const struct cpu_set *set, char ret[13]);

bool cpu_set_equal(const struct cpu_set *a, const struct cpu_set *b);

#endif
