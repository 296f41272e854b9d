/* SPDX-License-Identifier: Apache-2.0 */
/* ucode_files.c - images found in folders, and read whatever they are */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/ucode_files.h"
#include "tests/unit/ucodekit.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

struct folder {
	char path[64];
	struct ucode_files files;
};

static int setup(void **state)
{
	static struct folder folder;

	folder = (struct folder){ .path = "/tmp/muster-ucode-XXXXXX" };
	*state = &folder;
	return mkdtemp(folder.path) ? 0 : -1;
}

static int teardown(void **state)
{
	struct folder *folder = *state;
	char command[128];

	ucode_files_fini(&folder->files);
	snprintf(command, sizeof(command), "rm -rf %s", folder->path);
	return system(command);
}

static const char *in(const struct folder *folder, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	return path;
}

static void put(const struct folder *folder, const char *name, const void *data,
	size_t len)
{
	FILE *f = fopen(in(folder, name), "we");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

static void put_update(const struct folder *folder, const char *name)
{
	CLEANUP(buf_fini) struct buf image = BUF_INIT;

	kit_put_intel(&image, &(struct kit_intel){ .revision = 7 });
	put(folder, name, image.data, image.len);
}

static const char *name_of(const struct folder *folder, unsigned i)
{
	return folder->files.file[i].path + strlen(folder->path) + 1;
}

static void a_folder_is_read_by_name(void **state)
{
	struct folder *folder = *state;

	put_update(folder, "06-55-04");
	put_update(folder, "06-3c-03");
	mkdir(in(folder, "sub"), 0700);
	put_update(folder, "sub/anything");
	assert_int_equal(ucode_files_read(in(folder, "/"), &folder->files), 0);
	assert_int_equal(folder->files.count, 3);
	assert_string_equal(name_of(folder, 0), "06-3c-03");
	assert_string_equal(name_of(folder, 1), "06-55-04");
	assert_string_equal(name_of(folder, 2), "sub/anything");
	assert_int_equal(folder->files.list.count, 3);
	assert_int_equal(folder->files.file[2].first, 2);
	assert_int_equal(folder->files.file[2].count, 1);
}

static void other_files_are_passed_over(void **state)
{
	struct folder *folder = *state;

	put(folder, "LICENSE", "Copyright", 9);
	put(folder, "empty", "", 0);
	put_update(folder, ".06-55-04");
	assert_int_equal(mkfifo(in(folder, "06-55-05"), 0600), 0);
	assert_int_equal(symlink(".", in(folder, "loop")), 0);
	assert_int_equal(symlink("nowhere", in(folder, "dangling")), 0);
	assert_int_equal(ucode_files_read(folder->path, &folder->files), 0);
	assert_int_equal(folder->files.count, 0);
}

static void an_image_by_name_alone_is_refused(void **state)
{
	struct folder *folder = *state;

	put(folder, "06-55-04", "", 0);
	put(folder, "microcode_amd_fam19h.bin", "x", 1);
	put_update(folder, "06-55-05");
	assert_int_equal(ucode_files_read(folder->path, &folder->files), 0);
	assert_int_equal(folder->files.count, 3);
	assert_int_equal(ucode_files_bad(&folder->files), 2);
	assert_non_null(strstr(
		folder->files.file[0].fault, "06-55-04: has no microcode"));
	assert_null(folder->files.file[1].fault);
	assert_non_null(folder->files.file[2].fault);
}

static void a_file_that_is_named_is_read_whatever_it_is(void **state)
{
	struct folder *folder = *state;

	put(folder, "notes", "see there", 9);
	assert_int_equal(
		ucode_files_read(in(folder, "notes"), &folder->files), 0);
	assert_int_equal(folder->files.count, 1);
	assert_non_null(folder->files.file[0].fault);
}

static void a_file_that_is_not_there_is_named(void **state)
{
	struct folder *folder = *state;

	assert_int_equal(
		ucode_files_read(in(folder, "none"), &folder->files), -ENOENT);
	assert_non_null(strstr(err_text(), "none: cannot open"));
}

static void what_is_no_file_is_refused(void **state)
{
	struct folder *folder = *state;

	assert_int_equal(mkfifo(in(folder, "fifo"), 0600), 0);
	assert_int_equal(
		ucode_files_read(in(folder, "fifo"), &folder->files), 0);
	assert_non_null(strstr(folder->files.file[0].fault,
		"fifo: cannot read: not a regular file"));
}

static void a_huge_file_is_refused(void **state)
{
	struct folder *folder = *state;

	put(folder, "huge", "", 0);
	assert_int_equal(truncate(in(folder, "huge"), UCODE_IMAGE_MAX + 1), 0);
	assert_int_equal(
		ucode_files_read(in(folder, "huge"), &folder->files), 0);
	assert_non_null(strstr(folder->files.file[0].fault,
		"huge: 67108865 bytes: too large, at most 67108864"));
}

/* A link, because tests of root may read everything. */
static void what_cannot_be_opened_says_why(void **state)
{
	struct folder *folder = *state;

	assert_int_equal(symlink("nowhere", in(folder, "06-55-04")), 0);
	assert_int_equal(ucode_files_read(folder->path, &folder->files), 0);
	assert_int_equal(folder->files.count, 1);
	assert_non_null(strstr(folder->files.file[0].fault,
		"06-55-04: cannot read: No such file or directory"));
}

static void a_sentence_obeys_no_name(void **state)
{
	struct folder *folder = *state;

	put(folder, "\033[2Jx", "see there", 9);
	assert_int_equal(
		ucode_files_read(in(folder, "\033[2Jx"), &folder->files), 0);
	assert_non_null(strstr(folder->files.file[0].fault, "/?[2Jx: "));
	assert_string_equal(name_of(folder, 0), "\033[2Jx");
}

static void folders_too_deep_are_left_alone(void **state)
{
	struct folder *folder = *state;

	mkdir(in(folder, "a"), 0700);
	mkdir(in(folder, "a/b"), 0700);
	mkdir(in(folder, "a/b/c"), 0700);
	put_update(folder, "a/b/c/06-55-04");
	mkdir(in(folder, "a/b/c/d"), 0700);
	put_update(folder, "a/b/c/d/06-55-04");
	assert_int_equal(ucode_files_read(folder->path, &folder->files), 0);
	assert_int_equal(folder->files.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_folder_is_read_by_name),
		TEST(other_files_are_passed_over),
		TEST(an_image_by_name_alone_is_refused),
		TEST(a_file_that_is_named_is_read_whatever_it_is),
		TEST(a_file_that_is_not_there_is_named),
		TEST(what_is_no_file_is_refused),
		TEST(a_huge_file_is_refused),
		TEST(what_cannot_be_opened_says_why),
		TEST(a_sentence_obeys_no_name),
		TEST(folders_too_deep_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
