/* SPDX-License-Identifier: Apache-2.0 */
/* identity.c - fields that mean something only together, and so merge together */
#include "cpu/x86_64/identity.h"

#include <string.h>

#include "cpu/x86_64/rules.h"

#define LEAF_BRAND  0x80000002 /* and the two behind it */
#define BRAND_BYTES 48
#define WORDS       4 /* registers of a leaf */

/* ---- RULE_OLDEST ---- */

/* Below 0, 0 or above 0: `a` is the older, none is, `b` is. */
static int compare_age(const struct cpu_set *a, const struct cpu_set *b)
{
	for (unsigned row = 0; row < cpuid_regs_count; row++) {
		uint64_t mask = rules_of(row)->oldest;
		uint64_t of_a = row_value(a, row) & mask;
		uint64_t of_b = row_value(b, row) & mask;

		if (of_a != of_b)
			return of_a < of_b ? -1 : 1;
	}
	return 0;
}

/* ---- RULE_BRAND ---- */

static const struct {
	char vendor[13];
	char brand[BRAND_BYTES];
} neutral_brands[] = {
	{ "GenuineIntel", "Intel(R) Processor" },
	{ "AuthenticAMD", "AMD Processor" },
	{ "HygonGenuine", "Hygon Processor" },
	{ "CentaurHauls", "Centaur Processor" },
	{ "  Shanghai  ", "Zhaoxin Processor" },
};

/* What a CPU of this vendor is called that is none of its products. */
static const char *neutral_brand(const struct cpu_set *set)
{
	static const char none[BRAND_BYTES];
	char vendor[13];

	cpu_set_vendor(set, vendor);
	for (unsigned i = 0; i < ARRAY_SIZE(neutral_brands); i++)
		if (!strcmp(neutral_brands[i].vendor, vendor))
			return neutral_brands[i].brand;
	return none;
}

static void read_brand(const struct cpu_set *set, char ret[BRAND_BYTES])
{
	for (unsigned i = 0; i < BRAND_BYTES / sizeof(uint32_t); i++) {
		uint32_t word = cpu_set_cpuid(
			set, LEAF_BRAND + i / WORDS, 0, i % WORDS);

		memcpy(ret + i * sizeof(word), &word, sizeof(word));
	}
}

static bool same_brand(const char *a, const char *b)
{
	return !memcmp(a, b, BRAND_BYTES);
}

static bool is_empty(const char *brand)
{
	static const char none[BRAND_BYTES];

	return same_brand(brand, none);
}

/* A leaf of zeros is as good as absent: closing leaves it out. */
static void meet_brands(
	struct cpu_set *ret, const struct cpu_set *a, const struct cpu_set *b)
{
	char of_a[BRAND_BYTES], of_b[BRAND_BYTES];
	const char *met = of_a;

	read_brand(a, of_a);
	read_brand(b, of_b);
	if (is_empty(of_a) || is_empty(of_b))
		return;
	if (!same_brand(of_a, of_b))
		met = neutral_brand(a);
	for (unsigned i = 0; i < BRAND_BYTES / sizeof(uint32_t); i++) {
		uint32_t word;

		memcpy(&word, met + i * sizeof(word), sizeof(word));
		cpu_set_put_cpuid(
			ret, LEAF_BRAND + i / WORDS, 0, i % WORDS, word);
	}
}

static bool brand_fits(
	const struct cpu_set *offer, const struct cpu_set *wanted)
{
	char has[BRAND_BYTES], wants[BRAND_BYTES];

	read_brand(offer, has);
	read_brand(wanted, wants);
	return is_empty(wants) || same_brand(has, wants) ||
	       (!is_empty(has) && same_brand(wants, neutral_brand(wanted)));
}

/* ---- RULE_LAYOUT ---- */

static bool same_leaf(unsigned a, unsigned b)
{
	return cpuid_regs[a].index == cpuid_regs[b].index &&
	       cpuid_regs[a].subleaf == cpuid_regs[b].subleaf;
}

/* A leaf has at most four rows, and they follow each other. */
static bool same_layout(
	const struct cpu_set *a, const struct cpu_set *b, unsigned row)
{
	unsigned first = row < WORDS ? 0 : row - (WORDS - 1);
	unsigned last = MIN(row + WORDS, cpuid_regs_count);

	for (unsigned i = first; i < last; i++)
		if (same_leaf(i, row) && (row_value(a, i) ^ row_value(b, i)) &
						 rules_of(i)->layout)
			return false;
	return true;
}

static bool layout_fits(
	const struct cpu_set *offer, const struct cpu_set *wanted, unsigned row)
{
	static const struct cpu_set none;

	return same_layout(&none, wanted, row) ||
	       same_layout(offer, wanted, row);
}

/* ---- together ---- */

void identity_meet(
	struct cpu_set *ret, const struct cpu_set *a, const struct cpu_set *b)
{
	const struct cpu_set *older = compare_age(a, b) <= 0 ? a : b;

	for (unsigned row = 0; row < cpuid_regs_count; row++) {
		const struct row_rules *rules = rules_of(row);
		uint64_t met = row_value(older, row) & rules->oldest;

		if (rules->layout && same_layout(a, b, row))
			met |= row_value(a, row) & rules->layout;
		if (met)
			row_put(ret, row, row_value(ret, row) | met);
	}
	meet_brands(ret, a, b);
}

bool identity_fits(const struct cpu_set *offer, const struct cpu_set *wanted,
	unsigned row, const struct feature *f)
{
	if (cpu_set_field(offer, row, f) == cpu_set_field(wanted, row, f))
		return true;
	if (f->rule == RULE_OLDEST)
		return compare_age(wanted, offer) <= 0;
	if (f->rule == RULE_BRAND)
		return brand_fits(offer, wanted);
	return layout_fits(offer, wanted, row);
}
