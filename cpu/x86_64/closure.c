/* SPDX-License-Identifier: Apache-2.0 */
/*
 * closure.c - the greatest coherent CPU below a set of values
 *
 * Theory of operation
 *
 * First the set is put into normal form: only what the tables show, the TRUE
 * control MSRs always there.  A CPU without them is one whose TRUE MSRs equal the
 * plain ones, but whose guests may not look: bit 55 of IA32_VMX_BASIC tells the two
 * apart, and while it is 0 the default1 class must be 1 (SDM vol. 3, A.2).
 *
 * Then everything that lacks what it needs falls, until nothing does.  Each step
 * only takes away and depends only on what is missing, so the end does not depend
 * on the order of the tables, and a lesser set has a lesser end (see meet.c).
 *
 * Last come the fields that follow from others.
 */
#include "cpu/x86_64/closure.h"

#include <pthread.h>

#include "cpu/fleet.h"
#include "cpu/x86_64/rules.h"

#define VIRT_BITS_4_LEVELS 48

struct need {
	struct feature_ref feature;
	struct feature_ref needs[CLOSURE_NEEDS_MAX];
	unsigned count;
};

#define NEEDS_MAX     400
#define PRESENCES_MAX 32

/* The tables with their names looked up. */
static struct need needs[NEEDS_MAX];
static struct need row_needs[PRESENCES_MAX]; /* feature.row: the MSR's */
static unsigned needs_count;
static unsigned row_needs_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* One run over a set. */
struct closing {
	struct cpu_set *set;
	struct closure_log *log;
	bool changed;
};

static void learn_names(struct need *n, const char *const *names)
{
	while (n->count < CLOSURE_NEEDS_MAX && names[n->count]) {
		n->needs[n->count] = feature_ref(names[n->count]);
		n->count++;
	}
}

static void learn(void)
{
	for (unsigned i = 0; i < MIN(closure_dependencies_count, NEEDS_MAX);
		i++) {
		struct need *n = &needs[needs_count++];

		n->feature = feature_ref(closure_dependencies[i].feature);
		learn_names(n, closure_dependencies[i].needs);
	}
	for (unsigned i = 0; i < MIN(closure_presences_count, PRESENCES_MAX);
		i++) {
		struct need *n = &row_needs[row_needs_count++];

		n->feature.row = feature_find_row(
			SPACE_MSR, closure_presences[i].msr, 0, 0);
		learn_names(n, closure_presences[i].needs);
	}
}

/* ---- taking away ---- */

static void get_clearings(const struct cpu_set *set, enum clear_level *ret)
{
	for (unsigned i = 0; i < clearings(); i++)
		ret[i] = clearing_level(set, i);
}

/* A set that was immune and may not say so any more still says: VERW helps. */
static void keep_clearings(struct cpu_set *set, const enum clear_level *before)
{
	for (unsigned i = 0; i < clearings(); i++)
		if (before[i] == CLEAR_IMMUNE &&
			clearing_level(set, i) == CLEAR_NONE)
			clearing_put(set, i, CLEAR_VERW);
}

void cpu_set_drop(struct cpu_set *set, unsigned row, const struct feature *f)
{
	enum clear_level before[CLEARINGS_MAX];

	if (!set->present[row])
		return;
	get_clearings(set, before);
	set->value[row] &= ~field_mask(row, f);
	keep_clearings(set, before);
}

static void tell(const struct closing *c, unsigned row, const struct feature *f,
	const struct feature *because)
{
	if (c->log)
		c->log->fell(c->log, row, f, because);
}

static void drop(struct closing *c, unsigned row, const struct feature *f,
	const struct feature *because)
{
	if (!cpu_set_field(c->set, row, f))
		return;
	cpu_set_drop(c->set, row, f);
	c->changed = true;
	tell(c, row, f, because);
}

static void drop_row(
	struct closing *c, unsigned row, const struct feature *because)
{
	const struct feature_reg *reg = feature_row(row);

	if (!c->set->present[row])
		return;
	for (unsigned i = 0; i < reg->count; i++)
		if (cpu_set_field(c->set, row, &reg->features[i]))
			tell(c, row, &reg->features[i], because);
	row_remove(c->set, row);
	c->changed = true;
}

/* ---- normal form ---- */

static void strip(struct cpu_set *set)
{
	for (unsigned row = 0; row < feature_rows(); row++)
		if (set->present[row])
			set->value[row] &= rules_of(row)->shown;
		else
			set->value[row] = 0;
}

static const struct {
	uint32_t plain;
	uint32_t with_default0;
} controls[] = {
	{ 0x481, 0x48d },
	{ 0x482, 0x48e },
	{ 0x483, 0x48f },
	{ 0x484, 0x490 },
};

/* What a guest that reads the plain MSRs must be told holds of the TRUE ones. */
static void make_true_controls(struct cpu_set *set, unsigned i)
{
	unsigned plain = feature_find_row(SPACE_MSR, controls[i].plain, 0, 0);
	unsigned carrier = feature_find_row(
		SPACE_MSR, controls[i].with_default0, 0, 0);

	if (!set->present[carrier] && set->present[plain])
		row_put(set, carrier,
			set->value[plain] & rules_of(carrier)->shown);
	if (set->present[carrier] && !ref_has(set, known_features()->true_ctls))
		set->value[carrier] |= feature_default1(controls[i].plain);
}

void cpu_set_make_true_controls(struct cpu_set *set)
{
	for (unsigned i = 0; i < ARRAY_SIZE(controls); i++)
		make_true_controls(set, i);
}

static void derive_plain_controls(struct cpu_set *set, unsigned i)
{
	unsigned plain = feature_find_row(SPACE_MSR, controls[i].plain, 0, 0);
	unsigned carrier = feature_find_row(
		SPACE_MSR, controls[i].with_default0, 0, 0);

	if (set->present[carrier])
		row_put(set, plain,
			set->value[carrier] |
				feature_default1(controls[i].plain));
}

/* ---- the fixpoint ---- */

static const struct feature_ref *first_met(
	const struct cpu_set *set, const struct need *n)
{
	for (unsigned i = 0; i < n->count; i++)
		if (ref_has(set, n->needs[i]))
			return &n->needs[i];
	return NULL;
}

static void drop_dependents(struct closing *c)
{
	for (unsigned i = 0; i < needs_count; i++)
		if (ref_has(c->set, needs[i].feature) &&
			!first_met(c->set, &needs[i]))
			drop(c, needs[i].feature.row, needs[i].feature.feature,
				needs[i].needs[0].feature);
}

static void drop_unannounced_msrs(struct closing *c)
{
	for (unsigned i = 0; i < row_needs_count; i++) {
		const struct need *n = &row_needs[i];
		const struct feature_ref *met = first_met(c->set, n);

		if (!met)
			drop_row(c, n->feature.row, n->needs[0].feature);
		else if (closure_presences[i].mutual &&
			 !c->set->present[n->feature.row])
			drop(c, met->row, met->feature, NULL);
	}
}

/* The highest leaf of the range that `leaf` is in; its own number: no limit. */
static uint32_t highest_leaf(const struct cpu_set *set, uint32_t leaf)
{
	uint32_t range = leaf & 0xf0000000;

	if (leaf == range || range == 0x40000000)
		return leaf;
	return cpu_set_cpuid(set, range, 0, REG_EAX);
}

bool cpu_set_beyond_limits(const struct cpu_set *set, unsigned row)
{
	const struct feature_reg *reg = feature_row(row);

	if (reg->index > highest_leaf(set, reg->index))
		return true;
	return reg->index == 7 &&
	       reg->subleaf > cpu_set_cpuid(set, 7, 0, REG_EAX);
}

static void drop_by_rule(
	struct closing *c, unsigned row, enum feature_rule rule)
{
	const struct feature_reg *reg = feature_row(row);

	for (unsigned i = 0; i < reg->count; i++)
		if (reg->features[i].rule == rule)
			drop(c, row, &reg->features[i], NULL);
}

/* What merges together is cut together: half a string is nobody's. */
static void drop_brand(struct closing *c)
{
	for (unsigned row = 0; row < cpuid_regs_count; row++)
		if (rules_of(row)->brand)
			drop_by_rule(c, row, RULE_BRAND);
}

/*
 * RULE_OLDEST compares register by register: cut from the first one that is out of
 * reach, the lesser of two CPUs stays the lesser.
 */
static void drop_oldest_from(struct closing *c, unsigned row)
{
	for (; row < cpuid_regs_count; row++)
		if (rules_of(row)->oldest)
			drop_by_rule(c, row, RULE_OLDEST);
}

static void drop_beyond_limits(struct closing *c)
{
	for (unsigned row = 0; row < cpuid_regs_count; row++) {
		if (!cpu_set_beyond_limits(c->set, row))
			continue;
		if (rules_of(row)->oldest)
			drop_oldest_from(c, row);
		if (rules_of(row)->brand)
			drop_brand(c);
		drop_row(c, row, NULL);
	}
}

static void drop_until_stable(struct closing *c)
{
	do {
		c->changed = false;
		drop_unannounced_msrs(c);
		drop_dependents(c);
	} while (c->changed);
}

/* ---- what follows ---- */

/* 80000008.EAX tells of 57 bits where CR4.LA57 is out of reach. */
static void limit_virtual_bits(struct cpu_set *set)
{
	struct feature_ref bits = known_features()->virt_bits;

	if (!ref_has(set, known_features()->la57) &&
		cpu_set_field(set, bits.row, bits.feature) > VIRT_BITS_4_LEVELS)
		cpu_set_put_field(
			set, bits.row, bits.feature, VIRT_BITS_4_LEVELS);
}

/*
 * Without enhanced IBRS, RRSBA has no meaning: say RSBA, which warns of the same
 * (see meet.c).
 */
static void place_rsba(struct cpu_set *set)
{
	struct feature_ref from = known_features()->rrsba;
	struct feature_ref to = known_features()->rsba;

	if (!ref_has(set, from) || ref_has(set, known_features()->ibrs_all))
		return;
	cpu_set_put_field(set, to.row, to.feature, 1);
	cpu_set_put_field(set, from.row, from.feature, 0);
}

static bool same_leaf(unsigned a, unsigned b)
{
	return cpuid_regs[a].index == cpuid_regs[b].index &&
	       cpuid_regs[a].subleaf == cpuid_regs[b].subleaf;
}

/* A leaf of zeros reads like one that is not there: leave it out. */
static void place_leaves(struct cpu_set *set)
{
	for (unsigned from = 0, to; from < cpuid_regs_count; from = to) {
		uint64_t any = 0;

		for (to = from; to < cpuid_regs_count && same_leaf(from, to);
			to++)
			any |= row_value(set, to);
		for (unsigned row = from; row < to; row++) {
			if (any)
				row_put(set, row, row_value(set, row));
			else
				row_remove(set, row);
		}
	}
}

void cpu_set_close_logged(struct cpu_set *set, struct closure_log *log)
{
	struct closing c = { .set = set, .log = log };
	enum clear_level before[CLEARINGS_MAX];

	pthread_once(&once, learn);
	strip(set);
	get_clearings(set, before);
	cpu_set_make_true_controls(set);
	for (unsigned i = 0; i < ARRAY_SIZE(controls); i++)
		derive_plain_controls(set, i);
	drop_beyond_limits(&c);
	drop_until_stable(&c);
	for (unsigned i = 0; i < ARRAY_SIZE(controls); i++)
		derive_plain_controls(set, i);
	limit_virtual_bits(set);
	place_rsba(set);
	keep_clearings(set, before);
	xsave_put_sizes(set);
	place_leaves(set);
}

void cpu_set_close(struct cpu_set *set)
{
	cpu_set_close_logged(set, NULL);
}
