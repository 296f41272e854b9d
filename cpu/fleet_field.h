/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_field.h - one field in the order of CPUs, for the files of the fleet */
#ifndef MUSTER_CPU_FLEET_FIELD_H
#define MUSTER_CPU_FLEET_FIELD_H

#include "cpu/fleet.h"

/* Can `offer` show what `wanted` has in this field?  Of controls: may it be 1? */
bool fleet_field_fits(const struct cpu_set *offer, const struct cpu_set *wanted,
	unsigned row, const struct feature *f);

/* The controls of a row that must be 1 for `offer` and not for `wanted`. */
uint32_t fleet_missing_duties(const struct cpu_set *offer,
	const struct cpu_set *wanted, unsigned row);

/* Does `more` have something in this field that `less` cannot show? */
bool fleet_field_above(const struct cpu_set *more, const struct cpu_set *less,
	unsigned row, const struct feature *f);

/* ---- fleet.c ---- */

/* Closed copies of the members' CPUs, owned by the caller; NULL: no memory. */
struct cpu_set *fleet_close_members(
	const struct fleet_member *members, unsigned count);

/* The first control that must be 1 and may not: its row, and *ret_bit; or -ENOENT. */
int fleet_find_contradiction(const struct cpu_set *met, unsigned *ret_bit);

/* Take away what --without names; not closed. */
int fleet_apply_without(const struct fleet_wishes *wishes, struct cpu_set *met);
bool fleet_is_without(const struct fleet_wishes *wishes, const char *name);

/* ---- fleet_layer.c ---- */

/* The module parameters that gate a feature, one bit each. */
uint32_t fleet_gates(unsigned row, const struct feature *f);

/* Members whose KVM offers what their silicon has not: each way once. */
#define EMULATORS_MAX 8

struct fleet_emulators {
	unsigned count;
	const struct profile *profile[EMULATORS_MAX];
};

/* Those that offer more of a field than `less` has. */
void fleet_find_emulators(const struct fleet_member *members, unsigned count,
	const struct cpu_set *less, unsigned row, const struct feature *f,
	struct fleet_emulators *ret);

/* What took a field away on a host; the text is new, NULL: no memory. */
char *fleet_layer_text(const struct fleet_member *member, unsigned row,
	const struct feature *f, uint32_t gates,
	const struct fleet_emulators *emulators);

#endif
