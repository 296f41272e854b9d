/* SPDX-License-Identifier: Apache-2.0 */
/* host_cpus.c - a host's CPUs from its tree, or a profile, and what they would take */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/unit/ucodekit.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/host_cpus.h"

struct tree {
	char root[64];
	struct host_cpus host;
};

static int setup(void **state)
{
	static struct tree tree;

	tree = (struct tree){ .root = "/tmp/muster-host-XXXXXX" };
	*state = &tree;
	return mkdtemp(tree.root) ? 0 : -1;
}

static int teardown(void **state)
{
	struct tree *tree = *state;
	char command[128];

	host_cpus_fini(&tree->host);
	snprintf(command, sizeof(command), "rm -rf %s", tree->root);
	return system(command);
}

static void put(const struct tree *tree, const char *name, const char *text)
{
	char command[2048];

	snprintf(command, sizeof(command),
		"cd %s && mkdir -p $(dirname %s) && printf '%s' >%s",
		tree->root, name, text, name);
	assert_int_equal(system(command), 0);
}

#define CPU(number, vendor, family, model, stepping, microcode) \
	"processor\t: " #number "\nvendor_id\t: " vendor        \
	"\ncpu family\t: " #family "\nmodel\t\t: " #model       \
	"\nmodel name\t: model : 7\nstepping\t: " #stepping     \
	"\nmicrocode\t: " #microcode "\n\n"
#define SYS "sys/devices/system/cpu/"

static void sysfs_is_heard_before_cpuinfo(void **state)
{
	struct tree *tree = *state;
	const struct host_cpu_kind *kind;

	put(tree, "proc/cpuinfo",
		CPU(0, "GenuineIntel", 6, 143, 8, 0x2b000603)
			CPU(1, "GenuineIntel", 6, 143, 8, 0x2b000603));
	for (unsigned i = 0; i < 2; i++) {
		put(tree,
			i ? SYS "cpu1/microcode/version"
			  : SYS "cpu0/microcode/version",
			"0x2b000650\n");
		put(tree,
			i ? SYS "cpu1/microcode/processor_flags"
			  : SYS "cpu0/microcode/processor_flags",
			"0x87\n");
	}
	assert_int_equal(host_cpus_read(tree->root, &tree->host), 0);
	assert_int_equal(tree->host.count, 1);
	kind = tree->host.kind;
	assert_int_equal(kind->cpu.vendor, UCODE_INTEL);
	assert_int_equal(kind->cpu.signature, 0x806f8);
	assert_int_equal(kind->cpu.platforms, 0x87);
	assert_int_equal(kind->cpu.revision, 0x2b000650);
	assert_int_equal(cpu_list_count(&kind->cpus), 2);
}

static void cpus_that_differ_are_other_kinds(void **state)
{
	struct tree *tree = *state;

	put(tree, "proc/cpuinfo",
		CPU(0, "AuthenticAMD", 25, 1, 1, 0xa0011d5)
			CPU(2, "AuthenticAMD", 25, 1, 1, 0xa0011d1)
				CPU(5, "AuthenticAMD", 25, 1, 1, 0xa0011d5));
	assert_int_equal(host_cpus_read(tree->root, &tree->host), 0);
	assert_int_equal(tree->host.count, 2);
	assert_int_equal(tree->host.kind[0].cpu.vendor, UCODE_AMD);
	assert_int_equal(tree->host.kind[0].cpu.signature, 0x00a00f11);
	assert_true(cpu_list_has(&tree->host.kind[0].cpus, 5));
	assert_int_equal(tree->host.kind[1].cpu.revision, 0x0a0011d1);
	assert_true(cpu_list_has(&tree->host.kind[1].cpus, 2));
}

static void a_host_without_cpus_is_refused(void **state)
{
	struct tree *tree = *state;

	assert_int_equal(host_cpus_read(tree->root, &tree->host), -ENOENT);
	put(tree, "proc/cpuinfo", "nothing");
	assert_int_equal(host_cpus_read(tree->root, &tree->host), -EBADMSG);
}

static void another_vendor_is_refused(void **state)
{
	struct tree *tree = *state;

	put(tree, "proc/cpuinfo", CPU(0, "CentaurHauls", 6, 15, 1, 0x1));
	assert_int_equal(host_cpus_read(tree->root, &tree->host), -ENOTSUP);
	assert_non_null(strstr(err_text(), "CentaurHauls"));
}

/* What is not Intel's or AMD's form of a line is not taken for one. */
static void hostile_lines_do_no_harm(void **state)
{
	struct tree *tree = *state;

	put(tree, "proc/cpuinfo",
		CPU(4096, "GenuineIntel", 6, 143, 8, 0x1)
			CPU(99999999999, "GenuineIntel", 6, 143, 8, 0x1)
				CPU(-1, "GenuineIntel", 6, 143, 8, 0x1));
	assert_int_equal(host_cpus_read(tree->root, &tree->host), -EBADMSG);
}

static void a_profile_has_kinds_too(void **state)
{
	struct tree *tree = *state;
	static struct profile_group group = { .msrs_known = true,
		.microcode = 0x2b000603 };
	struct profile profile = {
		.host = "h", .group_count = 1, .groups = &group
	};
	const struct ucode_cpu *cpu;

	cpu_list_add(&group.cpus, 3);
	cpu_set_put_cpuid(&group.silicon, 0, 0, REG_EBX, 0x756e6547);
	cpu_set_put_cpuid(&group.silicon, 0, 0, REG_EDX, 0x49656e69);
	cpu_set_put_cpuid(&group.silicon, 0, 0, REG_ECX, 0x6c65746e);
	cpu_set_put_cpuid(&group.silicon, 1, 0, REG_EAX, 0x806f8);
	cpu_set_put_msr(&group.silicon, 0x17, 7ull << 50);
	assert_int_equal(host_cpus_of_profile(&profile, &tree->host), 0);
	cpu = &tree->host.kind->cpu;
	assert_int_equal(cpu->signature, 0x806f8);
	assert_int_equal(cpu->platforms, 0x80);
	assert_int_equal(cpu->revision, 0x2b000603);
	assert_true(cpu_list_has(&tree->host.kind->cpus, 3));
}

static void a_profile_without_silicon_is_refused(void **state)
{
	struct tree *tree = *state;
	struct profile profile = { .host = "h" };

	assert_int_equal(host_cpus_of_profile(&profile, &tree->host), -ENODATA);
}

static void every_kind_gets_its_choice(void **state)
{
	struct tree *tree = *state;
	CLEANUP(buf_fini) struct buf image = BUF_INIT;
	CLEANUP(ucode_list_fini) struct ucode_list list = { 0 };

	put(tree, "proc/cpuinfo",
		CPU(0, "GenuineIntel", 6, 143, 8, 0x1) CPU(1, "GenuineIntel", 6,
			143, 8, 0x9) CPU(2, "GenuineIntel", 6, 143, 7, 0x1));
	kit_put_intel(&image,
		&(struct kit_intel){ .revision = 5, .signature = 0x806f8 });
	assert_int_equal(ucode_parse("f", image.data, image.len, &list), 0);
	assert_int_equal(host_cpus_read(tree->root, &tree->host), 0);
	assert_int_equal(
		host_cpus_choose(&tree->host, &list, UCODE_AT_BOOT), 1);
	assert_int_equal(tree->host.kind[0].choice.verdict, UCODE_NEWER);
	assert_int_equal(tree->host.kind[1].choice.verdict, UCODE_OLDER);
	assert_int_equal(tree->host.kind[2].choice.verdict, UCODE_NO_MATCH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sysfs_is_heard_before_cpuinfo),
		TEST(cpus_that_differ_are_other_kinds),
		TEST(a_host_without_cpus_is_refused),
		TEST(another_vendor_is_refused),
		TEST(hostile_lines_do_no_harm),
		TEST(a_profile_has_kinds_too),
		TEST(a_profile_without_silicon_is_refused),
		TEST(every_kind_gets_its_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
