/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - the merge rules of feature.h as one mask a row, and small steps on sets */
#include "cpu/x86_64/rules.h"

#include <errno.h>
#include <pthread.h>

#include "cpu/x86_64/closure.h"

struct clearing_refs {
	struct feature_ref clear;
	struct feature_ref immune[CLOSURE_NEEDS_MAX];
	unsigned immune_count;
};

static struct row_rules rules[FEATURE_ROWS_MAX];
static struct clearing_refs clear_refs[CLEARINGS_MAX];
static unsigned clear_count;
static struct known_features known;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool is_control(unsigned row)
{
	return feature_row(row)->space == SPACE_CONTROL;
}

uint64_t field_mask(unsigned row, const struct feature *f)
{
	uint64_t ones = f->width < 64 ? BIT64(f->width) - 1 : ~0ull;

	return ones << (f->low + (is_control(row) ? 32u : 0u));
}

static void add_feature(struct row_rules *r, uint64_t mask, uint8_t rule)
{
	if (rule == RULE_HIDE || rule == RULE_MACHINE)
		return;
	r->shown |= mask;
	switch (rule) {
	case RULE_AND:
		r->and |= mask;
		break;
	case RULE_OR:
		r->or |= mask;
		break;
	case RULE_OLDEST:
		r->oldest |= mask;
		break;
	case RULE_BRAND:
		r->brand |= mask;
		break;
	case RULE_LAYOUT:
		r->layout |= mask;
		break;
	default:
		r->numbers = true;
	}
}

static void learn_row(unsigned row)
{
	const struct feature_reg *reg = feature_row(row);
	struct row_rules *r = &rules[row];

	for (unsigned i = 0; i < reg->count; i++)
		add_feature(r, field_mask(row, &reg->features[i]),
			reg->features[i].rule);
	if (!is_control(row))
		return;
	/* A duty stays a duty where nobody knows the control. */
	r->or = 0xffffffff;
	r->shown |= r->or ;
}

static void learn_clearing(const struct clearing *from)
{
	struct clearing_refs *to = &clear_refs[clear_count];

	to->clear = feature_ref(from->clear);
	if (to->clear.row < 0)
		return;
	for (unsigned i = 0; i < CLOSURE_NEEDS_MAX && from->immune[i]; i++)
		to->immune[to->immune_count++] = feature_ref(from->immune[i]);
	clear_count++;
}

static void learn(void)
{
	known = (struct known_features){
		.vmx = feature_ref("vmx"),
		.true_ctls = feature_ref("vmx-true-ctls"),
		.ibrs_all = feature_ref("ibrs_all"),
		.rsba = feature_ref("rsba"),
		.rrsba = feature_ref("rrsba"),
		.la57 = feature_ref("la57"),
		.virt_bits = feature_ref("virt_bits"),
	};
	for (unsigned row = 0; row < feature_rows(); row++)
		learn_row(row);
	for (unsigned i = 0; i < closure_clearings_count; i++)
		learn_clearing(&closure_clearings[i]);
}

const struct row_rules *rules_of(unsigned row)
{
	pthread_once(&once, learn);
	return &rules[row];
}

uint64_t row_value(const struct cpu_set *set, unsigned row)
{
	return set->present[row] ? set->value[row] : 0;
}

void row_put(struct cpu_set *set, unsigned row, uint64_t value)
{
	set->value[row] = value;
	set->present[row] = true;
}

void row_remove(struct cpu_set *set, unsigned row)
{
	set->value[row] = 0;
	set->present[row] = false;
}

struct feature_ref feature_ref(const char *name)
{
	struct feature_ref ref = { .feature = NULL };

	ref.row = feature_find_name(name, &ref.feature);
	return ref;
}

bool ref_has(const struct cpu_set *set, struct feature_ref ref)
{
	return ref.row >= 0 &&
	       cpu_set_field(set, (unsigned)ref.row, ref.feature);
}

const struct known_features *known_features(void)
{
	pthread_once(&once, learn);
	return &known;
}

/* ---- what VERW clears ---- */

unsigned clearings(void)
{
	pthread_once(&once, learn);
	return clear_count;
}

struct feature_ref clearing_feature(unsigned i)
{
	return clear_refs[i].clear;
}

static bool immune(const struct cpu_set *set, const struct clearing_refs *refs)
{
	for (unsigned i = 0; i < refs->immune_count; i++)
		if (!ref_has(set, refs->immune[i]))
			return false;
	return true;
}

enum clear_level clearing_level(const struct cpu_set *set, unsigned i)
{
	bool verw = ref_has(set, clear_refs[i].clear);

	if (immune(set, &clear_refs[i]))
		return verw ? CLEAR_IMMUNE_VERW : CLEAR_IMMUNE;
	return verw ? CLEAR_VERW : CLEAR_NONE;
}

void clearing_put(struct cpu_set *set, unsigned i, enum clear_level level)
{
	struct feature_ref ref = clear_refs[i].clear;
	bool verw = level == CLEAR_VERW || level == CLEAR_IMMUNE_VERW;

	if (set->present[ref.row])
		cpu_set_put_field(
			set, (unsigned)ref.row, ref.feature, verw ? 1 : 0);
}

int clearing_find(unsigned row, const struct feature *f)
{
	for (unsigned i = 0; i < clearings(); i++)
		if (clear_refs[i].clear.row == (int)row &&
			clear_refs[i].clear.feature == f)
			return (int)i;
	return -ENOENT;
}
