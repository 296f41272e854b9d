/* SPDX-License-Identifier: Apache-2.0 */
/* fc_template.c - Firecracker's CPU templates: what is read, what is refused */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu/template_firecracker.h"
#include "vmm/base/err.h"

static struct fc_template t;

static int parse(const char *text)
{
	return fc_parse("t.json", text, strlen(text), &t);
}

static void expect_refused(const char *text, const char *why)
{
	assert_int_equal(parse(text), -EBADMSG);
	assert_non_null(strstr(err_text(), "t.json"));
	if (!strstr(err_text(), why))
		fail_msg("%s: says \"%s\", not \"%s\"", text, err_text(), why);
}

#define LEAF(modifiers)                                                \
	"{\"cpuid_modifiers\":[{\"leaf\":\"0x1\",\"subleaf\":\"0x0\"," \
	"\"flags\":0,\"modifiers\":[" modifiers "]}]}"
#define EAX(bitmap)       "{\"register\":\"eax\",\"bitmap\":\"" bitmap "\"}"
#define MSR(addr, bitmap) "{\"addr\":\"" addr "\",\"bitmap\":\"" bitmap "\"}"
#define MSRS(list)        "{\"msr_modifiers\":[" list "]}"

/* ---- what is read ---- */

static void a_bitmap_gives_mask_and_value(void **state)
{
	(void)state;
	assert_int_equal(
		parse(LEAF(EAX("0bxxxx000000000011xx00011011110010"))), 0);
	assert_int_equal(t.count, 1);
	assert_int_equal(t.modifier[0].space, SPACE_CPUID);
	assert_int_equal(t.modifier[0].index, 1);
	assert_int_equal(t.modifier[0].reg, REG_EAX);
	assert_int_equal(t.modifier[0].mask, 0x0fff3fff);
	assert_int_equal(t.modifier[0].value, 0x000306f2);
	fc_fini(&t);
}

static void bits_in_front_that_are_not_given_are_open(void **state)
{
	(void)state;
	assert_int_equal(parse(MSRS(MSR("0x10a", "0b1_0x"))), 0);
	assert_int_equal(t.modifier[0].space, SPACE_MSR);
	assert_int_equal(t.modifier[0].index, 0x10a);
	assert_int_equal(t.modifier[0].mask, 6);
	assert_int_equal(t.modifier[0].value, 4);
	fc_fini(&t);
}

static void an_msr_has_64_bits(void **state)
{
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), MSRS(MSR("0xc0011029", "0b1%063d")), 0);
	assert_int_equal(parse(text), 0);
	assert_true(t.modifier[0].mask == ~0ull);
	assert_true(t.modifier[0].value == BIT64(63));
	fc_fini(&t);
}

static void capabilities_are_numbers_and_demands_can_be_dropped(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"kvm_capabilities\":[\"171\",\"!56\"]}"), 0);
	assert_int_equal(t.capability_count, 1);
	assert_int_equal(t.capability[0], 171);
	fc_fini(&t);
}

static void an_empty_template_changes_nothing(void **state)
{
	struct cpu_set a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(parse("{}"), 0);
	cpu_set_put_cpuid(&a, 1, 0, REG_EAX, 0x1234);
	b = a;
	fc_apply(&t, &b);
	assert_true(cpu_set_equal(&a, &b));
	fc_fini(&t);
}

static void bits_are_cleared_set_and_left(void **state)
{
	struct cpu_set cpu = { 0 };

	(void)state;
	assert_int_equal(parse(LEAF(EAX("0b01x"))), 0);
	cpu_set_put_cpuid(&cpu, 1, 0, REG_EAX, 0xd);
	fc_apply(&t, &cpu);
	assert_int_equal(cpu_set_cpuid(&cpu, 1, 0, REG_EAX), 0xb);
	fc_fini(&t);
}

/* ---- what is refused ---- */

static void other_documents_are_refused(void **state)
{
	(void)state;
	expect_refused("", "empty");
	expect_refused("[]", "object");
	expect_refused("{", "JSON");
	expect_refused("{\"cpuid_modifiers\":{}}", "cpuid_modifiers");
	expect_refused("{\"cpuid\":[]}", "cpuid");
	expect_refused("{\"reg_modifiers\":[]}", "reg_modifiers");
	expect_refused("{\"msr_modifiers\":[],\"msr_modifiers\":[]}", "");
}

static void bad_bitmaps_are_refused(void **state)
{
	(void)state;
	expect_refused(LEAF(EAX("")), "bitmap");
	expect_refused(LEAF(EAX("0b")), "bitmap");
	expect_refused(LEAF(EAX("0b_")), "bitmap");
	expect_refused(LEAF(EAX("0x1")), "bitmap");
	expect_refused(LEAF(EAX("0b2")), "bitmap");
	expect_refused(
		LEAF(EAX("0b000000000000000000000000000000001")), "bitmap");
}

static void bad_registers_are_refused(void **state)
{
	(void)state;
	expect_refused(
		LEAF("{\"register\":\"rax\",\"bitmap\":\"0b1\"}"), "rax");
	expect_refused(LEAF("{\"register\":\"eax\"}"), "bitmap: missing");
	expect_refused(LEAF("7"), "modifiers[0]");
	expect_refused(MSRS(MSR("10", "0b1")), "addr");
	expect_refused(MSRS(MSR("0x100000000", "0b1")), "addr");
	expect_refused(MSRS("[]"), "msr_modifiers[0]");
}

static void a_register_twice_is_refused(void **state)
{
	(void)state;
	expect_refused(LEAF(EAX("0b1") "," EAX("0b0")), "twice");
	expect_refused(MSRS(MSR("0x10", "0b1") "," MSR("0x10", "0b1")),
		"msr_modifiers[1]");
}

static void bad_capabilities_are_refused(void **state)
{
	(void)state;
	expect_refused("{\"kvm_capabilities\":[1]}", "kvm_capabilities[0]");
	expect_refused("{\"kvm_capabilities\":[\"x\"]}", "x");
	expect_refused("{\"kvm_capabilities\":[\"-1\"]}", "-1");
	expect_refused("{\"kvm_capabilities\":[\"\"]}", "kvm_capabilities");
	expect_refused("{\"kvm_capabilities\":[\"9999999999\"]}", "9999999999");
}

static void too_many_registers_are_refused(void **state)
{
	size_t room = 64 * (FC_MODIFIERS_MAX + 2);
	char *text = malloc(room);
	size_t used;

	(void)state;
	used = (size_t)snprintf(text, room, "{\"msr_modifiers\":[");
	for (unsigned i = 0; i <= FC_MODIFIERS_MAX; i++)
		used += (size_t)snprintf(text + used, room - used,
			"%s{\"addr\":\"%#x\",\"bitmap\":\"0b1\"}", i ? "," : "",
			i + 1);
	snprintf(text + used, room - used, "]}");
	expect_refused(text, "more than");
	free(text);
}

/* ---- the built-in ones ---- */

static void built_in_templates_have_names_and_vendors(void **state)
{
	static const char *const intel[] = { "C3", "T2", "T2S", "T2CL" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(intel); i++) {
		assert_int_equal(fc_builtin(intel[i], &t), 0);
		assert_string_equal(t.vendor, "GenuineIntel");
	}
	assert_int_equal(fc_builtin("T2A", &t), 0);
	assert_string_equal(t.vendor, "AuthenticAMD");
	assert_int_equal(fc_builtin("t2", &t), -ENOENT);
	assert_int_equal(fc_builtin("host", &t), -ENOENT);
}

static void built_in_templates_set_only_bits_that_guests_may_see(void **state)
{
	static const char *const all[] = { "C3", "T2", "T2S", "T2CL", "T2A" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		assert_int_equal(fc_builtin(all[i], &t), 0);
		for (unsigned n = 0; n < t.count; n++) {
			const struct fc_modifier *m = &t.modifier[n];

			int row = feature_find_row(
				m->space, m->index, m->subleaf, m->reg);

			assert_true(row >= 0);
			assert_int_equal(m->value & ~m->mask, 0);
			assert_int_equal(m->value & ~bits_by_rule((unsigned)row,
							    ~BIT(RULE_HIDE)),
				0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bitmap_gives_mask_and_value),
		cmocka_unit_test(bits_in_front_that_are_not_given_are_open),
		cmocka_unit_test(an_msr_has_64_bits),
		cmocka_unit_test(
			capabilities_are_numbers_and_demands_can_be_dropped),
		cmocka_unit_test(an_empty_template_changes_nothing),
		cmocka_unit_test(bits_are_cleared_set_and_left),
		cmocka_unit_test(other_documents_are_refused),
		cmocka_unit_test(bad_bitmaps_are_refused),
		cmocka_unit_test(bad_registers_are_refused),
		cmocka_unit_test(a_register_twice_is_refused),
		cmocka_unit_test(bad_capabilities_are_refused),
		cmocka_unit_test(too_many_registers_are_refused),
		cmocka_unit_test(built_in_templates_have_names_and_vendors),
		cmocka_unit_test(
			built_in_templates_set_only_bits_that_guests_may_see),
	};

	return cmocka_run_group_tests_name("fc_template", tests, NULL, NULL);
}
