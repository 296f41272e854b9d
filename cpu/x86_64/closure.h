/* SPDX-License-Identifier: Apache-2.0 */
/* closure.h - what depends on what (closure_tab.c), and how removals are told */
#ifndef MUSTER_CPU_X86_64_CLOSURE_H
#define MUSTER_CPU_X86_64_CLOSURE_H

#include "cpu/x86_64/cpu_set.h"

#define CLOSURE_NEEDS_MAX 3

/* `feature` falls when none of `needs` is there.  All by name, NULL at the end. */
struct dependency {
	const char *feature;
	const char *needs[CLOSURE_NEEDS_MAX];
};

/*
 * The MSR is there only while one of `needs` is; `mutual`: and that one only while
 * the MSR is, for it says that the MSR can be read.
 */
struct presence {
	uint32_t msr;
	bool mutual;
	const char *needs[CLOSURE_NEEDS_MAX];
};

/* VERW clears what those who have all of `immune` do not suffer from. */
struct clearing {
	const char *clear;
	const char *immune[CLOSURE_NEEDS_MAX];
};

extern const struct dependency closure_dependencies[];
extern const struct presence closure_presences[];
extern const struct clearing closure_clearings[];
extern const unsigned closure_dependencies_count, closure_presences_count,
	closure_clearings_count;

/* Called for each field that falls, and once; `because` may be NULL. */
struct closure_log {
	void (*fell)(struct closure_log *log, unsigned row,
		const struct feature *f, const struct feature *because);
};

/* cpu_set_close() that tells; `log` may be NULL. */
void cpu_set_close_logged(struct cpu_set *set, struct closure_log *log);

/*
 * Take a field away.  Of a control only "may be 1" goes: where it must be 1, the
 * contradiction stays visible.  Not closed.
 */
void cpu_set_drop(struct cpu_set *set, unsigned row, const struct feature *f);

/* A CPU without TRUE control MSRs gets what its plain ones say. */
void cpu_set_make_true_controls(struct cpu_set *set);

/* A CPUID row above the highest leaf or subleaf that the set reports. */
bool cpu_set_beyond_limits(const struct cpu_set *set, unsigned row);

/* The sizes of the XSAVE area for the components that are left (xsave.c). */
void xsave_put_sizes(struct cpu_set *set);

#endif
