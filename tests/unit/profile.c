/* SPDX-License-Identifier: Apache-2.0 */
/* profile.c - files of the fleet: what is read back, and every refusal's words */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu/profile.h"
#include "cpu/template.h"
#include "vmm/base/err.h"

#define INTEL_LEAF                                                      \
	"{\"leaf\": \"0x0\", \"subleaf\": \"0x0\", \"eax\": \"0x16\", " \
	"\"ebx\": \"0x756e6547\", \"ecx\": \"0x6c65746e\", "            \
	"\"edx\": \"0x49656e69\"}"

static const char profile_text[] =
	"{\"format\": \"muster-profile\", \"version\": 1, \"host\": \"a\", "
	"\"kernel\": \"6.1\", \"tsc_khz\": 2000000, \"tsc_scaling\": true, "
	"\"params\": {\"kvm_intel.nested\": \"Y\"}, "
	"\"kvm\": {\"cpuid\": [" INTEL_LEAF
	"], \"msrs\": {\"0x10a\": \"0x6b\", "
	"\"0x48d\": \"0x7f00000016\"}}, "
	"\"groups\": [{\"cpus\": \"0-2\", \"microcode\": \"0x2b\", "
	"\"msrs_known\": true, \"cpuid\": [" INTEL_LEAF "], "
	"\"msrs\": {}}, "
	"{\"cpus\": \"3\", \"microcode\": \"0x2a\", "
	"\"msrs_known\": true, \"cpuid\": [" INTEL_LEAF "], "
	"\"msrs\": {\"0x10a\": \"0x1\"}}]}";

static const char template_text[] =
	"{\"format\": \"muster-template\", \"version\": 1, \"tsc_khz\": 0, "
	"\"tsc_scaling\": true, \"cpuid\": [" INTEL_LEAF
	", {\"leaf\": \"0x7\", \"subleaf\": \"0x0\", \"edx\": \"0x20000000\"}"
	"], \"msrs\": {\"0x10a\": \"0x1\"}}";

/* `text` with the first `from` in it turned into `to`. */
static char *edited(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *result = malloc(strlen(text) + strlen(to) + 1);

	assert_non_null(at);
	sprintf(result, "%.*s%s%s", (int)(at - text), text, to,
		at + strlen(from));
	return result;
}

static struct profile *accept(const char *text)
{
	struct profile *p = NULL;

	if (profile_parse("a.json", text, strlen(text), &p))
		fail_msg("%s", err_text());
	return p;
}

struct refusal {
	const char *from, *to; /* what is changed in the good file */
	const char *sentence;  /* behind the name of the file */
};

static void refuse_profiles(const struct refusal *t, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *text = edited(profile_text, t[i].from, t[i].to);
		struct profile *p = NULL;

		assert_int_equal(
			profile_parse("a.json", text, strlen(text), &p),
			-EBADMSG);
		assert_null(p);
		assert_string_equal(err_text(), t[i].sentence);
		free(text);
	}
}

static void refuse_templates(const struct refusal *t, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *text = edited(template_text, t[i].from, t[i].to);
		struct template out;

		assert_int_equal(
			template_parse("t.json", text, strlen(text), &out),
			-EBADMSG);
		assert_string_equal(err_text(), t[i].sentence);
		free(text);
	}
}

static void a_profile_is_read_and_printed_the_same(void **state)
{
	struct buf first = BUF_INIT, again = BUF_INIT;
	struct profile *p = accept(profile_text), *copy;

	(void)state;
	profile_print(p, &first);
	buf_u8(&first, 0);
	copy = accept((char *)first.data);
	profile_print(copy, &again);
	buf_u8(&again, 0);
	assert_string_equal(first.data, again.data);
	assert_string_equal(copy->host, "a");
	assert_string_equal(copy->kernel, "6.1");
	assert_int_equal(copy->tsc_khz, 2000000);
	assert_true(copy->tsc_scaling);
	assert_int_equal(copy->param_count, 1);
	assert_string_equal(copy->params[0].name, "kvm_intel.nested");
	assert_int_equal(cpu_set_msr(&copy->kvm, 0x10a), 0x6b);
	assert_int_equal(copy->group_count, 2);
	assert_int_equal(copy->groups[0].microcode, 0x2b);
	assert_true(cpu_list_has(&copy->groups[1].cpus, 3));
	buf_fini(&first);
	buf_fini(&again);
	profile_free(p);
	profile_free(copy);
}

static void cpus_that_differ_are_listed(void **state)
{
	struct profile *p = accept(profile_text);
	struct buf text = BUF_INIT;

	(void)state;
	assert_int_equal(profile_print_asymmetry(p, &text), 2);
	buf_u8(&text, 0);
	assert_string_equal(text.data,
		"CPU 3: microcode 0x2a, others 0x2b\n"
		"CPU 3: rdcl_no (IA32_ARCH_CAPABILITIES) 1, others 0\n");
	buf_fini(&text);
	profile_free(p);
}

static void a_profile_truncated_anywhere_is_refused(void **state)
{
	struct profile *p = NULL;

	(void)state;
	for (size_t len = 0; len < strlen(profile_text); len++) {
		assert_int_equal(profile_parse("a.json", profile_text, len, &p),
			-EBADMSG);
		assert_memory_equal(err_text(), "a.json: ", 8);
	}
	assert_null(p);
}

static void another_format_or_version_is_refused(void **state)
{
	static const struct refusal t[] = {
		{ "\"version\": 1", "\"version\": 2",
			"a.json: version: is 2, and this muster reads version "
			"1 of muster-profile; make the file again with this "
			"muster" },
		{ "\"version\": 1, ", "",
			"a.json: version: missing; expected 1" },
		{ "muster-profile", "muster-template",
			"a.json: format: is muster-template; expected "
			"muster-profile" },
		{ "\"format\": \"muster-profile\", ", "",
			"a.json: format: missing; expected "
			"\"muster-profile\"" },
	};

	(void)state;
	refuse_profiles(t, ARRAY_SIZE(t));
}

static void missing_and_unknown_keys_are_named(void **state)
{
	static const struct refusal t[] = {
		{ "\"host\": \"a\", ", "", "a.json: host: missing" },
		{ "\"kernel\"", "\"colonel\"", "a.json: kernel: missing" },
		{ "\"tsc_khz\": 2", "\"x\": 1, \"tsc_khz\": 2",
			"a.json: x: unknown key" },
		{ "\"msrs\": {}", "\"msrs\": {}, \"x\": 1",
			"a.json: groups[0]: x: unknown key" },
		{ "\"microcode\": \"0x2b\", ", "",
			"a.json: groups[0]: microcode: missing" },
		{ "\"subleaf\": \"0x0\", ", "",
			"a.json: kvm.cpuid[0]: subleaf: missing" },
		{ "\"kvm\": {\"cpuid\": [" INTEL_LEAF "]",
			"\"kvm\": {\"cpuid\": []",
			"a.json: kvm: CPUID leaf 0x0: missing; it names the "
			"vendor" },
	};

	(void)state;
	refuse_profiles(t, ARRAY_SIZE(t));
}

static void wrong_types_and_values_are_named(void **state)
{
	static const struct refusal t[] = {
		{ "\"tsc_khz\": 2000000", "\"tsc_khz\": \"2\"",
			"a.json: tsc_khz: must be an integer" },
		{ "\"tsc_khz\": 2000000", "\"tsc_khz\": -1",
			"a.json: tsc_khz: -1: must be 0 to 4294967295" },
		{ "\"tsc_scaling\": true", "\"tsc_scaling\": 1",
			"a.json: tsc_scaling: must be true or false" },
		{ "\"host\": \"a\"", "\"host\": \"\\u001b[2J\"",
			"a.json: host: ?[2J: must be 1 to 255 printable "
			"bytes" },
		{ "0x6b", "6b",
			"a.json: kvm: 0x10a: 6b: not a hexadecimal number; "
			"expected 0x and up to 16 digits" },
		{ "\"0x16\"", "\"0x100000000\"",
			"a.json: kvm.cpuid[0]: eax: 0x100000000: too large; "
			"at most 0xffffffff" },
		{ "\"0-2\"", "\"2-0\"",
			"a.json: groups[0]: cpus: 2-0: no list of CPUs; "
			"expected \"0-63,128\", ascending and below 4096" },
	};

	(void)state;
	refuse_profiles(t, ARRAY_SIZE(t));
}

static void what_is_given_twice_is_refused(void **state)
{
	static const struct refusal t[] = {
		{ "\"host\": \"a\"", "\"host\": \"a\", \"host\": \"b\"",
			"a.json: line 1: not JSON: duplicate object key near "
			"'\"host\"'" },
		{ "\"cpuid\": [", "\"cpuid\": [" INTEL_LEAF ", ",
			"a.json: kvm.cpuid[1]: CPUID leaf 0x0 subleaf 0x0: "
			"given twice" },
		{ "\"0x10a\": \"0x6b\"",
			"\"0x10a\": \"0x1\", \"0x10A\": \"0x6b\"",
			"a.json: kvm: MSR 0x10a: given twice" },
		{ "\"cpus\": \"3\"", "\"cpus\": \"2-3\"",
			"a.json: groups[1]: cpus: one of them is in an earlier "
			"group too" },
	};

	(void)state;
	refuse_profiles(t, ARRAY_SIZE(t));
}

static void unknown_registers_are_refused(void **state)
{
	static const struct refusal t[] = {
		{ "\"0x10a\"", "\"0xdead\"",
			"a.json: kvm: MSR 0xdead: none that this muster "
			"knows" },
		{ "\"leaf\": \"0x0\"", "\"leaf\": \"0x3fffffff\"",
			"a.json: kvm.cpuid[0]: CPUID leaf 0x3fffffff subleaf "
			"0x0 eax: no register that this muster knows" },
	};

	(void)state;
	refuse_profiles(t, ARRAY_SIZE(t));
}

static void contradictions_are_refused(void **state)
{
	static const struct refusal t[] = {
		{ "0x7f00000016", "0x7f00000116",
			"a.json: kvm: IA32_VMX_TRUE_PINBASED_CTLS: bit 8 must "
			"be 1 and may not be 1; no CPU is so" },
		{ "\"cpuid\": [" INTEL_LEAF "], \"msrs\": {}",
			"\"cpuid\": [{\"leaf\": \"0x0\", \"subleaf\": "
			"\"0x0\", \"ebx\": \"0x68747541\", \"ecx\": "
			"\"0x444d4163\", \"edx\": \"0x69746e65\"}], "
			"\"msrs\": {}",
			"a.json: groups[0]: vendor AuthenticAMD, and KVM's is "
			"GenuineIntel; one host has one vendor" },
	};

	(void)state;
	refuse_profiles(t, ARRAY_SIZE(t));
}

static void a_template_is_read_and_printed_the_same(void **state)
{
	struct buf text = BUF_INIT;
	struct template t, copy;

	(void)state;
	assert_int_equal(template_parse("t.json", template_text,
				 strlen(template_text), &t),
		0);
	template_print(&t, &text);
	assert_int_equal(
		template_parse("t.json", text.data, text.len, &copy), 0);
	assert_true(cpu_set_equal(&t.cpu, &copy.cpu));
	assert_int_equal(cpu_set_msr(&copy.cpu, 0x10a), 1);
	buf_fini(&text);
}

static void a_template_shows_no_bits_that_guests_never_have(void **state)
{
	static const struct refusal t[] = {
		{ "\"0x10a\": \"0x1\"", "\"0x10a\": \"0x201\"",
			"t.json: IA32_ARCH_CAPABILITIES: bit 9 (mcu_control) "
			"is 1; guests never have it" },
		{ "\"0x10a\": \"0x1\"", "\"0x10a\": \"0x8000000000000000\"",
			"t.json: IA32_ARCH_CAPABILITIES: bit 63 is 1; guests "
			"never have it" },
		{ "\"tsc_khz\": 0", "\"tsc_khz\": 4294967296",
			"t.json: tsc_khz: 4294967296: must be 0 to "
			"4294967295" },
		{ "\"version\": 1", "\"version\": 0",
			"t.json: version: is 0, and this muster reads version "
			"1 of muster-template; make the file again with this "
			"muster" },
		{ "\"msrs\"", "\"msr\"", "t.json: msrs: missing" },
	};

	(void)state;
	refuse_templates(t, ARRAY_SIZE(t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_profile_is_read_and_printed_the_same),
		cmocka_unit_test(cpus_that_differ_are_listed),
		cmocka_unit_test(a_profile_truncated_anywhere_is_refused),
		cmocka_unit_test(another_format_or_version_is_refused),
		cmocka_unit_test(missing_and_unknown_keys_are_named),
		cmocka_unit_test(wrong_types_and_values_are_named),
		cmocka_unit_test(what_is_given_twice_is_refused),
		cmocka_unit_test(unknown_registers_are_refused),
		cmocka_unit_test(contradictions_are_refused),
		cmocka_unit_test(a_template_is_read_and_printed_the_same),
		cmocka_unit_test(
			a_template_shows_no_bits_that_guests_never_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
