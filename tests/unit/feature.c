/* SPDX-License-Identifier: Apache-2.0 */
/* feature.c - the tables of CPUID and MSR bits hold together and can be searched */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "cpu/x86_64/feature.h"

static bool control(const struct feature_reg *reg)
{
	return reg->space == SPACE_CONTROL;
}

/* How many bits of its register a feature can name. */
static unsigned bits_of(const struct feature_reg *reg)
{
	return reg->space == SPACE_MSR ? 64 : 32;
}

static uint64_t mask_of(const struct feature *f)
{
	return (f->width < 64 ? BIT64(f->width) - 1 : ~0ull) << f->low;
}

static void check_sorted(const struct feature_reg *regs, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		const struct feature_reg *a = &regs[i - 1];
		const struct feature_reg *b = &regs[i];
		bool before = a->index != b->index ? a->index < b->index
			      : a->subleaf != b->subleaf
				      ? a->subleaf < b->subleaf
				      : a->reg < b->reg;

		if (!before)
			fail_msg(
				"%s does not come before %s", a->name, b->name);
	}
}

static void each_table_is_sorted_without_duplicates(void **state)
{
	(void)state;
	check_sorted(cpuid_regs, cpuid_regs_count);
	check_sorted(msr_regs, msr_regs_count);
	check_sorted(vmx_regs, vmx_regs_count);
}

static void all_rows_fit_a_cpu_set(void **state)
{
	(void)state;
	assert_true(feature_rows() <= FEATURE_ROWS_MAX);
	assert_int_equal(feature_rows(),
		cpuid_regs_count + msr_regs_count + vmx_regs_count);
}

static void each_table_holds_its_space(void **state)
{
	(void)state;
	for (unsigned i = 0; i < cpuid_regs_count; i++) {
		assert_int_equal(cpuid_regs[i].space, SPACE_CPUID);
		assert_true(cpuid_regs[i].indexed || !cpuid_regs[i].subleaf);
	}
	for (unsigned i = 0; i < msr_regs_count; i++)
		assert_int_equal(msr_regs[i].space, SPACE_MSR);
	for (unsigned i = 0; i < vmx_regs_count; i++)
		assert_true(vmx_regs[i].index - 0x480 < 0x14);
}

static void rows_of_a_leaf_agree_whether_it_has_subleaves(void **state)
{
	(void)state;
	for (unsigned i = 1; i < cpuid_regs_count; i++)
		if (cpuid_regs[i].index == cpuid_regs[i - 1].index)
			assert_int_equal(cpuid_regs[i].indexed,
				cpuid_regs[i - 1].indexed);
}

static void features_lie_in_their_register_and_do_not_overlap(void **state)
{
	(void)state;
	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);
		uint64_t seen = 0;

		assert_true(reg->count > 0);
		for (unsigned i = 0; i < reg->count; i++) {
			const struct feature *f = &reg->features[i];

			if (!f->width || f->low + f->width > bits_of(reg) ||
				seen & mask_of(f) ||
				(i && f->low < reg->features[i - 1].low))
				fail_msg("%s: %s is out of place", reg->name,
					f->name);
			seen |= mask_of(f);
		}
	}
}

static void controls_are_shared_or_hidden(void **state)
{
	(void)state;
	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);

		for (unsigned i = 0; control(reg) && i < reg->count; i++)
			assert_true(reg->features[i].rule == RULE_AND ||
				    reg->features[i].rule == RULE_HIDE);
	}
}

static void names_are_words(void **state)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	(void)state;
	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);

		for (unsigned i = 0; i < reg->count; i++) {
			const char *name = reg->features[i].name;

			if (!*name || name[strspn(name, allowed)])
				fail_msg("%s: %s", reg->name, name);
		}
	}
}

static void vmx_names_and_only_they_begin_with_vmx(void **state)
{
	(void)state;
	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);
		bool vmx = reg->space != SPACE_CPUID && reg->index >= 0x480 &&
			   reg->index <= 0x493;

		for (unsigned i = 0; i < reg->count; i++)
			assert_int_equal(vmx,
				!strncmp(reg->features[i].name, "vmx-", 4));
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void names_are_unique(void **state)
{
	static const char *names[64 * FEATURE_ROWS_MAX];
	unsigned count = 0;

	(void)state;
	for (unsigned row = 0; row < feature_rows(); row++)
		for (unsigned i = 0; i < feature_row(row)->count; i++)
			names[count++] = feature_row(row)->features[i].name;
	qsort(names, count, sizeof(names[0]), compare_names);
	for (unsigned i = 1; i < count; i++)
		if (!strcmp(names[i - 1], names[i]))
			fail_msg("%s is there twice", names[i]);
}

static void every_row_is_found_by_its_register(void **state)
{
	(void)state;
	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);

		assert_int_equal(feature_find_row(reg->space, reg->index,
					 reg->subleaf, reg->reg),
			row);
	}
}

static void a_control_is_found_as_an_msr_too(void **state)
{
	(void)state;
	assert_int_equal(feature_find_row(SPACE_MSR, 0x48b, 0, REG_EAX),
		feature_find_row(SPACE_CONTROL, 0x48b, 0, REG_EAX));
}

static void registers_without_a_row_are_not_found(void **state)
{
	(void)state;
	assert_int_equal(feature_find_row(SPACE_CPUID, 3, 0, REG_EAX), -ENOENT);
	assert_int_equal(feature_find_row(SPACE_CPUID, 7, 3, REG_EAX), -ENOENT);
	assert_int_equal(feature_find_row(SPACE_CPUID, 7, 2, REG_EAX), -ENOENT);
	assert_int_equal(
		feature_find_row(SPACE_CPUID, ~0u, ~0u, REG_EDX), -ENOENT);
	assert_int_equal(feature_find_row(SPACE_MSR, 0x10, 0, 0), -ENOENT);
	assert_int_equal(feature_find_row(SPACE_MSR, ~0u, 0, 0), -ENOENT);
}

static void every_feature_is_found_by_its_name_and_bits(void **state)
{
	(void)state;
	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);

		for (unsigned i = 0; i < reg->count; i++) {
			const struct feature *f = &reg->features[i];
			const struct feature *found = NULL;

			assert_int_equal(
				feature_find_name(f->name, &found), row);
			assert_ptr_equal(found, f);
			assert_ptr_equal(feature_of_bit(row, f->low), f);
			assert_ptr_equal(
				feature_of_bit(row, f->low + f->width - 1), f);
		}
	}
}

static void both_halves_of_a_control_have_its_name(void **state)
{
	const struct feature *ept;
	int row = feature_find_name("vmx-ept", &ept);

	(void)state;
	assert_true(row >= 0);
	assert_ptr_equal(feature_of_bit((unsigned)row, 1), ept);
	assert_ptr_equal(feature_of_bit((unsigned)row, 33), ept);
}

static void unknown_names_and_bits_are_not_found(void **state)
{
	const struct feature *f = NULL;
	int row = feature_find_row(SPACE_CPUID, 1, 0, REG_ECX);

	(void)state;
	assert_int_equal(feature_find_name("", &f), -ENOENT);
	assert_int_equal(feature_find_name("SSE", &f), -ENOENT);
	assert_int_equal(feature_find_name("sse4", &f), -ENOENT);
	assert_null(f);
	assert_true(row >= 0);
	assert_null(feature_of_bit((unsigned)row, 16)); /* reserved */
}

/* What the manual calls default1 (SDM vol. 3, A.3.1, A.3.2, A.4, A.5). */
static void the_default1_class_is_the_manuals(void **state)
{
	(void)state;
	for (uint32_t true_ctls = 0; true_ctls <= 12; true_ctls += 12) {
		assert_int_equal(feature_default1(0x481 + true_ctls), 0x16);
		assert_int_equal(
			feature_default1(0x482 + true_ctls), 0x0401e172);
		assert_int_equal(feature_default1(0x483 + true_ctls), 0x36dff);
		assert_int_equal(feature_default1(0x484 + true_ctls), 0x11ff);
	}
	assert_int_equal(feature_default1(0x48b), 0);
	assert_int_equal(feature_default1(0x480), 0);
}

/* A reserved control that must be 1 may be 1 too, or no guest could set it. */
static void every_default1_control_has_a_shared_name(void **state)
{
	(void)state;
	for (uint32_t msr = 0x48d; msr <= 0x490; msr++) {
		int row = feature_find_row(SPACE_CONTROL, msr, 0, 0);

		assert_true(row >= 0);
		for (unsigned bit = 0; bit < 32; bit++) {
			const struct feature *f;

			if (!(feature_default1(msr) & BIT(bit)))
				continue;
			f = feature_of_bit((unsigned)row, bit);
			assert_non_null(f);
			assert_int_equal(f->rule, RULE_AND);
		}
	}
}

/* A bit that warns, or that promises to clear, and no other, is not RULE_AND. */
static void only_these_bits_are_or_or_clear(void **state)
{
	static const char *const listed[] = { "fdp_excptn_only", "zero_fcs_fds",
		"md_clear", "efer_lmsle_mbz", "wrmsr_xx_base_ns", "verw_clear",
		"rsba", "fb_clear", "rrsba", "rfds_clear", "vmx-phys-32bit" };
	unsigned found = 0;

	(void)state;
	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);
		bool fixed0 = reg->index == 0x486 || reg->index == 0x488;

		for (unsigned i = 0; !fixed0 && i < reg->count; i++) {
			const struct feature *f = &reg->features[i];

			if (f->rule != RULE_OR && f->rule != RULE_CLEAR)
				continue;
			assert_true(found < ARRAY_SIZE(listed));
			assert_string_equal(f->name, listed[found++]);
		}
	}
	assert_int_equal(found, ARRAY_SIZE(listed));
}

static void rule_is(const char *name, enum feature_rule rule)
{
	const struct feature *f;

	assert_true(feature_find_name(name, &f) >= 0);
	if (f->rule != rule)
		fail_msg("%s: rule %d", name, f->rule);
}

static void guests_never_see_what_controls_the_host(void **state)
{
	static const char *const names[] = { "monitor", "waitpkg", "pdcm",
		"pmu_version", "sgx", "intel_pt", "rdt_a", "sev", "ibs",
		"core_capabilities", "tsx_force_abort", "mcu_control", "doitm",
		"fb_clear_ctrl", "gds_ctrl", "vmx-dual-monitor",
		"vmx-tertiary-ctls", "vmx-exit-secondary-ctls" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		rule_is(names[i], RULE_HIDE);
}

static void what_each_machine_writes_is_no_part_of_a_template(void **state)
{
	static const char *const names[] = { "initial_apic_id", "logical_cpus",
		"ht", "hypervisor", "osxsave", "ospke", "cache0_sharing",
		"topology0_apic_id", "v2_topology1_cpus", "core_id",
		"feat_ctl_locked", "feat_ctl_vmx" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		rule_is(names[i], RULE_MACHINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_table_is_sorted_without_duplicates),
		cmocka_unit_test(all_rows_fit_a_cpu_set),
		cmocka_unit_test(each_table_holds_its_space),
		cmocka_unit_test(rows_of_a_leaf_agree_whether_it_has_subleaves),
		cmocka_unit_test(
			features_lie_in_their_register_and_do_not_overlap),
		cmocka_unit_test(controls_are_shared_or_hidden),
		cmocka_unit_test(names_are_words),
		cmocka_unit_test(vmx_names_and_only_they_begin_with_vmx),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(every_row_is_found_by_its_register),
		cmocka_unit_test(a_control_is_found_as_an_msr_too),
		cmocka_unit_test(registers_without_a_row_are_not_found),
		cmocka_unit_test(every_feature_is_found_by_its_name_and_bits),
		cmocka_unit_test(both_halves_of_a_control_have_its_name),
		cmocka_unit_test(unknown_names_and_bits_are_not_found),
		cmocka_unit_test(the_default1_class_is_the_manuals),
		cmocka_unit_test(every_default1_control_has_a_shared_name),
		cmocka_unit_test(only_these_bits_are_or_or_clear),
		cmocka_unit_test(guests_never_see_what_controls_the_host),
		cmocka_unit_test(
			what_each_machine_writes_is_no_part_of_a_template),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
