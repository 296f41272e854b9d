/* SPDX-License-Identifier: Apache-2.0 */
/* silicon.c - two profiles of one host: what has changed, and whom it concerns */
#include "cpu/silicon.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm/base/err.h"

#define MISFITS_MAX 1024 /* more than there are fields that can be wrong */

const char *const silicon_kind_names[] = {
	[SILICON_GONE] = "gone",
	[SILICON_CAME] = "came",
	[SILICON_CHANGED] = "changed",
};

struct comparison {
	const struct profile_group *before, *after;
	const struct cpu_set *kvm;
	struct cpu_list cpus; /* of both */
	struct silicon_changes *changes;
	bool failed;
};

/* ---- one field ---- */

static uint64_t value_of(
	const struct cpu_set *set, const struct cpu_field *field)
{
	return field->feature ? cpu_set_field(set, field->row, field->feature)
			      : cpu_set_unnamed(set, field->row);
}

static enum silicon_kind kind_of(const struct cpu_set *before,
	const struct cpu_set *after, const struct cpu_field *field)
{
	uint64_t was = value_of(before, field), is = value_of(after, field);

	if (!field->feature || field->feature->width > 1 || was == is)
		return SILICON_CHANGED;
	return was ? SILICON_GONE : SILICON_CAME;
}

/* Only of single bits: a number of KVM's is its own matter. */
static bool kvm_differs(const struct cpu_set *kvm,
	const struct cpu_field *field, enum silicon_kind kind)
{
	return kind != SILICON_CHANGED &&
	       !!value_of(kvm, field) == (kind == SILICON_GONE);
}

static struct silicon_change *find(const struct silicon_changes *changes,
	const struct cpu_field *field, uint64_t was, uint64_t is)
{
	for (unsigned i = 0; i < changes->count; i++) {
		struct silicon_change *c = &changes->change[i];

		if (c->field.row == field->row &&
			c->field.feature == field->feature &&
			value_of(c->before, field) == was &&
			value_of(c->after, field) == is)
			return c;
	}
	return NULL;
}

static struct silicon_change *append(struct silicon_changes *changes)
{
	unsigned room = changes->room ? 2 * changes->room : 16;

	if (changes->count == changes->room) {
		struct silicon_change *grown = realloc(
			changes->change, room * sizeof(*grown));

		if (!grown)
			return NULL;
		changes->change = grown;
		changes->room = room;
	}
	return &changes->change[changes->count++];
}

static void join(struct cpu_list *list, const struct cpu_list *more)
{
	for (unsigned i = 0; i < ARRAY_SIZE(list->bits); i++)
		list->bits[i] |= more->bits[i];
}

static void take(void *ctx, const struct cpu_field *field)
{
	struct comparison *c = ctx;
	const struct cpu_set *was = &c->before->silicon;
	const struct cpu_set *is = &c->after->silicon;
	struct silicon_change *change;

	if (cpu_field_is_own(field))
		return;
	change = find(
		c->changes, field, value_of(was, field), value_of(is, field));
	if (change) {
		join(&change->cpus, &c->cpus);
		return;
	}
	change = append(c->changes);
	if (!change) {
		c->failed = true;
		return;
	}
	*change = (struct silicon_change){
		.kind = kind_of(was, is, field),
		.cpus = c->cpus,
		.field = *field,
		.before = was,
		.after = is,
	};
	change->kvm_differs = kvm_differs(c->kvm, field, change->kind);
}

/* ---- all CPUs ---- */

static struct cpu_list common(
	const struct cpu_list *a, const struct cpu_list *b)
{
	struct cpu_list both;

	for (unsigned i = 0; i < ARRAY_SIZE(both.bits); i++)
		both.bits[i] = a->bits[i] & b->bits[i];
	return both;
}

int silicon_compare(const struct profile *before, const struct profile *after,
	const struct cpu_set *kvm, struct silicon_changes *ret)
{
	struct comparison c = { .kvm = kvm, .changes = ret };

	for (unsigned i = 0; i < before->group_count; i++)
		for (unsigned k = 0; k < after->group_count; k++) {
			c.before = &before->groups[i];
			c.after = &after->groups[k];
			c.cpus = common(&c.before->cpus, &c.after->cpus);
			if (cpu_list_count(&c.cpus))
				cpu_set_each_difference(&c.before->silicon,
					&c.after->silicon, take, &c);
		}
	return c.failed ? err_set(-ENOMEM, "no memory for what has changed")
			: 0;
}

void silicon_changes_fini(struct silicon_changes *changes)
{
	free(changes->change);
	*changes = (struct silicon_changes){ 0 };
}

/* ---- whom it concerns ---- */

static uint64_t restricted(uint8_t rule, uint64_t offered, uint64_t is)
{
	switch (rule) {
	case RULE_AND:
	case RULE_CLEAR:
		return offered & is;
	case RULE_OR:
		return offered | is;
	case RULE_MIN:
		return MIN(offered, is);
	case RULE_MAX:
		return MAX(offered, is);
	default:
		return offered;
	}
}

void silicon_restrict(
	struct cpu_set *offer, const struct silicon_changes *changes)
{
	for (unsigned i = 0; i < changes->count; i++) {
		const struct silicon_change *c = &changes->change[i];
		const struct feature *f = c->field.feature;

		if (f && offer->present[c->field.row])
			cpu_set_put_field(offer, c->field.row, f,
				restricted(f->rule, value_of(offer, &c->field),
					value_of(c->after, &c->field)));
	}
	cpu_set_close(offer);
}

static bool is_among(const struct fleet_misfit *misfit,
	const struct fleet_misfit *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (list[i].row == misfit->row &&
			list[i].feature == misfit->feature)
			return true;
	return false;
}

unsigned silicon_check(const struct cpu_set *before,
	const struct cpu_set *after, const struct cpu_set *guest,
	struct fleet_misfit *ret, unsigned max)
{
	struct fleet_misfit was[MISFITS_MAX], is[MISFITS_MAX];
	unsigned old = fleet_check(before, guest, was, MISFITS_MAX);
	unsigned now = fleet_check(after, guest, is, MISFITS_MAX);
	unsigned count = 0;

	old = MIN(old, MISFITS_MAX);
	for (unsigned i = 0; i < MIN(now, MISFITS_MAX); i++) {
		if (is_among(&is[i], was, old))
			continue;
		if (count < max)
			ret[count] = is[i];
		count++;
	}
	return count;
}
