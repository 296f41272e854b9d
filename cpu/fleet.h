/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet.h - the greatest CPU that every host can show, and why it is not greater
 *
 * Merging is a meet: associative, commutative, idempotent, and maximal (no
 * further bit fits all hosts).  Templates merge like hosts.
 */
#ifndef MUSTER_CPU_FLEET_H
#define MUSTER_CPU_FLEET_H

#include "cpu/profile.h"
#include "cpu/template.h"

/* A member of a fleet: a profile's offer, or a template. */
struct fleet_member {
	const char *name;
	const struct cpu_set *cpu;
	uint64_t tsc_khz;
	bool tsc_scaling;
	const struct profile
		*profile; /* for explanations; NULL for a template */
};

/* Names that the user takes away (--without) or insists on (--require). */
struct fleet_wishes {
	const char *const *without;
	unsigned without_count;
	const char *const *require;
	unsigned require_count;
};

/*
 * 0, or -errno with a sentence that names both hosts: other vendor, a must-be-1
 * against a may-not-be-1, a RULE_EQUAL that differs, a required name that is lost.
 */
int fleet_merge(const struct fleet_member *members, unsigned count,
	const struct fleet_wishes *wishes, struct template *ret);

/* One bit or field that some members offer and the fleet does not have. */
struct fleet_loss {
	unsigned row;
	const struct feature *feature;
	/* Members that lack it themselves; none when it fell with `because`. */
	uint32_t *lacking; /* indices into members */
	const char *
		*layers; /* of each of them what took it: see fleet_layer.c */
	unsigned lacking_count;
	const struct feature *because; /* a control or leaf it depends on */
	const char *layer; /* of all, or "several", "a dependency", "--without",
			   "hosts differ" */
};

struct fleet_losses {
	unsigned count;
	struct fleet_loss *loss; /* owned, as are the lists and texts */
	unsigned text_count;
	char **text;
};

/* *ret needs fleet_losses_free() also after an error. */
int fleet_explain(const struct fleet_member *members, unsigned count,
	const struct fleet_wishes *wishes, const struct template *merged,
	struct fleet_losses *ret);
void fleet_losses_free(struct fleet_losses *losses);

/* What the fleet would have more without one of its members. */
struct fleet_field {
	unsigned row;
	const struct feature *feature;
};

struct fleet_gain {
	unsigned count;
	struct fleet_field *field; /* owned */
};

/*
 * ret[i] for each member; the caller gives `count` of them and frees them with
 * fleet_gains_free(), also after an error.  Linear in `count`.
 */
int fleet_regain(const struct fleet_member *members, unsigned count,
	const struct fleet_wishes *wishes, const struct template *merged,
	struct fleet_gain *ret);
void fleet_gains_free(struct fleet_gain *gains, unsigned count);

/*
 * One way in which `offer` cannot show `wanted`.  A control that must be 1 on the
 * host, and not in the CPU wanted, is told as offered: 1 << its bit.
 */
struct fleet_misfit {
	unsigned row;
	const struct feature *feature; /* NULL: bits without a name */
	uint64_t wanted;
	uint64_t offered;
};

/*
 * Can a host that offers `offer` show exactly `wanted`?  The number of misfits
 * (0: yes); at most `max` are stored.
 */
unsigned fleet_check(const struct cpu_set *offer, const struct cpu_set *wanted,
	struct fleet_misfit *ret, unsigned max);

/* ---- the arch part (cpu/x86_64/): the algebra of one register file ---- */

/*
 * Make a set coherent: presence rules, dependencies, derived fields.  Fixpoint.
 * The TRUE control MSRs are there wherever VMX is: KVM takes the controls by them,
 * also for guests whose IA32_VMX_BASIC has bit 55 clear.
 */
void cpu_set_close(struct cpu_set *set);

/* *a = a meet b, both closed, *a not; -errno with a sentence naming the field. */
int cpu_set_meet(struct cpu_set *a, const struct cpu_set *b);

#endif
