/* SPDX-License-Identifier: Apache-2.0 */
/*
 * silicon.h - what a load of microcode changed in a host's CPUs, and what that means
 *
 * KVM decides what it offers when its module is loaded, so that it does not follow:
 * it goes on to offer what is gone, and does not offer what has come.
 */
#ifndef MUSTER_CPU_SILICON_H
#define MUSTER_CPU_SILICON_H

#include "cpu/fleet.h"
#include "cpu/profile.h"
#include "cpu/x86_64/cpu_set_diff.h"

enum silicon_kind { SILICON_GONE, SILICON_CAME, SILICON_CHANGED };

extern const char *const silicon_kind_names[];

/* One field that some CPUs have another value of now. */
struct silicon_change {
	enum silicon_kind kind;
	struct cpu_list cpus;
	struct cpu_field field;
	/* The sets that have the two values, the profiles'. */
	const struct cpu_set *before, *after;
	bool kvm_differs; /* KVM offers what is gone, or lacks what came */
};

/* Zeroed: none. */
struct silicon_changes {
	unsigned count, room;
	struct silicon_change *change; /* owned */
};

/*
 * Compare the groups of two profiles CPU by CPU; `kvm` is what KVM offers now.  Both
 * profiles outlive *ret.  0 or -ENOMEM with a sentence.
 */
int silicon_compare(const struct profile *before, const struct profile *after,
	const struct cpu_set *kvm, struct silicon_changes *ret);
void silicon_changes_fini(struct silicon_changes *changes);

/* What guests can still rely on: the offer, less what has changed below it. */
void silicon_restrict(
	struct cpu_set *offer, const struct silicon_changes *changes);

/*
 * In what the CPU of a guest does not fit `after` though it did fit `before`: the
 * number of misfits, of which at most `max` are stored.
 */
unsigned silicon_check(const struct cpu_set *before,
	const struct cpu_set *after, const struct cpu_set *guest,
	struct fleet_misfit *ret, unsigned max);

#endif
