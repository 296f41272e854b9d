/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - the command line of a VM: values, ranges, and every refusal's words */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "boot/loader.h"
#include "vmm/base/err.h"
#include "vmm/config.h"

#define ARGS_MAX 40

/* Parse `text`, split at blanks; '~' stands for a blank inside an argument. */
static int parse(const char *text, struct vm_config *ret)
{
	char copy[1024];
	char *argv[ARGS_MAX];
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *p = strtok(copy, " "); p; p = strtok(NULL, " ")) {
		for (char *c = p; *c; c++)
			if (*c == '~')
				*c = ' ';
		assert_true(argc < ARGS_MAX);
		argv[argc++] = p;
	}
	err_clear();
	return vm_config_parse(argc, argv, ret);
}

static struct vm_config accept(const char *text)
{
	struct vm_config config = { 0 };
	int rc = parse(text, &config);

	if (rc)
		fail_msg("%s: %s", text, err_describe(rc));
	return config;
}

struct refusal {
	const char *args;
	const char *sentence;
};

static void refuse_all(const struct refusal *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct vm_config untouched = { .cpus = 77 };

		assert_true(parse(table[i].args, &untouched) < 0);
		assert_string_equal(err_text(), table[i].sentence);
		assert_int_equal(untouched.cpus, 77);
		assert_null(untouched.kernel);
	}
}

#define REFUSE(...)                                             \
	do {                                                    \
		static const struct refusal t_[] = __VA_ARGS__; \
		refuse_all(t_, ARRAY_SIZE(t_));                 \
	} while (0)

static void defaults_are_those_of_the_help(void **state)
{
	struct vm_config c = accept("--kernel k");

	(void)state;
	assert_string_equal(c.kernel, "k");
	assert_null(c.initrd);
	assert_string_equal(c.cmdline, BOOT_CMDLINE_DEFAULT);
	assert_int_equal(c.cpus, 1);
	assert_string_equal(c.cpu, "host");
	assert_int_equal(c.nested, NESTED_OFF);
	assert_int_equal(c.msr, MSR_DEFAULT);
	assert_int_equal(c.memory_bytes, 512 * MIB);
	assert_int_equal(c.disk_count, 0);
	assert_false(c.rng);
	assert_int_equal(c.console, CONSOLE_SERIAL);
	assert_int_equal(c.timeout_ms, 0);
	assert_int_equal(c.loop_engine, LOOP_AUTO);
	assert_int_equal(c.log_level, LOG_WARN);
	vm_config_fini(&c);
}

static void every_option_is_stored(void **state)
{
	struct vm_config c = accept(
		"--kernel=k --initrd i --cmdline=--x~y --cpus 254 "
		"--memory=5G --rng --console file=a,b=c --timeout 2m "
		"--debug-exit=on --loop-engine epoll --metrics m.json "
		"--log-level=debug");

	(void)state;
	assert_string_equal(c.initrd, "i");
	assert_string_equal(c.cmdline, "--x y");
	assert_int_equal(c.cpus, 254);
	assert_true(c.memory_bytes == 5 * GIB);
	assert_true(c.rng);
	assert_int_equal(c.console, CONSOLE_FILE);
	assert_string_equal(c.console_path, "a,b=c");
	assert_int_equal(c.timeout_ms, 120000);
	assert_true(c.debug_exit);
	assert_int_equal(c.loop_engine, LOOP_EPOLL);
	assert_string_equal(c.metrics_path, "m.json");
	assert_int_equal(c.log_level, LOG_DEBUG);
	vm_config_fini(&c);
}

static void disks_keep_their_order_and_keys(void **state)
{
	struct vm_config c = accept(
		"--kernel k --disk path=a "
		"--disk id=data-1,direct=on,readonly=on,path=b");

	(void)state;
	assert_int_equal(c.disk_count, 2);
	assert_string_equal(c.disk[0].path, "a");
	assert_null(c.disk[0].id);
	assert_false(c.disk[0].readonly || c.disk[0].direct);
	assert_string_equal(c.disk[1].path, "b");
	assert_string_equal(c.disk[1].id, "data-1");
	assert_true(c.disk[1].readonly && c.disk[1].direct);
	vm_config_fini(&c);
}

static void two_commas_are_one_inside_a_value(void **state)
{
	struct vm_config c = accept(
		"--kernel k --disk path=a,,b=,,,readonly=on");

	(void)state;
	assert_string_equal(c.disk[0].path, "a,b=,");
	assert_true(c.disk[0].readonly);
	vm_config_fini(&c);
}

static void sizes_take_units_and_plain_bytes(void **state)
{
	static const struct {
		const char *args;
		uint64_t bytes;
	} t[] = {
		{ "--kernel k --memory 2097152", 2 * MIB },
		{ "--kernel k --memory 4096K", 4 * MIB },
		{ "--kernel k --memory 512m", 512 * MIB },
		{ "--kernel k --memory 64T", 64 * 1024 * GIB },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct vm_config c = accept(t[i].args);

		assert_true(c.memory_bytes == t[i].bytes);
		vm_config_fini(&c);
	}
}

static void an_empty_command_line_is_one(void **state)
{
	struct vm_config c = accept("--kernel k --cmdline=");

	(void)state;
	assert_string_equal(c.cmdline, "");
	vm_config_fini(&c);
}

static void bad_names_are_refused(void **state)
{
	(void)state;
	REFUSE({
		{ "--kernle k",
			"--kernle: unknown option; did you mean --kernel?" },
		{ "--kernel k --mem 1G",
			"--mem: unknown option; did you mean --memory?" },
		{ "--frobnicate",
			"--frobnicate: unknown option; `muster help run` "
			"lists the options" },
		{ "--kernel k extra",
			"extra: not an option; options begin with --, and "
			"`muster help run` lists them" },
		{ "--kernel k --rng on",
			"on: not an option; options begin with --, and "
			"`muster help run` lists them" },
		{ "--kernel k --",
			"--\"\": unknown option; `muster help run` lists the "
			"options" },
		{ "--kernel k --disk pth=a",
			"--disk pth: unknown key; the keys are path, readonly, "
			"direct, id, bandwidth, ops" },
		{ "--kernel k --disk a.img",
			"--disk a.img: not key=value; separate pairs by a "
			"comma and write a comma inside a value twice" },
		{ "--kernel k --disk path=a,",
			"--disk \"\": not key=value; separate pairs by a comma "
			"and write a comma inside a value twice" },
	});
}

static void missing_parts_are_named(void **state)
{
	(void)state;
	REFUSE({
		{ "--cpus 1",
			"--kernel: missing; give --kernel FILE, the kernel to "
			"boot: a bzImage or an ELF vmlinux" },
		{ "--kernel", "--kernel: has no value; write --kernel FILE" },
		{ "--kernel --cpus 1",
			"--kernel: has no value before --cpus; write --kernel "
			"FILE" },
		{ "--kernel=",
			"--kernel \"\": empty; give a file's name of at most "
			"4095 bytes" },
		{ "--kernel k --disk readonly=on",
			"--disk: path is missing; add path=FILE, a raw image "
			"or a block device" },
		{ "--kernel k --disk path=",
			"--disk path=\"\": empty; give a file's name of at "
			"most 4095 bytes" },
	});
}

static void what_comes_twice_is_refused(void **state)
{
	(void)state;
	REFUSE({
		{ "--kernel k --cpus 1 --cpus 2",
			"--cpus 2: given twice; give --cpus once" },
		{ "--kernel k --rng --rng=off",
			"--rng off: given twice; give --rng once" },
		{ "--kernel k --disk path=a,path=b",
			"--disk path=b: given twice; give path once" },
		{ "--kernel k --disk path=a --disk path=a,readonly=on",
			"--disk path=a: given for two disks; attach each file "
			"once" },
		{ "--kernel k --disk path=a,id=x --disk path=b,id=x",
			"--disk id=x: given to two disks; give each its own" },
	});
}

#define CPUS_RANGE "; give a number from 1 to 254"
#define MEMORY_RANGE                                                      \
	"; give bytes, or a number with K, M, G or T, from 2M to 64T, a " \
	"multiple of 4K"
#define TIME_RANGE "; give a number with ms, s, m or h, from 1ms to 8760h"

static void bad_numbers_are_refused_with_their_range(void **state)
{
	(void)state;
	REFUSE({
		{ "--kernel k --cpus 0", "--cpus 0: out of range" CPUS_RANGE },
		{ "--kernel k --cpus 255",
			"--cpus 255: out of range" CPUS_RANGE },
		{ "--kernel k --cpus 4294967297",
			"--cpus 4294967297: out of range" CPUS_RANGE },
		{ "--kernel k --cpus four",
			"--cpus four: not a number" CPUS_RANGE },
		{ "--kernel k --cpus -1",
			"--cpus -1: not a number" CPUS_RANGE },
		{ "--kernel k --cpus 2x",
			"--cpus 2x: not a number" CPUS_RANGE },
		{ "--kernel k --memory 0",
			"--memory 0: out of range" MEMORY_RANGE },
		{ "--kernel k --memory 2097153",
			"--memory 2097153: not a multiple" MEMORY_RANGE },
		{ "--kernel k --memory 16777216T",
			"--memory 16777216T: out of range" MEMORY_RANGE },
		{ "--kernel k --memory 99999999999999999999",
			"--memory 99999999999999999999: out of "
			"range" MEMORY_RANGE },
		{ "--kernel k --memory 1.5G",
			"--memory 1.5G: not a size" MEMORY_RANGE },
		{ "--kernel k --memory M",
			"--memory M: not a size" MEMORY_RANGE },
		{ "--kernel k --timeout 0s",
			"--timeout 0s: out of range" TIME_RANGE },
		{ "--kernel k --timeout 30",
			"--timeout 30: not a length of time" TIME_RANGE },
	});
}

/* 65 characters, one too many. */
#define LONG_ID                             \
	"123456789012345678901234567890123" \
	"12345678901234567890123456789012"

static void bad_words_are_refused_with_the_right_ones(void **state)
{
	(void)state;
	REFUSE({
		{ "--kernel k --rng=yes",
			"--rng yes: neither on nor off; give on or off" },
		{ "--kernel k --disk path=a,direct=1",
			"--disk direct=1: neither on nor off; give on or off" },
		{ "--kernel k --console tty",
			"--console tty: unknown; give serial, file=FILE or "
			"none" },
		{ "--kernel k --console file",
			"--console file: incomplete; give serial, file=FILE or "
			"none" },
		{ "--kernel k --console none=x",
			"--console none=x: takes no argument; give serial, "
			"file=FILE or none" },
		{ "--kernel k --loop-engine uring",
			"--loop-engine uring: unknown; give auto, io_uring or "
			"epoll" },
		{ "--kernel k --disk path=a,id=a/b",
			"--disk id=a/b: not a name; give 1 to 64 letters, "
			"digits, '.', '_' or '-'" },
		{ "--kernel k --disk path=a,id=" LONG_ID,
			"--disk id=" LONG_ID
			": too long; give 1 to 64 letters, "
			"digits, '.', '_' or '-'" },
	});
}

static void the_seventeenth_device_is_refused(void **state)
{
	char args[1024] = "--kernel k";
	struct vm_config c = { 0 };

	(void)state;
	for (int i = 0; i < MACHINE_VIRTIO_MAX; i++)
		snprintf(args + strlen(args), sizeof(args) - strlen(args),
			" --disk path=d%d", i);
	c = accept(args);
	assert_int_equal(c.disk_count, MACHINE_VIRTIO_MAX);
	vm_config_fini(&c);
	strcat(args, " --rng");
	assert_int_equal(parse(args, &c), -EINVAL);
	assert_string_equal(err_text(),
		"--rng: with 16 disks there is no place left; give at most 15 "
		"disks, or leave out --rng");
	strcat(args, " --disk path=d16");
	assert_int_equal(parse(args, &c), -ERANGE);
	assert_string_equal(
		err_text(), "--disk path=d16: one too many; give at most 16");
}

static void a_long_value_leaves_room_for_the_remedy(void **state)
{
	char path[5000], arg[6000];
	char *argv[] = { arg };
	struct vm_config c;

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	snprintf(arg, sizeof(arg), "--kernel=\n%s", path);
	assert_int_equal(vm_config_parse(1, argv, &c), -ERANGE);
	assert_non_null(strstr(err_text(), "--kernel ?ppp"));
	assert_non_null(strstr(err_text(),
		"ppp...: too long; give a file's name of at most 4095 bytes"));
}

static void threads_and_huge_pages_come_in_whole_ones(void **state)
{
	struct vm_config c;

	(void)state;
	assert_int_equal(parse("--kernel k --smt --cpus 3", &c), -EINVAL);
	assert_non_null(strstr(err_text(), "3 CPUs are not whole cores"));
	assert_int_equal(
		parse("--kernel k --huge-pages 2M --memory 3M", &c), -EINVAL);
	assert_non_null(strstr(err_text(), "give --memory in steps of 2M"));
}

static void printing_and_parsing_again_changes_nothing(void **state)
{
	static const char want[] =
		"--kernel=k\0--cmdline=a,b\0--cpus=3\0--smt=off\0--cpu=T2\0"
		"--nested=on\0--msr=strict\0--hypervisor=shown\0"
		"--guest-microcode=ignore\0"
		"--memory=2052K\0--huge-pages=transparent\0"
		"--disk=path=a,,b,readonly=on,direct=off,id=x\0--rng=on\0"
		"--debug-exit=off\0--console=file=c,d\0--timeout=90s\0"
		"--loop-engine=auto\0--log-level=warning\0"
		"--microcode-misfit=resume";
	struct vm_config c = accept(
		"--disk id=x,readonly=on,path=a,,b --kernel k --cmdline a,b "
		"--cpus 3 --cpu T2 --nested on --msr strict "
		"--memory 2101248 --rng --console file=c,d "
		"--timeout 90000ms");
	struct buf out = BUF_INIT;

	(void)state;
	config_print_args(&vm_config_object, &c, &out);
	assert_int_equal(out.len, sizeof(want));
	assert_memory_equal(out.data, want, sizeof(want));
	buf_fini(&out);
	vm_config_fini(&c);
}

static int parse_restore(const char *line, struct vm_config *ret)
{
	char text[256], *argv[16], *word;
	int argc = 0;

	snprintf(text, sizeof(text), "%s", line);
	for (word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	return vm_restore_parse(argc, argv, ret);
}

static void a_restore_needs_memory_and_a_way_to_go_on(void **state)
{
	struct vm_config c;

	(void)state;
	assert_int_equal(parse_restore("--state s --resume", &c), -EINVAL);
	assert_string_equal(err_text(),
		"--memory missing: give either a memory file or a "
		"--memory-handler");
	assert_int_equal(parse_restore("--state s --memory m", &c), -EINVAL);
	assert_non_null(strstr(err_text(), "--resume: missing"));
	assert_int_equal(parse_restore("--state s --memory m --resume "
				       "--disk id=a,path=b",
				 &c),
		0);
	assert_string_equal(c.restore.disk[0].path, "b");
	assert_int_equal(c.cpus, 1);
	vm_config_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_help),
		cmocka_unit_test(every_option_is_stored),
		cmocka_unit_test(disks_keep_their_order_and_keys),
		cmocka_unit_test(two_commas_are_one_inside_a_value),
		cmocka_unit_test(sizes_take_units_and_plain_bytes),
		cmocka_unit_test(an_empty_command_line_is_one),
		cmocka_unit_test(bad_names_are_refused),
		cmocka_unit_test(missing_parts_are_named),
		cmocka_unit_test(what_comes_twice_is_refused),
		cmocka_unit_test(bad_numbers_are_refused_with_their_range),
		cmocka_unit_test(bad_words_are_refused_with_the_right_ones),
		cmocka_unit_test(the_seventeenth_device_is_refused),
		cmocka_unit_test(a_long_value_leaves_room_for_the_remedy),
		cmocka_unit_test(threads_and_huge_pages_come_in_whole_ones),
		cmocka_unit_test(printing_and_parsing_again_changes_nothing),
		cmocka_unit_test(a_restore_needs_memory_and_a_way_to_go_on),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
