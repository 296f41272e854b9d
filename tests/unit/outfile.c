/* SPDX-License-Identifier: Apache-2.0 */
/* outfile.c - which files a run may write */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/image.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/outfile.h"

static void the_disk_of_a_vm_is_refused_and_kept(void **state)
{
	const struct disk_options o = { .path = image_path, .readonly = true };
	struct disk *disk;
	struct stat st;
	int fd = -1;

	(void)state;
	assert_int_equal(disk_open(&o, &disk), 0);
	assert_int_equal(outfile_open("--metrics ", image_path, &fd), -EBUSY);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(err_text(), "--metrics "));
	assert_non_null(strstr(err_text(), "a VM has it as its disk"));
	disk_close(disk);
	assert_int_equal(stat(image_path, &st), 0);
	assert_int_equal(st.st_size, IMAGE_BYTES);
}

static void what_a_file_holds_stays(void **state)
{
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(outfile_open("--metrics ", image_path, &fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, IMAGE_BYTES);
	close(fd);
}

static void a_fifo_that_nobody_reads_opens(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(unlink(image_path), 0);
	assert_int_equal(mkfifo(image_path, 0600), 0);
	assert_int_equal(outfile_open("--console file=", image_path, &fd), 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static void an_absent_folder_is_named_with_the_remedy(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(
		outfile_open("--console file=", "/nowhere/log", &fd), -ENOENT);
	assert_non_null(strstr(err_text(), "--console file=/nowhere/log: "));
	assert_non_null(strstr(err_text(), "; give "));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, image_setup, image_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_disk_of_a_vm_is_refused_and_kept),
		TEST(what_a_file_holds_stays),
		TEST(a_fifo_that_nobody_reads_opens),
		TEST(an_absent_folder_is_named_with_the_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
