/* SPDX-License-Identifier: Apache-2.0 */
/* disk_open.c - what disk_open() accepts, and a sentence for each refusal */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/image.h"
#include "vmm/base/err.h"

static struct disk *disk;

static int setup(void **state)
{
	disk = NULL;
	return image_setup(state);
}

static int teardown(void **state)
{
	disk = disk_close(disk);
	return image_teardown(state);
}

static void opens(bool readonly, bool direct)
{
	const struct disk_options o = {
		.path = image_path, .readonly = readonly, .direct = direct
	};

	assert_int_equal(disk_open(&o, &disk), 0);
}

static void refuses(const struct disk_options *o, int rc, const char *sentence)
{
	struct disk *none = NULL;

	err_clear();
	assert_int_equal(disk_open(o, &none), rc);
	assert_null(none);
	assert_non_null(
		strstr(err_text(), o->label ? o->label : "--disk path="));
	assert_non_null(strstr(err_text(), o->path));
	if (!strstr(err_text(), sentence))
		fail_msg("\"%s\" says nothing of \"%s\"", err_text(), sentence);
}

static void an_image_shows_its_size(void **state)
{
	(void)state;
	opens(false, false);
	assert_int_equal(disk_sectors(disk), IMAGE_BYTES / 512);
	assert_false(disk_is_readonly(disk));
}

static void an_absent_file_is_refused_and_not_made(void **state)
{
	const struct disk_options o = { .path = image_path };
	struct stat st;

	(void)state;
	unlink(image_path);
	refuses(&o, -ENOENT, "make one with truncate -s 1G");
	assert_int_equal(stat(image_path, &st), -1);
}

static void a_folder_is_refused(void **state)
{
	struct disk_options o = { .path = image_folder };

	(void)state;
	refuses(&o, -EISDIR, "a directory; give a disk image");
	o.readonly = true;
	refuses(&o, -EISDIR, "a directory; give a disk image");
}

static void what_is_neither_file_nor_block_device_is_refused(void **state)
{
	struct disk_options o = { .path = "/dev/null" };

	(void)state;
	refuses(&o, -EINVAL, "neither a file nor a block device");
	unlink(image_path);
	assert_int_equal(mkfifo(image_path, 0600), 0);
	o.path = image_path;
	refuses(&o, -EINVAL, "neither a file nor a block device");
	o.readonly = true;
	refuses(&o, -EINVAL, "neither a file nor a block device");
}

/* Root may open everything: be somebody else meanwhile. */
static void a_file_without_permission_is_refused(void **state)
{
	struct disk_options o = { .path = image_path };
	uid_t me = geteuid();

	(void)state;
	chmod(image_folder, 0755);
	chmod(image_path, 0444);
	if (!me)
		assert_int_equal(seteuid(65534), 0);
	refuses(&o, -EACCES, "or add readonly=on");
	o.readonly = true;
	assert_int_equal(disk_open(&o, &disk), 0);
	assert_int_equal(seteuid(me), 0);
	chmod(image_path, 0);
	if (!me)
		assert_int_equal(seteuid(65534), 0);
	refuses(&o, -EACCES, "change its permissions");
	assert_int_equal(seteuid(me), 0);
}

static void direct_where_the_filesystem_has_none_is_refused(void **state)
{
	const struct disk_options o = {
		.path = "/proc/version", .readonly = true, .direct = true
	};

	(void)state;
	refuses(&o, -EINVAL, "use direct=off");
}

static void less_than_a_sector_is_refused(void **state)
{
	const struct disk_options o = { .path = image_path };

	(void)state;
	assert_int_equal(truncate(image_path, 0), 0);
	refuses(&o, -EINVAL, "0 bytes, less than one sector");
	assert_int_equal(truncate(image_path, 511), 0);
	refuses(&o, -EINVAL, "511 bytes, less than one sector");
}

static void the_rest_of_a_sector_is_not_shown_and_warned_of(void **state)
{
	int saved = dup(2), log = memfd_create("log", 0);
	char text[256] = "";

	(void)state;
	assert_int_equal(truncate(image_path, 3 * 512 + 511), 0);
	dup2(log, 2);
	opens(false, false);
	dup2(saved, 2);
	assert_int_equal(disk_sectors(disk), 3);
	assert_true(pread(log, text, sizeof(text) - 1, 0) > 0);
	assert_non_null(strstr(text, "the last 511 bytes"));
	close(saved);
	close(log);
}

static void a_second_writer_is_refused(void **state)
{
	const struct disk_options o = { .path = image_path };
	const struct disk_options direct = { .path = image_path,
		.direct = true };

	(void)state;
	opens(false, false);
	refuses(&o, -EBUSY, "in use by another process");
	refuses(&direct, -EBUSY, "in use by another process");
	disk = disk_close(disk);
	opens(false, false);
}

static void writers_and_readers_exclude_each_other(void **state)
{
	const struct disk_options reader = { .path = image_path,
		.readonly = true };
	const struct disk_options writer = { .path = image_path };

	(void)state;
	opens(false, false);
	refuses(&reader, -EBUSY, "in use by another process");
	disk = disk_close(disk);
	opens(true, false);
	refuses(&writer, -EBUSY, "use readonly=on in both");
}

static void readers_share(void **state)
{
	const struct disk_options reader = { .path = image_path,
		.readonly = true };
	struct disk *second;

	(void)state;
	opens(true, false);
	assert_int_equal(disk_open(&reader, &second), 0);
	disk_close(second);
}

static void one_that_is_replaced_may_be_the_same_file(void **state)
{
	struct disk_options o = { .path = image_path };
	const struct disk_options other = { .path = image_path };
	struct disk *next;

	(void)state;
	opens(false, false);
	assert_int_equal(truncate(image_path, 2 * IMAGE_BYTES), 0);
	o.instead_of = disk;
	assert_int_equal(disk_open(&o, &next), 0);
	disk_close(disk);
	disk = next;
	assert_int_equal(disk_sectors(disk), 2 * IMAGE_BYTES / 512);
	refuses(&other, -EBUSY, "in use by another process");
}

static void one_that_is_replaced_gives_no_right_to_others(void **state)
{
	const struct disk_options o = { .path = image_path };
	struct disk_options null = { .path = "/dev/null", .label = "file " };

	(void)state;
	opens(false, false);
	null.instead_of = disk;
	refuses(&null, -EINVAL, "neither a file nor");
	refuses(&o, -EBUSY, "in use by another process");
}

/* With direct=on the file is open twice: closing must give both back. */
static void closing_gives_every_descriptor_back(void **state)
{
	int before = open("/dev/null", O_RDONLY);
	int after;

	(void)state;
	close(before);
	for (unsigned i = 0; i < 4; i++) {
		opens(i & 1, i & 2);
		disk = disk_close(disk);
	}
	after = open("/dev/null", O_RDONLY);
	assert_int_equal(before, after);
	close(after);
	assert_null(disk_close(NULL));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_image_shows_its_size),
		TEST(an_absent_file_is_refused_and_not_made),
		TEST(a_folder_is_refused),
		TEST(what_is_neither_file_nor_block_device_is_refused),
		TEST(a_file_without_permission_is_refused),
		TEST(direct_where_the_filesystem_has_none_is_refused),
		TEST(less_than_a_sector_is_refused),
		TEST(the_rest_of_a_sector_is_not_shown_and_warned_of),
		TEST(a_second_writer_is_refused),
		TEST(one_that_is_replaced_may_be_the_same_file),
		TEST(one_that_is_replaced_gives_no_right_to_others),
		TEST(writers_and_readers_exclude_each_other),
		TEST(readers_share),
		TEST(closing_gives_every_descriptor_back),
	};

	return cmocka_run_group_tests_name("disk_open", tests, NULL, NULL);
}
