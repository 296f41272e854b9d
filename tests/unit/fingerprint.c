/* SPDX-License-Identifier: Apache-2.0 */
/* fingerprint.c - Firecracker's fingerprints as profiles */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu/profile.h"
#include "vmm/base/err.h"

#define ZEROES32 "00000000000000000000000000000000"

#define REGISTER(name, bits) \
	"{\"register\": \"" name "\", \"bitmap\": \"0b" bits "\"}"

#define LEAF_0                                                           \
	"{\"leaf\": \"0x0\", \"subleaf\": \"0x0\", \"flags\": 0, "       \
	"\"modifiers\": [" REGISTER("ebx",                               \
		"01110101011011100110010101000111") ", " REGISTER("edx", \
		"01001001011001010110111001101001") ", " REGISTER("ecx", \
		"01101100011001010111010001101110") "]}"

static const char good[] =
	"{\"firecracker_version\": \"1\", \"kernel_version\": \"6.1\", "
	"\"microcode_version\": \"0x1\", \"guest_cpu_config\": {"
	"\"kvm_capabilities\": [], \"cpuid_modifiers\": [" LEAF_0
	"], \"msr_modifiers\": [{\"addr\": \"0x10a\", \"bitmap\": "
	"\"0b" ZEROES32 "00000000000000000000000001101011\"}]}}";

static int parse(const char *text, struct profile **ret)
{
	return profile_parse_firecracker(
		"/x/host-f.json", text, strlen(text), ret);
}

static void its_guest_cpu_is_the_offer(void **state)
{
	struct profile *p = NULL;
	char vendor[13];

	(void)state;
	assert_int_equal(parse(good, &p), 0);
	assert_string_equal(p->host, "host-f");
	assert_string_equal(p->kernel, "6.1");
	cpu_set_vendor(&p->kvm, vendor);
	assert_string_equal(vendor, "GenuineIntel");
	assert_int_equal(cpu_set_msr(&p->kvm, 0x10a), 0x6b);
	assert_int_equal(p->group_count, 0);
	profile_free(p);
}

static void guest_state_is_left_out(void **state)
{
	struct profile *p = NULL;
	char text[sizeof(good)];

	(void)state;
	memcpy(text, good, sizeof(good));
	/* SPEC_CTRL is no capability. */
	memcpy(strstr(text, "0x10a"), "0x048", 5);
	assert_int_equal(parse(text, &p), 0);
	assert_int_equal(cpu_set_msr(&p->kvm, 0x10a), 0);
	profile_free(p);
}

struct refusal {
	const char *from, *to;
	const char *sentence;
};

static void bad_files_are_refused_by_name(void **state)
{
	static const struct refusal t[] = {
		{ "\"kernel_version\": \"6.1\", ", "",
			"/x/host-f.json: kernel_version: missing" },
		{ "\"guest_cpu_config\"", "\"guest\"",
			"/x/host-f.json: guest_cpu_config: missing" },
		{ "\"flags\": 0", "\"flags\": 0, \"x\": 1",
			"/x/host-f.json: guest_cpu_config.cpuid_modifiers[0]: "
			"x: unknown key" },
		{ "\"ebx\"", "\"rbx\"",
			"/x/host-f.json: guest_cpu_config.cpuid_modifiers[0]: "
			"register: rbx: expected eax, ebx, ecx or edx" },
		{ "\"ebx\"", "\"edx\"",
			"/x/host-f.json: guest_cpu_config.cpuid_modifiers[0]: "
			"leaf 0: given twice" },
		{ "0b0111", "0bx111",
			"/x/host-f.json: guest_cpu_config.cpuid_modifiers[0]: "
			"bitmap: 0bx1110101011011100110010101000111: expected "
			"0b and 32 digits 0 or 1" },
		{ ZEROES32, "0",
			"/x/host-f.json: guest_cpu_config.msr_modifiers[0]: "
			"bitmap: 0b000000000000000000000000001101011: "
			"expected 0b and 64 digits 0 or 1" },
		{ LEAF_0, "",
			"/x/host-f.json: guest_cpu_config: CPUID leaf 0x0: "
			"missing; it names the vendor" },
		{ LEAF_0, "1",
			"/x/host-f.json: guest_cpu_config.cpuid_modifiers[0]: "
			"must be an object" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const char *at = strstr(good, t[i].from);
		struct profile *p = NULL;
		char text[sizeof(good) + 64];

		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good,
			t[i].to, at + strlen(t[i].from));
		assert_int_equal(parse(text, &p), -EBADMSG);
		assert_string_equal(err_text(), t[i].sentence);
		assert_null(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_guest_cpu_is_the_offer),
		cmocka_unit_test(guest_state_is_left_out),
		cmocka_unit_test(bad_files_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
