/* SPDX-License-Identifier: Apache-2.0 */
/* memfile_open.c - which memory files are refused, and what is said of them */
#include "tests/unit/memkit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/err.h"
#include "vmm/memfile_parts.h"

#define RAM (6 * MIB + 5 * MEM_PAGE_SIZE)

static struct mem mem;

static int setup(void **state)
{
	kit_setup(state);
	assert_int_equal(mem_init(&mem, RAM), 0);
	kit_fill_pages(&mem, 1);
	kit_save("m", &mem, NULL, 1, NULL);
	return 0;
}

static int teardown(void **state)
{
	mem_fini(&mem);
	return kit_teardown(state);
}

static int open_full(const char *name, unsigned id, uint64_t ram)
{
	struct memfile_id want = kit_id(id);
	struct memfile file = MEMFILE_INIT;
	int rc = memfile_open_full(
		"--memory ", kit_path(name).s, &want, ram, &file);

	memfile_close(&file);
	return rc;
}

static void the_right_file_opens(void **state)
{
	(void)state;
	assert_int_equal(open_full("m", 1, RAM), 0);
}

static void an_absent_file_is_named(void **state)
{
	(void)state;
	assert_int_equal(open_full("n", 1, RAM), -ENOENT);
	kit_says("--memory ", kit_path("n").s, "No such file", "; give", NULL);
}

static void the_memory_of_another_snapshot_is_refused(void **state)
{
	(void)state;
	assert_int_equal(open_full("m", 2, RAM), -EINVAL);
	kit_says(kit_path("m").s, "of snapshot 01000000", "of 02000000", NULL);
}

static void another_size_of_ram_is_refused(void **state)
{
	(void)state;
	assert_int_equal(open_full("m", 1, 8 * MIB), -EINVAL);
	kit_says(kit_path("m").s, "holds 6 MiB", "of 8 MiB", NULL);
}

static void a_diff_is_refused_with_the_remedy(void **state)
{
	const unsigned base = 1;
	int vm_fd = kit_track(&mem);

	(void)state;
	if (vm_fd < 0) {
		printf("skipped, /dev/kvm is missing: %s\n", __func__);
		skip();
	}
	kit_fill(&mem, 3, 2);
	kit_save("d", &mem, NULL, 2, &base);
	close(vm_fd);
	assert_int_equal(open_full("d", 2, RAM), -EINVAL);
	kit_says(kit_path("d").s, "is a diff", "muster snapshot merge", NULL);
}

/* Of 64 TiB of RAM, all holes; `more` bytes are no whole page. */
static void save_giant(const char *name, uint32_t kind, uint64_t more)
{
	struct memfile_seal seal = {
		.magic = MEMFILE_MAGIC,
		.version = MEMFILE_VERSION,
		.kind = kind,
		.ram_bytes = MEM_BYTES_MAX,
		.id = kit_id(1),
	};
	uint64_t size = memfile_trailer_bytes(MEM_BYTES_MAX, kind) + more;
	int fd = open(kit_path(name).s, O_RDWR | O_CREAT, 0600);

	if (kind == MEMFILE_FULL)
		size += MEM_BYTES_MAX;
	assert_true(fd >= 0);
	assert_int_equal(
		pwrite(fd, &seal, sizeof(seal), (off_t)(size - sizeof(seal))),
		sizeof(seal));
	close(fd);
}

/* Their trailers are gigabytes: what is said does not come from these. */
static void a_seal_is_compared_before_its_trailer_is_read(void **state)
{
	(void)state;
	save_giant("giant", MEMFILE_DIFF, 0);
	assert_int_equal(open_full("giant", 2, RAM), -EINVAL);
	kit_says(kit_path("giant").s, "of snapshot 01000000", NULL);
	assert_int_equal(open_full("giant", 1, RAM), -EINVAL);
	kit_says(kit_path("giant").s, "is a diff", NULL);
}

static void a_diff_has_whole_pages_and_no_more_than_ram(void **state)
{
	struct memfile file;

	(void)state;
	save_giant("odd", MEMFILE_DIFF, MEM_PAGE_SIZE - 1);
	assert_int_equal(memfile_open("", kit_path("odd").s, &file), -EBADMSG);
	kit_says(kit_path("odd").s, "not what its trailer says", NULL);
}

static void what_is_no_file_is_refused(void **state)
{
	struct memfile file;

	(void)state;
	assert_int_equal(mkfifo(kit_path("fifo").s, 0600), 0);
	assert_int_equal(memfile_open("", kit_path("fifo").s, &file), -EINVAL);
	assert_int_equal(memfile_open("", kit_folder, &file), -EINVAL);
	assert_int_equal(memfile_open("", "/dev/null", &file), -EINVAL);
}

/* The state was renamed, and the run killed before it could rename the memory. */
static void a_cut_off_rename_is_looked_through(void **state)
{
	(void)state;
	kit_save("m.new", &mem, NULL, 2, NULL);
	assert_int_equal(open_full("m", 2, RAM), 0);
	assert_int_equal(open_full("m", 1, RAM), 0);
	assert_int_equal(open_full("m", 3, RAM), -EINVAL);
	kit_says(kit_path("m").s, "of snapshot 01000000", NULL);
	assert_int_equal(unlink(kit_path("m").s), 0);
	assert_int_equal(open_full("m", 2, RAM), 0);
}

static void a_cut_off_rename_is_finished_before_the_next(void **state)
{
	struct memfile_id one = kit_id(1), two = kit_id(2), three = kit_id(3);
	struct kit_path path = kit_path("m"), rest = kit_path("m.new");

	(void)state;
	kit_save("m.new", &mem, NULL, 2, NULL);
	assert_int_equal(memfile_settle("", path.s, &one), 0);
	assert_int_equal(memfile_settle("", path.s, &three), 0);
	assert_int_equal(access(rest.s, F_OK), 0);
	assert_int_equal(memfile_settle("", path.s, &two), 0);
	assert_int_equal(access(rest.s, F_OK), -1);
	assert_int_equal(open_full("m", 2, RAM), 0);
	assert_int_equal(memfile_settle("", path.s, &two), 0);
}

static void memory_that_a_state_may_need_is_not_written_over(void **state)
{
	struct memfile_id one = kit_id(1), two = kit_id(2);
	struct kit_path path = kit_path("m"), rest = kit_path("m.new");

	(void)state;
	assert_int_equal(memfile_check_rest("--memory ", path.s, NULL), 0);
	kit_save("m.new", &mem, NULL, 2, NULL);
	assert_int_equal(
		memfile_check_rest("--memory ", path.s, NULL), -EEXIST);
	assert_int_equal(
		memfile_check_rest("--memory ", path.s, &one), -EEXIST);
	kit_says(
		"--memory ", rest.s, "of snapshot 02000000", "remove it", NULL);
	assert_int_equal(memfile_check_rest("--memory ", path.s, &two), 0);
	/* A kill came before its end. */
	assert_int_equal(truncate(rest.s, RAM / 2), 0);
	assert_int_equal(memfile_check_rest("--memory ", path.s, NULL), 0);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
	struct kit_path path = kit_path("m");
	struct stat st;

	(void)state;
	assert_int_equal(stat(path.s, &st), 0);
	for (off_t size = st.st_size - 1; size >= 0; size--) {
		assert_int_equal(truncate(path.s, size), 0);
		if (open_full("m", 1, RAM) != -EBADMSG)
			fail_msg("%lld of %lld bytes", (long long)size,
				(long long)st.st_size);
		/* All of the trailer, and then a few places. */
		if (size < (off_t)RAM)
			size -= 997 * 61;
	}
	kit_says("--memory ", path.s, "cut short", NULL);
}

static void bytes_behind_the_end_are_refused(void **state)
{
	struct kit_path path = kit_path("m");
	struct stat st;

	(void)state;
	assert_int_equal(stat(path.s, &st), 0);
	for (off_t more = 1; more < 200; more++) {
		assert_int_equal(truncate(path.s, st.st_size + more), 0);
		assert_int_equal(open_full("m", 1, RAM), -EBADMSG);
	}
}

static void flip(int fd, off_t at, uint8_t mask)
{
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= mask;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void every_flipped_bit_of_the_trailer_is_refused(void **state)
{
	struct kit_path path = kit_path("m");
	int fd = open(path.s, O_RDWR | O_CLOEXEC);
	struct stat st;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	for (off_t at = RAM; at < st.st_size; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			flip(fd, at, (uint8_t)(1u << bit));
			if (open_full("m", 1, RAM) != -EBADMSG)
				fail_msg("byte %lld", (long long)(at - RAM));
			flip(fd, at, (uint8_t)(1u << bit));
		}
	close(fd);
	assert_int_equal(open_full("m", 1, RAM), 0);
}

static void a_newer_format_is_named(void **state)
{
	struct kit_path path = kit_path("m");
	int fd = open(path.s, O_RDWR | O_CLOEXEC);
	struct stat st;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	flip(fd, st.st_size - 64 + 8, 1 ^ 2);
	close(fd);
	assert_int_equal(open_full("m", 1, RAM), -EBADMSG);
	kit_says(path.s, "format 2", "reads 1", NULL);
}

static void damaged_memory_is_found_by_verifying(void **state)
{
	static const uint64_t at[] = { 0, 512 * MEM_PAGE_SIZE + 9, 4 * MIB - 1,
		RAM - 1 };
	struct kit_path path = kit_path("m");
	int fd = open(path.s, O_RDWR | O_CLOEXEC);
	struct memfile file;

	(void)state;
	assert_int_equal(memfile_open("", path.s, &file), 0);
	assert_int_equal(memfile_verify(&file), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		flip(fd, (off_t)at[i], 4);
		assert_int_equal(memfile_verify(&file), -EBADMSG);
		kit_says(path.s, "damaged", "checksum", NULL);
		flip(fd, (off_t)at[i], 4);
	}
	assert_int_equal(memfile_verify(&file), 0);
	memfile_close(&file);
	close(fd);
}

/* cp, tar and object stores fill holes in. */
static void a_copy_without_holes_is_as_good(void **state)
{
	char command[160];
	struct memfile file;

	(void)state;
	snprintf(command, sizeof(command), "cp --sparse=never %s %s",
		kit_path("m").s, kit_path("n").s);
	assert_int_equal(system(command), 0);
	assert_true(kit_room("n") >= RAM);
	assert_int_equal(memfile_open("", kit_path("n").s, &file), 0);
	assert_int_equal(memfile_verify(&file), 0);
	memfile_close(&file);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_right_file_opens),
		TEST(an_absent_file_is_named),
		TEST(the_memory_of_another_snapshot_is_refused),
		TEST(another_size_of_ram_is_refused),
		TEST(a_diff_is_refused_with_the_remedy),
		TEST(a_seal_is_compared_before_its_trailer_is_read),
		TEST(a_diff_has_whole_pages_and_no_more_than_ram),
		TEST(what_is_no_file_is_refused),
		TEST(a_cut_off_rename_is_looked_through),
		TEST(a_cut_off_rename_is_finished_before_the_next),
		TEST(memory_that_a_state_may_need_is_not_written_over),
		TEST(a_file_cut_anywhere_is_refused),
		TEST(bytes_behind_the_end_are_refused),
		TEST(every_flipped_bit_of_the_trailer_is_refused),
		TEST(a_newer_format_is_named),
		TEST(damaged_memory_is_found_by_verifying),
		TEST(a_copy_without_holes_is_as_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
