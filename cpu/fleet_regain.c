/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_regain.c - what a fleet would have more without one of its members
 *
 * The fleet without member i is the meet of all before i with all after it.  The
 * meets of all after are computed once, from the last to the first; those of all
 * before grow on the way.  So each member costs two meets, not a merge.
 */
#include <errno.h>
#include <stdlib.h>

#include "cpu/fleet_field.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

struct regaining {
	unsigned count;
	const struct fleet_wishes *wishes;
	const struct cpu_set *merged;
	const struct cpu_set *closed; /* one for each member */
	struct cpu_set *after; /* after[i]: the meet of i and all behind */
};

static int no_memory(void)
{
	return err_set(-ENOMEM, "out of memory while explaining a fleet");
}

static unsigned count_gained(const struct regaining *r,
	const struct cpu_set *without, struct fleet_field *ret)
{
	unsigned n = 0;

	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);

		for (unsigned i = 0; i < reg->count; i++) {
			const struct feature *f = &reg->features[i];

			if (!fleet_field_above(without, r->merged, row, f))
				continue;
			if (ret)
				ret[n] = (struct fleet_field){ row, f };
			n++;
		}
	}
	return n;
}

static int fill_gain(const struct regaining *r, const struct cpu_set *without,
	struct fleet_gain *ret)
{
	unsigned n = count_gained(r, without, NULL);

	if (!n)
		return 0;
	ret->field = calloc(n, sizeof(*ret->field));
	if (!ret->field)
		return no_memory();
	ret->count = count_gained(r, without, ret->field);
	return 0;
}

static int meet_after(struct regaining *r)
{
	int rc = 0;

	r->after[r->count - 1] = r->closed[r->count - 1];
	for (unsigned i = r->count - 1; i-- > 0 && !rc;) {
		r->after[i] = r->closed[i];
		rc = cpu_set_meet(&r->after[i], &r->after[i + 1]);
	}
	return rc;
}

static int regain_one(const struct regaining *r, unsigned i,
	const struct cpu_set *before, struct fleet_gain *ret)
{
	struct cpu_set without = i ? *before : r->after[1];
	unsigned bit;
	int rc = 0;

	if (i && i + 1 < r->count)
		rc = cpu_set_meet(&without, &r->after[i + 1]);
	if (!rc)
		rc = fleet_apply_without(r->wishes, &without);
	if (rc < 0)
		return rc;
	cpu_set_close(&without);
	if (fleet_find_contradiction(&without, &bit) >= 0)
		return 0; /* the others alone are no fleet */
	return fill_gain(r, &without, ret);
}

static int regain_each(struct regaining *r, struct fleet_gain *ret)
{
	struct cpu_set before = r->closed[0];
	int rc = meet_after(r);

	for (unsigned i = 0; i < r->count && !rc; i++) {
		rc = regain_one(r, i, &before, &ret[i]);
		if (i && !rc)
			rc = cpu_set_meet(&before, &r->closed[i]);
	}
	return rc;
}

int fleet_regain(const struct fleet_member *members, unsigned count,
	const struct fleet_wishes *wishes, const struct template *merged,
	struct fleet_gain *ret)
{
	static const struct fleet_wishes none;
	CLEANUP_FREE struct cpu_set *closed = NULL;
	CLEANUP_FREE struct cpu_set *after = NULL;
	struct regaining r = { .count = count,
		.wishes = wishes ? wishes : &none,
		.merged = &merged->cpu };

	for (unsigned i = 0; i < count; i++)
		ret[i] = (struct fleet_gain){ 0 };
	if (count < 2)
		return 0; /* without its only member there is no fleet */
	closed = fleet_close_members(members, count);
	after = calloc(count, sizeof(*after));
	if (!closed || !after)
		return no_memory();
	r.closed = closed;
	r.after = after;
	return regain_each(&r, ret);
}

void fleet_gains_free(struct fleet_gain *gains, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		free(gains[i].field);
		gains[i] = (struct fleet_gain){ 0 };
	}
}
