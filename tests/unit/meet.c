/* SPDX-License-Identifier: Apache-2.0 */
/* meet.c - the laws of merging, over random CPUs and over real ones */
#include "tests/unit/unit.h"

#include "cpu/fleet.h"
#include "cpu/x86_64/closure.h"
#include "cpu/x86_64/rules.h"
#include "tests/unit/cpus.h"
#include "vmm/base/err.h"

#define ROUNDS 500
#define SEED   0x6d7573746572ull

static struct cpu_set a, b, c;
static uint64_t seed;

static void three_random(void)
{
	cpus_random(&a, &seed);
	cpus_random(&b, &seed);
	cpus_random(&c, &seed);
	cpu_set_close(&a);
	cpu_set_close(&b);
	cpu_set_close(&c);
}

/* The merge: closed. */
static struct cpu_set merged(const struct cpu_set *x, const struct cpu_set *y)
{
	struct cpu_set set = *x;

	if (cpu_set_meet(&set, y) < 0)
		fail_msg("%s", err_text());
	cpu_set_close(&set);
	return set;
}

static struct cpu_set only_met(const struct cpu_set *x, const struct cpu_set *y)
{
	struct cpu_set set = *x;

	assert_int_equal(cpu_set_meet(&set, y), 0);
	return set;
}

static void expect_equal(const struct cpu_set *x, const struct cpu_set *y)
{
	for (unsigned row = 0; row < feature_rows(); row++)
		if (x->present[row] != y->present[row] ||
			row_value(x, row) != row_value(y, row))
			fail_msg("%s: %d %#llx, %d %#llx",
				feature_row(row)->name, x->present[row],
				(unsigned long long)x->value[row],
				y->present[row],
				(unsigned long long)y->value[row]);
	assert_true(cpu_set_equal(x, y));
}

static void expect_fits(
	const struct cpu_set *offer, const struct cpu_set *wanted)
{
	struct fleet_misfit m;

	if (fleet_check(offer, wanted, &m, 1))
		fail_msg("%s %s: %#llx of %#llx", feature_row(m.row)->name,
			m.feature ? m.feature->name : "?",
			(unsigned long long)m.wanted,
			(unsigned long long)m.offered);
}

#define FOR_EACH_ROUND() \
	(void)state;     \
	seed = SEED;     \
	for (unsigned round = 0; round < ROUNDS; round++)

static void closing_twice_is_closing_once(void **state)
{
	FOR_EACH_ROUND()
	{
		three_random();
		b = a;
		cpu_set_close(&b);
		expect_equal(&a, &b);
	}
}

static void closing_only_takes_away(void **state)
{
	FOR_EACH_ROUND()
	{
		cpus_random(&a, &seed);
		b = a;
		cpu_set_close(&b);
		expect_fits(&a, &b);
	}
}

static void closing_keeps_the_order(void **state)
{
	FOR_EACH_ROUND()
	{
		three_random();
		c = only_met(&a, &b); /* below both, not closed */
		cpu_set_close(&c);
		expect_fits(&a, &c);
		expect_fits(&b, &c);
	}
}

static void merging_is_commutative(void **state)
{
	FOR_EACH_ROUND()
	{
		three_random();
		struct cpu_set ab = merged(&a, &b), ba = merged(&b, &a);

		expect_equal(&ab, &ba);
	}
}

static void merging_is_associative_through_templates(void **state)
{
	FOR_EACH_ROUND()
	{
		three_random();
		struct cpu_set ab = merged(&a, &b), bc = merged(&b, &c);
		struct cpu_set left = merged(&ab, &c), right = merged(&a, &bc);
		struct cpu_set open = only_met(&a, &b);

		expect_equal(&left, &right);
		open = merged(&open, &c);
		expect_equal(&left, &open);
	}
}

static void merging_is_idempotent(void **state)
{
	FOR_EACH_ROUND()
	{
		three_random();
		struct cpu_set aa = merged(&a, &a), ab = merged(&a, &b);
		struct cpu_set again = merged(&ab, &a);

		expect_equal(&aa, &a);
		expect_equal(&again, &ab);
	}
}

static void the_check_is_the_order_of_the_meet(void **state)
{
	FOR_EACH_ROUND()
	{
		three_random();
		struct cpu_set below = merged(&a, &b);
		struct cpu_set both = merged(&a, &c);

		expect_fits(&a, &below);
		expect_fits(&b, &below);
		assert_int_equal(!fleet_check(&a, &c, NULL, 0),
			cpu_set_equal(&both, &c));
	}
}

/* Some coherent CPU that is not below a merge is not below one of its members. */
static void the_merge_is_the_greatest(void **state)
{
	FOR_EACH_ROUND()
	{
		three_random();
		struct cpu_set ab = merged(&a, &b);
		struct cpu_set x = merged(&ab, &c);

		/* Between: c's part of a, if b can show it, is in the merge. */
		x = merged(&a, &c);
		if (!fleet_check(&b, &x, NULL, 0))
			expect_fits(&ab, &x);
	}
}

static bool bit_fits(const struct cpu_set *merge, unsigned row, unsigned bit)
{
	struct cpu_set more = *merge;
	struct cpu_set closed;

	row_put(&more, row, row_value(&more, row) ^ BIT64(bit));
	closed = more;
	cpu_set_close(&closed);
	return cpu_set_equal(&closed, &more) &&
	       fleet_check(merge, &more, NULL, 0) &&
	       !fleet_check(&a, &more, NULL, 0) &&
	       !fleet_check(&b, &more, NULL, 0);
}

static void no_further_bit_fits_all(void **state)
{
	(void)state;
	seed = SEED;
	for (unsigned round = 0; round < 10; round++) {
		three_random();
		struct cpu_set ab = merged(&a, &b);

		for (unsigned row = 0; row < feature_rows(); row++)
			for (unsigned bit = 0; bit < 64; bit++)
				if (bit_fits(&ab, row, bit))
					fail_msg("%s bit %u fits",
						feature_row(row)->name, bit);
	}
}

/* ---- single rules ---- */

static void two_full(void)
{
	cpus_full(&a);
	cpus_full(&b);
}

static void merge_ab(void)
{
	cpu_set_close(&a);
	cpu_set_close(&b);
	c = merged(&a, &b);
}

static void unlike_timer_rates_take_the_timer(void **state)
{
	(void)state;
	two_full();
	cpus_put(&b, "vmx-preemption-timer-rate", 7);
	merge_ab();
	assert_int_equal(cpus_get(&c, "vmx-preemption-timer"), 0);
	assert_int_equal(cpus_get(&c, "vmx-exit-save-preemption-timer"), 0);
}

static void fixed_bits_merge_towards_the_stricter(void **state)
{
	(void)state;
	two_full();
	cpus_put(&a, "vmx-cr0-fixed0-pe", 1);
	cpus_put(&b, "vmx-cr0-fixed0-wp", 1);
	cpus_put(&b, "vmx-cr4-fixed1-pce", 0);
	merge_ab();
	assert_int_equal(cpus_get(&c, "vmx-cr0-fixed0-pe"), 1);
	assert_int_equal(cpus_get(&c, "vmx-cr0-fixed0-wp"), 1);
	assert_int_equal(cpus_get(&c, "vmx-cr4-fixed1-pce"), 0);
}

static void sizes_grow_and_limits_shrink(void **state)
{
	(void)state;
	two_full();
	cpus_put(&a, "vmx-region-size", 0x400);
	cpus_put(&b, "vmx-cr3-targets", 4);
	cpus_put(&b, "phys_bits", 39);
	merge_ab();
	assert_int_equal(cpus_get(&c, "vmx-region-size"), 0x1000);
	assert_int_equal(cpus_get(&c, "vmx-cr3-targets"), 4);
	assert_int_equal(cpus_get(&c, "phys_bits"), 39);
}

static void plain_controls_alone_are_not_equal_true_ones(void **state)
{
	(void)state;
	two_full();
	cpus_put(&b, "vmx-true-ctls", 0);
	merge_ab();
	assert_int_equal(cpus_get(&c, "vmx-true-ctls"), 0);
	assert_true(cpus_get_duty(&c, "vmx-cr3-load-noexit"));
	assert_true(cpu_set_msr(&c, 0x482) & BIT(15));
}

static void clear_level(struct cpu_set *set, enum clear_level level)
{
	bool verw = level == CLEAR_VERW || level == CLEAR_IMMUNE_VERW;

	cpus_put(set, "rfds_clear", verw);
	cpus_put(set, "rfds_no", level >= CLEAR_IMMUNE_VERW);
}

static void verw_clears_where_each_host_has_it_or_is_immune(void **state)
{
	(void)state;
	for (int x = CLEAR_NONE; x <= CLEAR_IMMUNE; x++)
		for (int y = CLEAR_NONE; y <= CLEAR_IMMUNE; y++) {
			bool has = x == 1 || x == 2 || y == 1 || y == 2;

			two_full();
			clear_level(&a, x);
			clear_level(&b, y);
			merge_ab();
			assert_int_equal(
				cpus_get(&c, "rfds_clear"), has && x && y);
		}
}

/* ---- what merges together ---- */

static bool same_by_rule(const struct cpu_set *x, const struct cpu_set *y,
	enum feature_rule rule)
{
	for (unsigned row = 0; row < cpuid_regs_count; row++)
		for (unsigned i = 0; i < cpuid_regs[row].count; i++) {
			const struct feature *f = &cpuid_regs[row].features[i];

			if (f->rule == rule && cpu_set_field(x, row, f) !=
						       cpu_set_field(y, row, f))
				return false;
		}
	return true;
}

static void signature_and_caches_are_of_one_host(void **state)
{
	FOR_EACH_ROUND()
	{
		cpus_random(&a, &seed);
		cpus_random(&b, &seed);
		cpus_put(&a, "max_leaf", 0x29);
		cpus_put(&b, "max_leaf", 0x29);
		cpus_put(&a, "max_ext_leaf", 0x80000022);
		cpus_put(&b, "max_ext_leaf", 0x80000022);
		merge_ab();
		assert_true(same_by_rule(&c, &a, RULE_OLDEST) ||
			    same_by_rule(&c, &b, RULE_OLDEST));
	}
}

static void the_caches_go_with_the_lower_signature(void **state)
{
	(void)state;
	two_full();
	cpus_put(&a, "signature", 0x50654);
	cpus_put(&b, "signature", 0x606a6);
	cpus_put(&b, "cache2_sets", 63);
	merge_ab();
	assert_int_equal(cpus_get(&c, "signature"), 0x50654);
	assert_int_equal(cpus_get(&c, "cache2_sets"), 0xffffffff);
}

static void put_brand(struct cpu_set *set, const char *brand)
{
	char text[48] = "";

	snprintf(text, sizeof(text), "%s", brand);
	for (uint32_t i = 0; i < 12; i++) {
		uint32_t word;

		memcpy(&word, text + 4 * i, sizeof(word));
		cpu_set_put_cpuid(set, 0x80000002 + i / 4, 0, i % 4, word);
	}
}

static void expect_brand(const char *of_a, const char *of_b, const char *met)
{
	struct cpu_set wanted = { 0 };

	two_full();
	put_brand(&a, of_a);
	put_brand(&b, of_b);
	put_brand(&wanted, met);
	merge_ab();
	if (!same_by_rule(&c, &wanted, RULE_BRAND))
		fail_msg("%s and %s are not \"%s\"", of_a, of_b, met);
}

static void unlike_brand_strings_give_way_to_the_vendors(void **state)
{
	static const char first[] = "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz";
	static const char second[] = "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz";
	static const char neutral[] = "Intel(R) Processor";

	(void)state;
	expect_brand(first, first, first);
	expect_brand(first, second, neutral);
	expect_brand(neutral, second, neutral);
	expect_brand(first, "", "");
	expect_brand("", neutral, "");
}

static void a_brand_string_is_never_cut(void **state)
{
	static const struct cpu_set none;

	(void)state;
	two_full();
	cpus_put(&b, "max_ext_leaf", 0x80000003);
	merge_ab();
	assert_true(same_by_rule(&c, &none, RULE_BRAND));
	assert_int_equal(fleet_check(&a, &c, NULL, 0), 0);
	assert_int_equal(fleet_check(&b, &c, NULL, 0), 0);
}

static void an_xsave_component_laid_out_in_two_ways_is_gone(void **state)
{
	(void)state;
	two_full();
	cpus_put(&b, "xsave_pkru_align64", 0);
	merge_ab();
	assert_int_equal(cpus_get(&c, "xcr0_pkru"), 0);
	assert_int_equal(cpus_get(&c, "xsave_pkru_size"), 0);
	assert_int_equal(cpus_get(&c, "xcr0_avx"), 1);
}

static void vendors_do_not_meet(void **state)
{
	(void)state;
	two_full();
	cpus_put(&b, "vendor_ebx", 0x68747541);
	c = a;
	assert_true(cpu_set_meet(&a, &b) < 0);
	assert_non_null(strstr(err_text(), "vendor_ebx"));
	expect_equal(&a, &c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_twice_is_closing_once),
		cmocka_unit_test(closing_only_takes_away),
		cmocka_unit_test(closing_keeps_the_order),
		cmocka_unit_test(merging_is_commutative),
		cmocka_unit_test(merging_is_associative_through_templates),
		cmocka_unit_test(merging_is_idempotent),
		cmocka_unit_test(the_check_is_the_order_of_the_meet),
		cmocka_unit_test(the_merge_is_the_greatest),
		cmocka_unit_test(no_further_bit_fits_all),
		cmocka_unit_test(unlike_timer_rates_take_the_timer),
		cmocka_unit_test(fixed_bits_merge_towards_the_stricter),
		cmocka_unit_test(sizes_grow_and_limits_shrink),
		cmocka_unit_test(plain_controls_alone_are_not_equal_true_ones),
		cmocka_unit_test(
			verw_clears_where_each_host_has_it_or_is_immune),
		cmocka_unit_test(signature_and_caches_are_of_one_host),
		cmocka_unit_test(the_caches_go_with_the_lower_signature),
		cmocka_unit_test(unlike_brand_strings_give_way_to_the_vendors),
		cmocka_unit_test(a_brand_string_is_never_cut),
		cmocka_unit_test(
			an_xsave_component_laid_out_in_two_ways_is_gone),
		cmocka_unit_test(vendors_do_not_meet),
	};

	return cmocka_run_group_tests_name("meet", tests, NULL, NULL);
}
