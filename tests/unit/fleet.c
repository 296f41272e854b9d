/* SPDX-License-Identifier: Apache-2.0 */
/* fleet.c - fleets of real and made-up hosts: merged, refused, checked */
#include "tests/unit/unit.h"

#include "cpu/fleet.h"
#include "cpu/x86_64/closure.h"
#include "tests/unit/cpus.h"
#include "vmm/base/err.h"

#define HOSTS_MAX 4

static struct cpu_set cpu[HOSTS_MAX];
static struct fleet_member host[HOSTS_MAX];
static struct template merged;

static const char *const names[] = { "ash", "birch", "cedar", "date" };

static void full_hosts(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		cpus_full(&cpu[i]);
		host[i] = (struct fleet_member){ .name = names[i],
			.cpu = &cpu[i],
			.tsc_khz = 2000000,
			.tsc_scaling = true };
	}
}

static void real_hosts(void)
{
	static const char *const files[] = { "intel-cascadelake",
		"intel-icelake", "intel-sapphire-rapids", "amd-milan" };

	full_hosts(HOSTS_MAX);
	for (unsigned i = 0; i < HOSTS_MAX; i++)
		cpus_fingerprint(files[i], &cpu[i]);
}

static int merge(unsigned count, const struct fleet_wishes *wishes)
{
	err_clear();
	return fleet_merge(host, count, wishes, &merged);
}

static void expect_merge(unsigned count)
{
	if (merge(count, NULL) < 0)
		fail_msg("%s", err_text());
}

static void expect_refused(unsigned count, const struct fleet_wishes *wishes,
	const char *const words[])
{
	assert_true(merge(count, wishes) < 0);
	for (unsigned i = 0; words[i]; i++)
		if (!strstr(err_text(), words[i]))
			fail_msg("\"%s\" lacks \"%s\"", err_text(), words[i]);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ---- real hosts (the pool of Xeons, as worked out by hand) ---- */

static const struct {
	uint32_t leaf, subleaf;
	enum feature_cpuid_reg reg;
	uint32_t value;
} golden[] = {
	{ 0, 0, REG_EAX, 0x16 },
	{ 1, 0, REG_EAX, 0x50657 },
	/* less HYPERVISOR and TSC_DEADLINE, which are each machine's own */
	{ 1, 0, REG_ECX, 0xf7fa3203 & ~(BIT(31) | BIT(24)) },
	{ 1, 0, REG_EDX, 0x0f8bfbff },
	{ 7, 0, REG_EBX, 0xd19f27eb },
	{ 7, 0, REG_ECX, 0x80c },
	{ 7, 0, REG_EDX, 0xac000400 },
	{ 7, 1, REG_EAX, 0 },
	{ 7, 2, REG_EDX, 0 },
	{ 0xd, 0, REG_EAX, 0x2e7 },
	{ 0xd, 0, REG_ECX, 2696 },
	{ 0xd, 1, REG_EAX, 0xf },
	{ 0x80000008, 0, REG_EAX, 0x302e },
	{ 0x80000008, 0, REG_EBX, 0x0100d000 },
};

static void the_pool_of_three_xeons_is_as_worked_out(void **state)
{
	(void)state;
	real_hosts();
	expect_merge(3);
	assert_int_equal(cpu_set_msr(&merged.cpu, 0x10a), 0x0c0aa0eb);
	for (unsigned i = 0; i < ARRAY_SIZE(golden); i++) {
		uint32_t value = cpu_set_cpuid(&merged.cpu, golden[i].leaf,
			golden[i].subleaf, golden[i].reg);

		if (value != golden[i].value)
			fail_msg("leaf %x.%x reg %d: %08x, not %08x",
				golden[i].leaf, golden[i].subleaf,
				golden[i].reg, value, golden[i].value);
	}
}

static void any_order_and_any_grouping_gives_the_same(void **state)
{
	static const unsigned orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 },
		{ 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct template first;

	(void)state;
	real_hosts();
	expect_merge(3);
	first = merged;
	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
		struct template pair;

		for (unsigned n = 0; n < 3; n++)
			host[n].cpu = &cpu[orders[i][n]];
		expect_merge(3);
		assert_true(cpu_set_equal(&merged.cpu, &first.cpu));
		expect_merge(2);
		pair = merged;
		host[0].cpu = &pair.cpu;
		host[1].cpu = &cpu[orders[i][2]];
		expect_merge(2);
		assert_true(cpu_set_equal(&merged.cpu, &first.cpu));
	}
}

static void each_host_can_show_the_merge(void **state)
{
	(void)state;
	real_hosts();
	expect_merge(3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(fleet_check(&cpu[i], &merged.cpu, NULL, 0), 0);
}

/* Each bit that the merge has not: some host cannot show it, or it falls again. */
static void no_bit_of_real_hosts_is_lost_without_need(void **state)
{
	(void)state;
	real_hosts();
	expect_merge(3);
	for (unsigned row = 0; row < feature_rows(); row++)
		for (unsigned bit = 0; bit < 64; bit++) {
			struct cpu_set more = merged.cpu, closed;
			unsigned unfit = 0;

			more.present[row] = true;
			more.value[row] ^= BIT64(bit);
			for (unsigned i = 0; i < 3; i++)
				unfit += !!fleet_check(&cpu[i], &more, NULL, 0);
			closed = more;
			cpu_set_close(&closed);
			if (!unfit &&
				fleet_check(&merged.cpu, &more, NULL, 0) &&
				cpu_set_equal(&closed, &more))
				fail_msg("%s bit %u fits all",
					feature_row(row)->name, bit);
		}
}

static void a_host_that_lacks_one_bit_does_not_fit(void **state)
{
	struct fleet_misfit misfit[4];

	(void)state;
	real_hosts();
	expect_merge(3);
	cpus_put(&cpu[0], "avx512f", 0);
	assert_int_equal(fleet_check(&cpu[0], &merged.cpu, misfit, 4), 1);
	assert_string_equal(misfit[0].feature->name, "avx512f");
	assert_int_equal(misfit[0].wanted, 1);
	assert_int_equal(misfit[0].offered, 0);
}

/* ---- refusals ---- */

static void vendors_do_not_mix(void **state)
{
	(void)state;
	real_hosts();
	expect_refused(
		4, NULL, WORDS("ash is GenuineIntel", "date is AuthenticAMD"));
}

static void no_member_is_no_fleet(void **state)
{
	(void)state;
	expect_refused(0, NULL, WORDS("at least one"));
}

static void one_host_is_a_fleet_of_its_own(void **state)
{
	(void)state;
	full_hosts(1);
	expect_merge(1);
	cpu_set_close(&cpu[0]);
	assert_true(cpu_set_equal(&merged.cpu, &cpu[0]));
}

static void must_be_1_against_may_not_be_1_names_both_hosts(void **state)
{
	(void)state;
	full_hosts(3);
	cpus_put_duty(&cpu[1], "vmx-hlt-exit");
	cpus_put(&cpu[2], "vmx-hlt-exit", 0);
	expect_refused(3, NULL,
		WORDS("IA32_VMX_TRUE_PROCBASED_CTLS", "vmx-hlt-exit",
			"must be 1 on birch", "may not be 1 on cedar"));
}

static void a_third_host_without_vmx_settles_the_matter(void **state)
{
	(void)state;
	full_hosts(4);
	cpus_put_duty(&cpu[1], "vmx-hlt-exit");
	cpus_put(&cpu[2], "vmx-hlt-exit", 0);
	cpus_put(&cpu[3], "vmx", 0);
	expect_merge(4);
	assert_int_equal(cpus_get(&merged.cpu, "vmx"), 0);
}

static void unlike_revisions_are_refused_by_name(void **state)
{
	const char *const vmx = "vmx";
	const struct fleet_wishes without = { &vmx, 1, NULL, 0 };

	(void)state;
	full_hosts(2);
	cpus_put(&cpu[1], "vmx-revision-id", 4);
	expect_refused(2, NULL,
		WORDS("vmx-revision-id", "0x11e57ed0 on ash", "0x4 on birch"));
	assert_int_equal(merge(2, &without), 0);
}

static void unlike_cache_lines_are_refused_by_name(void **state)
{
	(void)state;
	full_hosts(2);
	cpus_put(&cpu[1], "clflush_size", 4);
	expect_refused(2, NULL, WORDS("clflush_size", "ash", "0x4 on birch"));
}

/* ---- wishes ---- */

static void what_is_taken_away_takes_its_dependents(void **state)
{
	const char *const ept = "vmx-ept";
	const struct fleet_wishes without = { &ept, 1, NULL, 0 };

	(void)state;
	full_hosts(2);
	assert_int_equal(merge(2, &without), 0);
	assert_int_equal(cpus_get(&merged.cpu, "vmx-ept"), 0);
	assert_int_equal(cpus_get(&merged.cpu, "vmx-pml"), 0);
	assert_int_equal(cpus_get(&merged.cpu, "vmx-vpid"), 1);
}

static void a_required_name_that_is_lost_says_who_lacks_it(void **state)
{
	const char *const wanted[] = { "avx2", "rdseed" };
	const struct fleet_wishes wishes = { NULL, 0, wanted, 2 };

	(void)state;
	full_hosts(3);
	assert_int_equal(merge(3, &wishes), 0);
	cpus_put(&cpu[0], "rdseed", 0);
	cpus_put(&cpu[2], "rdseed", 0);
	expect_refused(3, &wishes, WORDS("--require rdseed", "ash, cedar"));
}

static void wishes_for_what_does_not_exist_are_refused(void **state)
{
	const char *const name = "avx1024";
	const char *const warning = "rrsba";

	(void)state;
	full_hosts(1);
	expect_refused(1, &(struct fleet_wishes){ &name, 1, NULL, 0 },
		WORDS("--without avx1024", "no such feature"));
	expect_refused(1, &(struct fleet_wishes){ NULL, 0, &name, 1 },
		WORDS("--require avx1024", "no such feature"));
	expect_refused(1, &(struct fleet_wishes){ &warning, 1, NULL, 0 },
		WORDS("--without rrsba"));
}

/* ---- the clock ---- */

static void clocks(uint64_t a, bool a_scales, uint64_t b, bool b_scales)
{
	full_hosts(2);
	host[0].tsc_khz = a;
	host[0].tsc_scaling = a_scales;
	host[1].tsc_khz = b;
	host[1].tsc_scaling = b_scales;
	expect_merge(2);
}

static void the_clock_is_the_slowest_that_all_can_keep(void **state)
{
	(void)state;
	clocks(2000000, false, 2000000, false);
	assert_int_equal(merged.tsc_khz, 2000000);
	assert_false(merged.tsc_scaling);
	clocks(2000000, false, 2000400, false); /* within 250 ppm */
	assert_int_equal(merged.tsc_khz, 2000000);
	clocks(2000000, false, 3000000, false);
	assert_int_equal(merged.tsc_khz, 0);
	clocks(2000000, false, 3000000, true);
	assert_int_equal(merged.tsc_khz, 2000000);
	clocks(2000000, true, 3000000, true);
	assert_int_equal(merged.tsc_khz, 2000000);
	assert_true(merged.tsc_scaling);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pool_of_three_xeons_is_as_worked_out),
		cmocka_unit_test(any_order_and_any_grouping_gives_the_same),
		cmocka_unit_test(each_host_can_show_the_merge),
		cmocka_unit_test(no_bit_of_real_hosts_is_lost_without_need),
		cmocka_unit_test(a_host_that_lacks_one_bit_does_not_fit),
		cmocka_unit_test(vendors_do_not_mix),
		cmocka_unit_test(no_member_is_no_fleet),
		cmocka_unit_test(one_host_is_a_fleet_of_its_own),
		cmocka_unit_test(
			must_be_1_against_may_not_be_1_names_both_hosts),
		cmocka_unit_test(a_third_host_without_vmx_settles_the_matter),
		cmocka_unit_test(unlike_revisions_are_refused_by_name),
		cmocka_unit_test(unlike_cache_lines_are_refused_by_name),
		cmocka_unit_test(what_is_taken_away_takes_its_dependents),
		cmocka_unit_test(
			a_required_name_that_is_lost_says_who_lacks_it),
		cmocka_unit_test(wishes_for_what_does_not_exist_are_refused),
		cmocka_unit_test(the_clock_is_the_slowest_that_all_can_keep),
	};

	return cmocka_run_group_tests_name("fleet", tests, NULL, NULL);
}
