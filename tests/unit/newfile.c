/* SPDX-License-Identifier: Apache-2.0 */
/* newfile.c - the new file whole or the old one, whatever fails */
#include "tests/unit/memkit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

static void put(const char *name, const char *text)
{
	int fd = open(kit_path(name).s, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static bool holds(const char *name, const char *text)
{
	char got[64] = "";
	int fd = open(kit_path(name).s, O_RDONLY);
	ssize_t n = read(fd, got, sizeof(got) - 1);

	close_fd(fd);
	return n == (ssize_t)strlen(text) && !strcmp(got, text);
}

static bool is_there(const char *name)
{
	struct stat st;

	return !lstat(kit_path(name).s, &st);
}

static int write_text(struct newfile *file, const char *text)
{
	struct iovec iov = { (void *)text, strlen(text) };

	return newfile_write(file, (struct iov_list){ &iov, 1 }, 0);
}

static void the_new_file_takes_the_place_of_the_old(void **state)
{
	struct kit_path path = kit_path("f");
	struct newfile file;

	(void)state;
	put("f", "old");
	assert_int_equal(newfile_create(&file, "--state ", path.s), 0);
	assert_int_equal(write_text(&file, "new"), 0);
	assert_int_equal(newfile_sync(&file), 0);
	assert_true(holds("f", "old"));
	assert_int_equal(newfile_commit(&file), 0);
	newfile_fini(&file);
	assert_true(holds("f", "new"));
	assert_false(is_there("f.new"));
}

static void giving_up_leaves_the_old_file_alone(void **state)
{
	struct kit_path path = kit_path("f");
	struct newfile file;

	(void)state;
	put("f", "old");
	assert_int_equal(newfile_create(&file, "--state ", path.s), 0);
	assert_int_equal(write_text(&file, "new"), 0);
	newfile_fini(&file);
	newfile_fini(&file);
	assert_true(holds("f", "old"));
	assert_false(is_there("f.new"));
}

static void what_a_killed_run_left_is_replaced(void **state)
{
	struct kit_path path = kit_path("f");
	struct newfile file;

	(void)state;
	put("f.new", "a longer rest of something");
	assert_int_equal(newfile_create(&file, "", path.s), 0);
	assert_int_equal(write_text(&file, "new"), 0);
	assert_int_equal(newfile_commit(&file), 0);
	newfile_fini(&file);
	assert_true(holds("f", "new"));
}

static void a_link_is_not_followed(void **state)
{
	struct kit_path path = kit_path("f"), temporary = kit_path("f.new");
	struct newfile file;

	(void)state;
	put("victim", "whole");
	assert_int_equal(symlink(kit_path("victim").s, temporary.s), 0);
	assert_int_equal(newfile_create(&file, "--state ", path.s), -EINVAL);
	kit_says("--state ", temporary.s, "not a regular file", NULL);
	newfile_fini(&file);
	assert_true(is_there("f.new"));
	assert_true(holds("victim", "whole"));

	assert_int_equal(unlink(temporary.s), 0);
	assert_int_equal(symlink(kit_path("victim").s, path.s), 0);
	assert_int_equal(newfile_create(&file, "--state ", path.s), -EINVAL);
	newfile_fini(&file);
}

static void what_is_no_file_is_refused(void **state)
{
	struct kit_path path = kit_path("f"), temporary = kit_path("f.new");
	struct newfile file;

	(void)state;
	assert_int_equal(mkfifo(temporary.s, 0600), 0);
	assert_int_equal(newfile_create(&file, "", path.s), -EINVAL);
	assert_int_equal(newfile_create(&file, "", kit_folder), -EINVAL);
	assert_int_equal(newfile_create(&file, "", "/dev/null"), -EINVAL);
	assert_true(is_there("f.new"));
}

static void a_file_that_is_being_written_is_refused(void **state)
{
	struct kit_path path = kit_path("f");
	struct newfile first, second;

	(void)state;
	assert_int_equal(newfile_create(&first, "", path.s), 0);
	assert_int_equal(newfile_create(&second, "--state ", path.s), -EBUSY);
	kit_says("--state ", "f.new: another process is writing it", NULL);
	newfile_fini(&second);
	assert_int_equal(write_text(&first, "first"), 0);
	assert_int_equal(newfile_commit(&first), 0);
	newfile_fini(&first);
	assert_true(holds("f", "first"));
}

static void a_kept_file_is_finished_later(void **state)
{
	struct kit_path path = kit_path("f");
	struct newfile file;

	(void)state;
	put("f", "old");
	assert_int_equal(newfile_create(&file, "", path.s), 0);
	assert_int_equal(write_text(&file, "new"), 0);
	newfile_keep(&file);
	newfile_fini(&file);
	assert_true(holds("f", "old") && holds("f.new", "new"));
	assert_int_equal(newfile_finish("", path.s), 0);
	assert_true(holds("f", "new"));
	assert_false(is_there("f.new"));
}

/* Another file names it already: it must not go with the name that it lost. */
static void a_file_that_gets_no_name_can_be_kept(void **state)
{
	struct kit_path path = kit_path("f");
	struct newfile file;

	(void)state;
	assert_int_equal(newfile_create(&file, "--memory ", path.s), 0);
	assert_int_equal(write_text(&file, "new"), 0);
	assert_int_equal(mkdir(path.s, 0700), 0);
	assert_true(newfile_commit(&file) < 0);
	kit_says("--memory ", path.s, "not written: ", NULL);
	newfile_keep(&file);
	newfile_fini(&file);
	assert_true(holds("f.new", "new"));
}

static void a_size_limit_is_an_error_with_its_reason(void **state)
{
	struct kit_path path = kit_path("f");
	struct rlimit old, limit;
	struct newfile file;

	(void)state;
	put("f", "old");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 2;
	assert_int_equal(newfile_create(&file, "--state ", path.s), 0);
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(write_text(&file, "new"), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	kit_says("--state ", path.s,
		": not written: File too large; the old file is whole", NULL);
	assert_true(holds("f", "old"));
	assert_false(is_there("f.new"));
	newfile_fini(&file);
}

static void an_absent_folder_is_named(void **state)
{
	struct newfile file;

	(void)state;
	assert_int_equal(
		newfile_create(&file, "--state ", "/nowhere/f"), -ENOENT);
	assert_string_equal(err_text(), "--state /nowhere/f: not written: No "
					"such file or directory");
}

static void a_full_disk_leaves_the_old_memory_whole(void **state)
{
	struct memfile_plan plan = { .kind = MEMFILE_FULL, .id = kit_id(2) };
	struct kit_path path = kit_path("full/m");
	struct newfile file = NEWFILE_INIT;
	struct memfile_stats stats;
	struct mem mem, back;
	struct memfile old;

	(void)state;
	assert_int_equal(mkdir(kit_path("full").s, 0700), 0);
	if (mount("none", kit_path("full").s, "tmpfs", 0, "size=2M")) {
		printf("skipped, CAP_SYS_ADMIN is missing: %s\n", __func__);
		skip();
	}
	assert_int_equal(mem_init(&mem, 16 * MIB), 0);
	kit_fill_pages(&mem, 1);
	kit_save("full/m", &mem, NULL, 1, NULL);
	for (uint64_t page = 0; page < 1024; page++)
		kit_fill(&mem, page, 2);
	assert_int_equal(newfile_create(&file, "--memory ", path.s), 0);
	assert_int_equal(memfile_write(&file, &mem, &plan, &stats), -ENOSPC);
	newfile_fini(&file);
	kit_says("--memory ", path.s,
		": not written: No space left on device; the old file is whole",
		NULL);
	assert_false(is_there("full/m.new"));
	kit_load("full/m", 1, &old, &back);
	assert_int_equal(memfile_verify(&old), 0);
	memfile_close(&old);
	mem_fini(&back);
	mem_fini(&mem);
	assert_int_equal(umount(kit_path("full").s), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_new_file_takes_the_place_of_the_old),
		TEST(giving_up_leaves_the_old_file_alone),
		TEST(what_a_killed_run_left_is_replaced),
		TEST(a_link_is_not_followed),
		TEST(what_is_no_file_is_refused),
		TEST(a_file_that_is_being_written_is_refused),
		TEST(a_kept_file_is_finished_later),
		TEST(a_file_that_gets_no_name_can_be_kept),
		TEST(a_size_limit_is_an_error_with_its_reason),
		TEST(an_absent_folder_is_named),
		TEST(a_full_disk_leaves_the_old_memory_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
