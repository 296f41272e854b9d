/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_check.c - can a host show a CPU: the order of which merging is the meet
 *
 * Theory of operation: see cpu/x86_64/meet.c.
 */
#include "cpu/fleet.h"
#include "cpu/fleet_field.h"
#include "cpu/x86_64/closure.h"
#include "cpu/x86_64/identity.h"
#include "cpu/x86_64/rules.h"

struct check {
	const struct cpu_set *offer;
	const struct cpu_set *wanted;
	struct fleet_misfit *ret;
	unsigned max;
	unsigned count;
};

static void report(struct check *c, unsigned row, const struct feature *f,
	uint64_t wanted, uint64_t offered)
{
	if (c->count < c->max)
		c->ret[c->count] = (struct fleet_misfit){ row, f, wanted,
			offered };
	c->count++;
}

/* ---- one field ---- */

static bool number_fits(uint8_t rule, uint64_t offered, uint64_t wanted)
{
	switch (rule) {
	case RULE_AND:
		return !(wanted & ~offered);
	case RULE_OR:
		return !(offered & ~wanted);
	case RULE_MIN:
		return wanted <= offered;
	case RULE_MAX:
		return wanted >= offered;
	case RULE_EQUAL:
		return wanted == offered;
	case RULE_EQUAL_0:
		return !wanted || wanted == offered;
	case RULE_HIDE:
		return !wanted;
	default:
		return true;
	}
}

static bool is_identity(const struct feature *f)
{
	return f->rule == RULE_OLDEST || f->rule == RULE_BRAND ||
	       f->rule == RULE_LAYOUT;
}

/*
 * Without enhanced IBRS the CPU says RSBA for either risk of the host, and RRSBA
 * says nothing.
 */
static bool rsba_fits(const struct cpu_set *offer, const struct cpu_set *wanted,
	const struct feature *f)
{
	const struct known_features *known = known_features();

	return f == known->rrsba.feature || ref_has(wanted, known->rsba) ||
	       !(ref_has(offer, known->rsba) || ref_has(offer, known->rrsba));
}

static bool is_rsba(const struct feature *f)
{
	return f == known_features()->rsba.feature ||
	       f == known_features()->rrsba.feature;
}

bool fleet_field_fits(const struct cpu_set *offer, const struct cpu_set *wanted,
	unsigned row, const struct feature *f)
{
	if (f->rule == RULE_CLEAR) {
		unsigned i = clearing_find(row, f);

		return clearing_level(wanted, i) <= clearing_level(offer, i);
	}
	if (is_identity(f))
		return identity_fits(offer, wanted, row, f);
	if (is_rsba(f) && !ref_has(wanted, known_features()->ibrs_all))
		return rsba_fits(offer, wanted, f);
	return number_fits(f->rule, cpu_set_field(offer, row, f),
		cpu_set_field(wanted, row, f));
}

uint32_t fleet_missing_duties(
	const struct cpu_set *offer, const struct cpu_set *wanted, unsigned row)
{
	return (uint32_t)(row_value(offer, row) & ~row_value(wanted, row));
}

bool fleet_field_above(const struct cpu_set *more, const struct cpu_set *less,
	unsigned row, const struct feature *f)
{
	uint32_t bits = (uint32_t)((f->width < 32 ? BIT64(f->width) - 1 : ~0u)
				   << f->low % 32);

	if (!fleet_field_fits(less, more, row, f))
		return true;
	return feature_row(row)->space == SPACE_CONTROL && more->present[row] &&
	       fleet_missing_duties(less, more, row) & bits;
}

static void check_field(struct check *c, unsigned row, const struct feature *f)
{
	if (!fleet_field_fits(c->offer, c->wanted, row, f))
		report(c, row, f, cpu_set_field(c->wanted, row, f),
			cpu_set_field(c->offer, row, f));
}

/* ---- one register ---- */

static uint64_t named_bits(unsigned row)
{
	const struct feature_reg *reg = feature_row(row);
	uint64_t bits = reg->space == SPACE_CONTROL ? 0xffffffff : 0;

	for (unsigned i = 0; i < reg->count; i++)
		bits |= field_mask(row, &reg->features[i]);
	return bits;
}

/* What must be 1 on the host must be so for the guest. */
static void check_duties(struct check *c, unsigned row)
{
	uint32_t missing = fleet_missing_duties(c->offer, c->wanted, row);

	for (unsigned bit = 0; bit < 32; bit++)
		if (missing & BIT(bit))
			report(c, row, feature_of_bit(row, bit), 0, BIT64(bit));
}

static void check_row(struct check *c, unsigned row)
{
	const struct feature_reg *reg = feature_row(row);
	uint64_t unnamed = row_value(c->wanted, row) & ~named_bits(row);

	for (unsigned i = 0; i < reg->count; i++)
		check_field(c, row, &reg->features[i]);
	if (reg->space == SPACE_CONTROL)
		check_duties(c, row);
	if (unnamed)
		report(c, row, NULL, unnamed, 0);
}

/* An MSR that is not there promises nothing, and neither does a hidden leaf. */
static bool promises(const struct check *c, unsigned row)
{
	if (c->wanted->present[row])
		return true;
	return row < cpuid_regs_count && !cpu_set_beyond_limits(c->wanted, row);
}

/* Without VMX on the host, that is all there is to say about VMX. */
static unsigned rows_to_check(const struct check *c)
{
	struct feature_ref vmx = known_features()->vmx;

	if (ref_has(c->wanted, vmx) && !ref_has(c->offer, vmx))
		return cpuid_regs_count + msr_regs_count;
	return feature_rows();
}

unsigned fleet_check(const struct cpu_set *offer, const struct cpu_set *wanted,
	struct fleet_misfit *ret, unsigned max)
{
	struct cpu_set whole = *offer;
	struct check c = { &whole, wanted, ret, max, 0 };
	unsigned rows = rows_to_check(&c);

	cpu_set_make_true_controls(&whole);
	for (unsigned row = 0; row < rows; row++)
		if (promises(&c, row))
			check_row(&c, row);
	return c.count;
}
