/* SPDX-License-Identifier: Apache-2.0 */
/* silicon.c - what a load of microcode changed in a host's CPUs, and for which guests */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "cpu/silicon.h"
#include "tests/unit/cpus.h"

/* A host of CPUs 0 to 3 before and after, all alike; KVM offers what they had. */
static struct profile before, after;
static struct profile_group groups[3];
static struct cpu_set kvm;
static struct silicon_changes changes;

static int setup(void **state)
{
	(void)state;
	memset(groups, 0, sizeof(groups));
	cpus_full(&kvm);
	cpu_set_close(&kvm);
	for (unsigned i = 0; i < ARRAY_SIZE(groups); i++)
		groups[i].silicon = kvm;
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		cpu_list_add(&groups[0].cpus, cpu);
		cpu_list_add(&groups[1].cpus, cpu);
	}
	before = (struct profile){ .group_count = 1, .groups = &groups[0] };
	after = (struct profile){ .group_count = 1, .groups = &groups[1] };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	silicon_changes_fini(&changes);
	return 0;
}

/* CPU 3 is a group of its own afterwards. */
static void part_cpu_3(void)
{
	groups[1].cpus.bits[0] = 7;
	groups[2].cpus.bits[0] = 8;
	after.group_count = 2;
}

static void compare(unsigned count)
{
	assert_int_equal(silicon_compare(&before, &after, &kvm, &changes), 0);
	assert_int_equal(changes.count, count);
}

static void check_change(unsigned i, const char *name, enum silicon_kind kind,
	uint64_t cpus, bool kvm_differs)
{
	const struct silicon_change *c = &changes.change[i];

	assert_string_equal(c->field.feature->name, name);
	assert_int_equal(c->kind, kind);
	assert_int_equal(c->cpus.bits[0], cpus);
	assert_int_equal(c->kvm_differs, kvm_differs);
}

static void another_revision_alone_changes_nothing(void **state)
{
	(void)state;
	groups[1].microcode = 7;
	cpu_set_put_msr(&groups[1].silicon, 0x8b, 7ull << 32);
	compare(0);
}

static void what_is_gone_is_offered_by_kvm_still(void **state)
{
	(void)state;
	cpus_put(&groups[1].silicon, "rtm", 0);
	compare(1);
	check_change(0, "rtm", SILICON_GONE, 0xf, true);
}

static void what_came_is_not_offered_by_kvm_yet(void **state)
{
	(void)state;
	cpus_put(&groups[0].silicon, "md_clear", 0);
	cpus_put(&kvm, "md_clear", 0);
	compare(1);
	check_change(0, "md_clear", SILICON_CAME, 0xf, true);
}

static void a_change_of_one_cpu_names_it(void **state)
{
	(void)state;
	part_cpu_3();
	cpus_put(&groups[2].silicon, "rtm", 0);
	compare(1);
	check_change(0, "rtm", SILICON_GONE, BIT(3), true);
}

static void the_same_change_of_two_groups_is_one(void **state)
{
	(void)state;
	part_cpu_3();
	cpus_put(&groups[1].silicon, "rtm", 0);
	cpus_put(&groups[2].silicon, "rtm", 0);
	cpus_put(&groups[2].silicon, "hle", 0);
	compare(2);
	check_change(0, "rtm", SILICON_GONE, 0xf, true);
	check_change(1, "hle", SILICON_GONE, BIT(3), true);
}

static void a_guest_that_was_shown_it_no_longer_fits(void **state)
{
	struct fleet_misfit misfits[8];
	struct cpu_set guest = kvm, offer = kvm;

	(void)state;
	cpus_put(&groups[1].silicon, "adx", 0);
	compare(1);
	silicon_restrict(&offer, &changes);
	assert_int_equal(silicon_check(&kvm, &offer, &guest, misfits, 8), 1);
	assert_string_equal(misfits[0].feature->name, "adx");
	cpus_put(&guest, "adx", 0);
	assert_int_equal(silicon_check(&kvm, &offer, &guest, misfits, 8), 0);
}

static void what_never_fitted_is_not_the_load_s_doing(void **state)
{
	struct fleet_misfit misfits[8];
	struct cpu_set guest = kvm;

	(void)state;
	cpus_put(&kvm, "hle", 0);
	assert_int_equal(silicon_check(&kvm, &kvm, &guest, misfits, 8), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(another_revision_alone_changes_nothing),
		TEST(what_is_gone_is_offered_by_kvm_still),
		TEST(what_came_is_not_offered_by_kvm_yet),
		TEST(a_change_of_one_cpu_names_it),
		TEST(the_same_change_of_two_groups_is_one),
		TEST(a_guest_that_was_shown_it_no_longer_fits),
		TEST(what_never_fitted_is_not_the_load_s_doing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
