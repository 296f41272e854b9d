/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_set.c - values by register and by field, and the way to KVM's lists and back */
#include "tests/unit/unit.h"

#include <errno.h>

#include "cpu/x86_64/cpu_set.h"
#include "tests/unit/cpus.h"

#define INDEXED KVM_CPUID_FLAG_SIGNIFCANT_INDEX

static struct cpu_set set;

static int empty(void **state)
{
	(void)state;
	set = (struct cpu_set){ 0 };
	return 0;
}

static unsigned named(const char *name, const struct feature **ret)
{
	int row = feature_find_name(name, ret);

	assert_true(row >= 0);
	return (unsigned)row;
}

static void absent_registers_read_as_0(void **state)
{
	(void)state;
	assert_int_equal(cpu_set_msr(&set, 0x10a), 0);
	assert_int_equal(cpu_set_cpuid(&set, 7, 0, REG_EBX), 0);
}

static void registers_without_a_row_read_as_0_and_take_nothing(void **state)
{
	(void)state;
	assert_int_equal(cpu_set_put_msr(&set, 0x10, 1), -ENOENT);
	assert_int_equal(cpu_set_put_cpuid(&set, 7, 99, REG_EAX, 1), -ENOENT);
	assert_int_equal(cpu_set_msr(&set, 0x10), 0);
	assert_int_equal(cpu_set_cpuid(&set, 7, 99, REG_EAX), 0);
}

static void what_is_put_is_there(void **state)
{
	(void)state;
	assert_int_equal(cpu_set_put_msr(&set, 0x48b, 0x1234567800000000), 0);
	assert_int_equal(cpu_set_put_cpuid(&set, 7, 0, REG_EDX, 0x9abc), 0);
	assert_true(cpu_set_msr(&set, 0x48b) == 0x1234567800000000);
	assert_int_equal(cpu_set_cpuid(&set, 7, 0, REG_EDX), 0x9abc);
	assert_int_equal(cpu_set_cpuid(&set, 7, 0, REG_ECX), 0);
}

static void a_register_of_0_is_present(void **state)
{
	int row = feature_find_row(SPACE_MSR, 0x491, 0, REG_EAX);

	(void)state;
	assert_false(set.present[row]);
	assert_int_equal(cpu_set_put_msr(&set, 0x491, 0), 0);
	assert_true(set.present[row]);
}

static void a_field_is_cut_from_its_register(void **state)
{
	const struct feature *f;
	unsigned row = named("virt_bits", &f);

	(void)state;
	cpu_set_put_cpuid(&set, 0x80000008, 0, REG_EAX, 0x302e34);
	assert_int_equal(cpu_set_field(&set, row, f), 0x2e);
	cpu_set_put_field(&set, row, f, 0x139);
	assert_int_equal(cpu_set_cpuid(&set, 0x80000008, 0, REG_EAX), 0x303934);
}

static void a_field_can_fill_a_register(void **state)
{
	const struct feature *f;
	unsigned row = named("signature", &f);

	(void)state;
	cpu_set_put_field(&set, row, f, 0xffffffff);
	assert_int_equal(cpu_set_cpuid(&set, 1, 0, REG_EAX), 0xffffffff);
	assert_int_equal(cpu_set_field(&set, row, f), 0xffffffff);
}

static void a_control_is_its_may_be_1_bit(void **state)
{
	const struct feature *f;
	unsigned row = named("vmx-nmi-exit", &f);

	(void)state;
	cpu_set_put_msr(&set, 0x48d, 0x8); /* only "must be 1" */
	assert_int_equal(cpu_set_field(&set, row, f), 0);
	cpu_set_put_field(&set, row, f, 1);
	assert_true(cpu_set_msr(&set, 0x48d) == 0x800000008);
	cpu_set_put_field(&set, row, f, 0);
	assert_true(cpu_set_msr(&set, 0x48d) == 0x8);
}

static void every_field_round_trips(void **state)
{
	(void)state;
	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);

		for (unsigned i = 0; i < reg->count; i++) {
			const struct feature *f = &reg->features[i];
			uint64_t most = cpu_set_field(&set, row, f);

			assert_true(most == 0);
			cpu_set_put_field(&set, row, f, ~0ull);
			most = cpu_set_field(&set, row, f);
			assert_true(most == (f->width < 64 ? BIT64(f->width) - 1
							   : ~0ull));
		}
	}
}

static void a_plain_leaf_ignores_the_index(void **state)
{
	static const struct cpuid cpuid = {
		.count = 1,
		.entry = { { .function = 1, .index = 9, .eax = 0x806f8 } },
	};

	(void)state;
	cpu_set_from_cpuid(&set, &cpuid);
	assert_int_equal(cpu_set_cpuid(&set, 1, 0, REG_EAX), 0x806f8);
}

static void unknown_leaves_and_registers_are_dropped(void **state)
{
	static const struct cpuid cpuid = {
		.count = 3,
		.entry = {
			{ .function = 3, .eax = 1 },
			{ .function = 7, .index = 2, .flags = INDEXED,
				.eax = 1, .edx = 2 },
			{ .function = 7, .index = 50, .flags = INDEXED,
				.edx = 4 },
		},
	};
	struct cpuid back;

	(void)state;
	cpu_set_from_cpuid(&set, &cpuid);
	cpu_set_to_cpuid(&set, &back);
	assert_int_equal(back.count, 1);
	assert_int_equal(back.entry[0].function, 7);
	assert_int_equal(back.entry[0].index, 2);
	assert_int_equal(back.entry[0].flags, INDEXED);
	assert_int_equal(back.entry[0].eax, 0);
	assert_int_equal(back.entry[0].edx, 2);
}

static void a_full_set_fits_kvms_list(void **state)
{
	static struct cpuid all;

	(void)state;
	for (unsigned row = 0; row < feature_rows(); row++)
		set.present[row] = true;
	cpu_set_to_cpuid(&set, &all);
	assert_true(all.count > 0 && all.count <= CPUID_ENTRIES_MAX);
}

/* The registers of leaf 7 lie side by side in the table, its subleaves too. */
static void an_entry_holds_the_registers_of_one_subleaf(void **state)
{
	struct cpuid cpuid;

	(void)state;
	cpu_set_put_cpuid(&set, 7, 0, REG_EBX, 0xb0);
	cpu_set_put_cpuid(&set, 7, 0, REG_EDX, 0xd0);
	cpu_set_put_cpuid(&set, 7, 1, REG_EAX, 0xa1);
	cpu_set_to_cpuid(&set, &cpuid);
	assert_int_equal(cpuid.count, 2);
	assert_int_equal(cpuid.entry[0].index, 0);
	assert_int_equal(cpuid.entry[0].ebx, 0xb0);
	assert_int_equal(cpuid.entry[0].edx, 0xd0);
	assert_int_equal(cpuid.entry[1].index, 1);
	assert_int_equal(cpuid.entry[1].eax, 0xa1);
}

static void the_fingerprints_go_to_kvm_and_back(void **state)
{
	static const char *const names[] = { "amd-milan", "intel-cascadelake",
		"intel-icelake", "intel-sapphire-rapids" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		struct cpu_set there = { 0 }, back = { 0 };
		struct cpuid list;

		cpus_fingerprint(names[i], &there);
		for (unsigned row = cpuid_regs_count; row < feature_rows();
			row++)
			there.present[row] = false;
		cpu_set_to_cpuid(&there, &list);
		cpu_set_from_cpuid(&back, &list);
		assert_true(cpu_set_equal(&there, &back));
	}
}

static void the_vendor_is_read_in_the_manuals_order(void **state)
{
	char vendor[13];

	(void)state;
	cpu_set_vendor(&set, vendor);
	assert_string_equal(vendor, "");
	cpu_set_put_cpuid(&set, 0, 0, REG_EBX, 0x68747541);
	cpu_set_put_cpuid(&set, 0, 0, REG_EDX, 0x69746e65);
	cpu_set_put_cpuid(&set, 0, 0, REG_ECX, 0x444d4163);
	cpu_set_vendor(&set, vendor);
	assert_string_equal(vendor, "AuthenticAMD");
}

static void sets_are_equal_by_value_and_presence(void **state)
{
	struct cpu_set other = { 0 };

	(void)state;
	assert_true(cpu_set_equal(&set, &other));
	cpu_set_put_msr(&set, 0x491, 0);
	assert_false(cpu_set_equal(&set, &other));
	cpu_set_put_msr(&other, 0x491, 1);
	assert_false(cpu_set_equal(&set, &other));
	cpu_set_put_msr(&other, 0x491, 0);
	assert_true(cpu_set_equal(&set, &other));
}

#define TEST(f) cmocka_unit_test_setup(f, empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(absent_registers_read_as_0),
		TEST(registers_without_a_row_read_as_0_and_take_nothing),
		TEST(what_is_put_is_there),
		TEST(a_register_of_0_is_present),
		TEST(a_field_is_cut_from_its_register),
		TEST(a_field_can_fill_a_register),
		TEST(a_control_is_its_may_be_1_bit),
		TEST(every_field_round_trips),
		TEST(a_plain_leaf_ignores_the_index),
		TEST(unknown_leaves_and_registers_are_dropped),
		TEST(a_full_set_fits_kvms_list),
		TEST(an_entry_holds_the_registers_of_one_subleaf),
		TEST(the_fingerprints_go_to_kvm_and_back),
		TEST(the_vendor_is_read_in_the_manuals_order),
		TEST(sets_are_equal_by_value_and_presence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
