/* SPDX-License-Identifier: Apache-2.0 */
/* feature_cover.c - every bit that a KVM offers is known to the tables */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cpu/x86_64/feature.h"
#include "cpu/x86_64/x86.h"
#include "vmm/core/kvm.h"

static const char *const reg_name[] = { "EAX", "EBX", "ECX", "EDX" };

/* Fail unless every 1 in `value` is in a feature of that row. */
static void covered(const char *where, int row, uint64_t value)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(value >> bit & 1))
			continue;
		if (row < 0 || !feature_of_bit((unsigned)row, bit))
			fail_msg("%s: bit %u has no name", where, bit);
	}
}

static void cpuid_covered(const char *who, uint32_t leaf, uint32_t subleaf,
	const uint32_t value[4])
{
	char where[64];

	for (unsigned reg = REG_EAX; reg <= REG_EDX; reg++) {
		snprintf(where, sizeof(where), "%s: CPUID.%X.%X:%s", who, leaf,
			subleaf, reg_name[reg]);
		covered(where,
			feature_find_row(SPACE_CPUID, leaf, subleaf, reg),
			value[reg]);
	}
}

static void msr_covered(const char *who, uint32_t msr, uint64_t value)
{
	char where[64];

	snprintf(where, sizeof(where), "%s: MSR %#x", who, msr);
	covered(where, feature_find_row(SPACE_MSR, msr, 0, REG_EAX), value);
}

/* ---- guests of real server CPUs: tests/data/fingerprints ---- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	assert_non_null(text);
	return text;
}

static uint32_t number_of(const json_t *object, const char *key)
{
	return (uint32_t)strtoul(text_of(object, key), NULL, 16);
}

/* "0b0101" */
static uint64_t bits_of(const json_t *object)
{
	return strtoull(text_of(object, "bitmap") + strlen("0b"), NULL, 2);
}

static void leaf_covered(const char *path, const json_t *leaf)
{
	uint32_t value[4] = { 0 };
	json_t *reg;
	size_t i;

	json_array_foreach(json_object_get(leaf, "modifiers"), i, reg)
		/* "eax" to "edx" */
		value[(text_of(reg, "register")[1] - 'a') & 3] = (uint32_t)
			bits_of(reg);
	cpuid_covered(path, number_of(leaf, "leaf"), number_of(leaf, "subleaf"),
		value);
}

static void fingerprint_covered(const char *path)
{
	json_t *root = json_load_file(path, 0, NULL);
	json_t *config = json_object_get(root, "guest_cpu_config");
	json_t *leaves = json_object_get(config, "cpuid_modifiers");
	json_t *msrs = json_object_get(config, "msr_modifiers");
	json_t *item;
	size_t i;

	assert_true(json_array_size(leaves) > 20);
	json_array_foreach(leaves, i, item) leaf_covered(path, item);
	json_array_foreach(msrs, i, item)
		msr_covered(path, number_of(item, "addr"), bits_of(item));
	json_decref(root);
}

static void the_fingerprints_are_known(void **state)
{
	glob_t files = { 0 };

	(void)state;
	assert_int_equal(
		glob("tests/data/fingerprints/*.json", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		fingerprint_covered(files.gl_pathv[i]);
	globfree(&files);
}

/* ---- KVM ---- */

/*
 * All that KVM's emulated VMX knew in Linux 6.12, and mode-based EPT execution,
 * CET and error codes on any vector, which Linux 7.2 has added.
 */
static void kvms_vmx_msrs_are_known(void **state)
{
	static const struct {
		uint32_t index;
		uint64_t value;
	} offered[] = {
		{ 0x480, 0x01d8100011e57ed0 },
		{ 0x481, 0x000000ff00000016 },
		{ 0x482, 0xfff9fffe0401e172 },
		{ 0x483, 0x10ffffff00036dff },
		{ 0x484, 0x0011f3ff000011ff },
		{ 0x485, 0x0000000020000165 },
		{ 0x486, 0x0000000080000021 },
		{ 0x487, 0x00000000ffffffff },
		{ 0x488, 0x0000000000002000 },
		{ 0x489, 0x0000000000f73fff },
		{ 0x48a, 0x0000000000000032 },
		{ 0x48b, 0x0653fbff00000000 },
		{ 0x48c, 0x00000f01067340c1 },
		{ 0x48d, 0x000000ff00000016 },
		{ 0x48e, 0xfff9fffe04006172 },
		{ 0x48f, 0x10ffffff00036dfb },
		{ 0x490, 0x0011f3ff000011fb },
		{ 0x491, 0x0000000000000001 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(offered); i++)
		msr_covered("KVM", offered[i].index, offered[i].value);
}

static int open_kvm(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		print_message("no /dev/kvm: nothing to compare with\n");
		skip();
	}
	return fd;
}

static void this_hosts_cpuid_is_known(void **state)
{
	int fd = open_kvm();
	struct cpuid cpuid;

	(void)state;
	assert_int_equal(cpuid_get_supported(fd, &cpuid), 0);
	for (uint32_t i = 0; i < cpuid.count; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid.entry[i];

		cpuid_covered("this host", e->function, e->index,
			(const uint32_t[]){ e->eax, e->ebx, e->ecx, e->edx });
	}
	close(fd);
}

static void subleaves_are_where_kvm_has_them(void **state)
{
	int fd = open_kvm();
	struct cpuid cpuid;

	(void)state;
	assert_int_equal(cpuid_get_supported(fd, &cpuid), 0);
	for (uint32_t i = 0; i < cpuid.count; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid.entry[i];
		bool indexed = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX;

		for (unsigned reg = REG_EAX; reg <= REG_EDX; reg++) {
			int row = feature_find_row(
				SPACE_CPUID, e->function, e->index, reg);

			if (row >= 0)
				assert_int_equal(
					feature_row((unsigned)row)->indexed,
					indexed);
		}
	}
	close(fd);
}

static void this_hosts_feature_msrs_are_known(void **state)
{
	struct {
		struct kvm_msr_list head;
		uint32_t index[256];
	} list = { .head.nmsrs = ARRAY_SIZE(list.index) };
	int fd = open_kvm();

	(void)state;
	assert_int_equal(
		kvm_ioctl(fd, KVM_GET_MSR_FEATURE_INDEX_LIST, &list), 0);
	for (uint32_t i = 0; i < list.head.nmsrs; i++) {
		struct {
			struct kvm_msrs head;
			struct kvm_msr_entry entry;
		} one = { .head.nmsrs = 1, .entry.index = list.index[i] };

		assert_true(feature_find_row(
				    SPACE_MSR, list.index[i], 0, REG_EAX) >= 0);
		if (kvm_ioctl(fd, KVM_GET_MSRS, &one) == 1)
			msr_covered(
				"this host", one.entry.index, one.entry.data);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fingerprints_are_known),
		cmocka_unit_test(kvms_vmx_msrs_are_known),
		cmocka_unit_test(this_hosts_cpuid_is_known),
		cmocka_unit_test(subleaves_are_where_kvm_has_them),
		cmocka_unit_test(this_hosts_feature_msrs_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
