/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meet.c - what two CPUs have in common
 *
 * Theory of operation
 *
 * Order CPUs by "a host that offers h can show p": p <= h.  Field by field that is
 * p's bits in h's (AND), h's in p's (OR), a number not above (MIN) or not below
 * (MAX), the same one (EQUAL), the same one or 0 (EQUAL_0), a level not above
 * (CLEAR, rules.h), and of some fields taken together identity.h.  Each is a
 * semilattice, so the product is one, and cpu_set_meet() is its meet: associative,
 * commutative, idempotent.
 *
 * A register that exists only under a condition (MSRs; controls of an activator
 * that is missing) has a bottom below all its values: absent.  An MSR that one
 * side does not have is absent from the meet, whatever the rules of its bits, and
 * so is one whose EQUAL fields differ; the closure then takes what is built on it.
 *
 * Not every point of the product is a CPU: features depend on each other.  The
 * closure cl (closure.c) leads down to the greatest point below that is one.  It
 * only takes away (cl x <= x), keeps the order (x <= y gives cl x <= cl y: a
 * dependency that y lacks x lacks, too) and has nothing left to do when repeated.
 * For such an operator
 *
 *	cl(cl(a ^ b) ^ c) = cl(a ^ b ^ c)
 *
 * (<=: cl(a ^ b) <= a ^ b.  >=: the right side is closed and below a ^ b, so it is
 * below cl(a ^ b); it is below c.)  So a template, which is such a cl, merges like
 * the hosts that it came from, and nothing above cl(a ^ b ^ c) that is closed is
 * below all three.
 *
 * Two rules look at more than one field and still fit.  Clear bits: a level is made
 * of the clear bit and of immune bits that merge by AND; where hiding immunity
 * lowers the level, the greatest level left is "VERW helps", not "nothing helps".
 * RSBA and RRSBA: without enhanced IBRS the two mean one thing, "some host's return
 * stack underflows to the branch predictor", so there the order looks only at
 * whether one of the two is set, and the closure writes RSBA.
 */
#include <errno.h>

#include "cpu/fleet.h"
#include "cpu/x86_64/identity.h"
#include "cpu/x86_64/rules.h"
#include "vmm/base/err.h"

static uint64_t meet_number(uint8_t rule, uint64_t a, uint64_t b)
{
	switch (rule) {
	case RULE_MIN:
		return MIN(a, b);
	case RULE_MAX:
		return MAX(a, b);
	case RULE_EQUAL:
	case RULE_EQUAL_0:
		return a == b ? a : 0;
	default:
		return 0; /* written by what looks at more than one field */
	}
}

static bool is_number(const struct feature *f)
{
	return f->rule == RULE_MIN || f->rule == RULE_MAX ||
	       f->rule == RULE_EQUAL || f->rule == RULE_EQUAL_0;
}

static uint64_t meet_numbers(unsigned row, uint64_t a, uint64_t b)
{
	const struct feature_reg *reg = feature_row(row);
	uint64_t met = 0;

	for (unsigned i = 0; i < reg->count; i++) {
		const struct feature *f = &reg->features[i];
		uint64_t mask = field_mask(row, f);
		uint64_t shift = mask & -mask; /* its lowest bit */

		if (is_number(f))
			met |= meet_number(f->rule, (a & mask) / shift,
				       (b & mask) / shift) *
			       shift;
	}
	return met;
}

static uint64_t meet_values(unsigned row, uint64_t a, uint64_t b)
{
	const struct row_rules *rules = rules_of(row);
	uint64_t met = (a & b & rules->and) | ((a | b) & rules->or);

	return rules->numbers ? met | meet_numbers(row, a, b) : met;
}

/* The EQUAL field of a row that differs, or NULL. */
static const struct feature *unequal(unsigned row, uint64_t a, uint64_t b)
{
	const struct feature_reg *reg = feature_row(row);

	if (a == b || !rules_of(row)->numbers)
		return NULL;
	for (unsigned i = 0; i < reg->count; i++)
		if (reg->features[i].rule == RULE_EQUAL &&
			(a ^ b) & field_mask(row, &reg->features[i]))
			return &reg->features[i];
	return NULL;
}

static void meet_msr(struct cpu_set *a, const struct cpu_set *b, unsigned row)
{
	uint64_t va = row_value(a, row);
	uint64_t vb = row_value(b, row);

	if (!a->present[row] || !b->present[row] || unequal(row, va, vb))
		row_remove(a, row);
	else
		row_put(a, row, meet_values(row, va, vb));
}

/* A leaf that is not there reads as 0, and so takes part. */
static void meet_cpuid(struct cpu_set *a, const struct cpu_set *b, unsigned row)
{
	if (a->present[row] || b->present[row])
		row_put(a, row,
			meet_values(row, row_value(a, row), row_value(b, row)));
}

static int refuse_unequal_cpuid(
	const struct cpu_set *a, const struct cpu_set *b)
{
	for (unsigned row = 0; row < cpuid_regs_count; row++) {
		uint64_t va = row_value(a, row);
		uint64_t vb = row_value(b, row);
		const struct feature *f = unequal(row, va, vb);

		if (f)
			return err_set(-EINVAL,
				"%s %s differs (%#llx and %#llx) and must not",
				feature_row(row)->name, f->name,
				(unsigned long long)va, (unsigned long long)vb);
	}
	return 0;
}

int cpu_set_meet(struct cpu_set *a, const struct cpu_set *b)
{
	enum clear_level level[CLEARINGS_MAX];
	const struct cpu_set before = *a;
	int rc = refuse_unequal_cpuid(a, b);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < clearings(); i++)
		level[i] = MIN(clearing_level(a, i), clearing_level(b, i));
	for (unsigned row = 0; row < cpuid_regs_count; row++)
		meet_cpuid(a, b, row);
	identity_meet(a, &before, b);
	for (unsigned row = cpuid_regs_count; row < feature_rows(); row++)
		meet_msr(a, b, row);
	for (unsigned i = 0; i < clearings(); i++)
		clearing_put(a, i, level[i]);
	return 0;
}
