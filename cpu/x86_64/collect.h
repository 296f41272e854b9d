/* SPDX-License-Identifier: Apache-2.0 */
/* collect.h - the parts of profile_collect(): silicon, KVM's offer */
#ifndef MUSTER_CPU_X86_64_COLLECT_H
#define MUSTER_CPU_X86_64_COLLECT_H

#include "cpu/profile.h"

/* How logical CPUs are read: this host's, or a table in tests. */
struct silicon_reader {
	void *ctx;
	/* Go to a CPU; what follows reads this one.  0 or -errno. */
	int (*visit)(void *ctx, unsigned cpu);
	void (*cpuid)(
		void *ctx, uint32_t leaf, uint32_t subleaf, uint32_t ret[4]);
	/* 0; -EIO: this CPU has no such MSR; else: none can be read here. */
	int (*rdmsr)(void *ctx, uint32_t msr, uint64_t *ret);
	/* The revision as the host's kernel knows it, 0: unknown. */
	uint64_t (*microcode)(void *ctx);
};

/* Visit `cpus` and fill the groups.  0 or -errno with a sentence. */
int collect_groups(const struct silicon_reader *reader,
	const struct cpu_list *cpus, struct profile *ret);

/* The CPUs that are online here, by their instructions and /dev/cpu/N/msr. */
int collect_silicon(struct profile *ret);

/* What KVM offers: its CPUID, the MSRs that it takes, the TSC. */
int collect_kvm(struct profile *ret);

#endif
