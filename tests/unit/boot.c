/* SPDX-License-Identifier: Apache-2.0 */
/* boot.c - what all kernels share: files, initrd, length of the command line */
#include "tests/unit/kernels.h"

#include <fcntl.h>
#include <stdlib.h>

static void every_truncation_is_refused(void **state)
{
	struct bzimage b = good_bzimage();
	struct elf_kernel e = good_elf();

	(void)state;
	for (size_t len = 1; len < sizeof(b); len += 13)
		refused(&b, len,
			len < SETUP_AT + sizeof(struct setup_header) ? -ENOEXEC
								     : -EBADMSG,
			"");
	for (size_t len = 4; len < sizeof(e); len++)
		refused(&e, len, -EBADMSG, "truncated");
}

/* ---- files that are no kernels ---- */

static void other_files_are_refused_by_what_they_are(void **state)
{
	static const char text[] = "#!/bin/sh\necho kernel\n";
	struct trial t;

	(void)state;
	refused("", 0, -EBADMSG, "empty");
	refused(text, sizeof(text), -ENOEXEC,
		"neither a bzImage nor an ELF file");
	t = trial_new(text, sizeof(text));
	close(t.files.kernel_fd);
	t.files.kernel_fd = open("/", O_RDONLY | O_CLOEXEC);
	trial_load(&t);
	assert_int_equal(t.rc, -EISDIR);
	assert_string_equal(
		err_text(), "--kernel k: a directory; give the path of a file");
	close(t.files.kernel_fd);
	t.files.kernel_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	trial_load(&t);
	assert_int_equal(t.rc, -EINVAL);
	trial_free(&t);
}

/* ---- initrd ---- */

static void give_initrd(struct trial *t, size_t len)
{
	t->files.initrd_fd = file_of("070701", 6);
	assert_int_equal(ftruncate(t->files.initrd_fd, (off_t)len), 0);
}

static void initrd_goes_to_the_top_of_memory(void **state)
{
	struct bzimage k = good_bzimage();
	struct trial t = trial_new(&k, sizeof(k));

	(void)state;
	give_initrd(&t, 5000);
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	assert_int_equal(zero_page(&t)->hdr.ramdisk_image, RAM_BYTES - 8192);
	assert_int_equal(zero_page(&t)->hdr.ramdisk_size, 5000);
	assert_memory_equal(guest(&t, RAM_BYTES - 8192, 6), "070701", 6);
	trial_free(&t);
}

static void initrd_respects_the_kernels_limit(void **state)
{
	struct bzimage k = good_bzimage();
	struct trial t;

	(void)state;
	setup_of(&k)->initrd_addr_max = 32 * MIB - 1;
	t = trial_new(&k, sizeof(k));
	give_initrd(&t, 4096);
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	assert_int_equal(zero_page(&t)->hdr.ramdisk_image, 32 * MIB - 4096);
	trial_free(&t);
}

static void initrd_is_the_first_pvh_module(void **state)
{
	struct elf_kernel k = good_elf();
	struct trial t = trial_new(&k, sizeof(k));
	const uint32_t *info;
	const uint64_t *module;

	(void)state;
	give_initrd(&t, 5000);
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	info = guest(&t, t.entry.arg.v, 56);
	assert_int_equal(info[3], 1);
	module = guest(&t, info[4], 32);
	assert_int_equal(module[0], RAM_BYTES - 8192);
	assert_int_equal(module[1], 5000);
	trial_free(&t);
}

static void initrd_never_overlaps_the_kernel(void **state)
{
	struct bzimage k = good_bzimage();
	const size_t room = RAM_BYTES - LOAD_AT - 2 * MIB;
	struct trial t = trial_new(&k, sizeof(k));

	(void)state;
	give_initrd(&t, room);
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	assert_int_equal(zero_page(&t)->hdr.ramdisk_image, LOAD_AT + 2 * MIB);
	assert_int_equal(ftruncate(t.files.initrd_fd, (off_t)room + 1), 0);
	trial_load(&t);
	assert_int_equal(t.rc, -ENOMEM);
	assert_string_equal(err_text(),
		"--initrd i: with the kernel it needs 65 MiB of memory, the "
		"guest has 64 MiB; raise --memory");
	trial_free(&t);
}

static void initrd_that_no_memory_would_hold_is_refused(void **state)
{
	struct bzimage k = good_bzimage();
	struct trial t = trial_new(&k, sizeof(k));

	(void)state;
	give_initrd(&t, 3 * GIB);
	trial_load(&t);
	assert_int_equal(t.rc, -EFBIG);
	assert_non_null(strstr(err_text(), "--initrd i: 3072 MiB are more"));
	trial_free(&t);
}

static void empty_initrd_is_refused(void **state)
{
	struct bzimage k = good_bzimage();
	struct trial t = trial_new(&k, sizeof(k));

	(void)state;
	give_initrd(&t, 0);
	trial_load(&t);
	assert_int_equal(t.rc, -EBADMSG);
	assert_non_null(strstr(err_text(), "--initrd i: "));
	trial_free(&t);
}

static void cmdline_longer_than_the_kernel_takes_is_refused(void **state)
{
	struct bzimage k = good_bzimage();
	char line[2049];
	struct trial t;

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[2047] = '\0';
	t = trial_new(&k, sizeof(k));
	t.files.cmdline = line;
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	line[2047] = 'x';
	line[2048] = '\0';
	trial_load(&t);
	assert_int_equal(t.rc, -E2BIG);
	assert_string_equal(err_text(),
		"--cmdline: 2048 bytes, this kernel takes at most 2047; "
		"shorten it");
	trial_free(&t);
}

static void cmdline_never_leaves_its_place_in_low_memory(void **state)
{
	struct elf_kernel k = good_elf();
	struct trial t = trial_new(&k, sizeof(k));
	char *line = malloc(LOWMEM_CMDLINE_BYTES + 1);

	(void)state;
	assert_non_null(line);
	memset(line, 'x', LOWMEM_CMDLINE_BYTES);
	line[LOWMEM_CMDLINE_BYTES] = '\0';
	t.files.cmdline = line;
	trial_load(&t);
	assert_int_equal(t.rc, -E2BIG);
	line[LOWMEM_CMDLINE_BYTES - 1] = '\0';
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	free(line);
	trial_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(other_files_are_refused_by_what_they_are),
		cmocka_unit_test(initrd_goes_to_the_top_of_memory),
		cmocka_unit_test(initrd_respects_the_kernels_limit),
		cmocka_unit_test(initrd_is_the_first_pvh_module),
		cmocka_unit_test(initrd_never_overlaps_the_kernel),
		cmocka_unit_test(initrd_that_no_memory_would_hold_is_refused),
		cmocka_unit_test(empty_initrd_is_refused),
		cmocka_unit_test(
			cmdline_longer_than_the_kernel_takes_is_refused),
		cmocka_unit_test(cmdline_never_leaves_its_place_in_low_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
