/* SPDX-License-Identifier: Apache-2.0 */
/* disk.c - what a request does to a disk image */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/image.h"
#include "vmm/base/err.h"

#define PAGE 4096

static struct loop *loop;
static struct disk *disk;
static uint8_t *page; /* two of them, aligned */

static int setup(void **state)
{
	page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	loop = fake_loop_new();
	disk = NULL;
	return image_setup(state);
}

static int teardown(void **state)
{
	disk = disk_close(disk);
	loop = loop_free(loop);
	munmap(page, 2 * PAGE);
	return image_teardown(state);
}

static void opens(bool readonly, bool direct)
{
	const struct disk_options o = {
		.path = image_path, .readonly = readonly, .direct = direct
	};

	assert_int_equal(disk_open(&o, &disk), 0);
}

static unsigned dones;
static int done_rc;

static void done(struct disk_request *request, int rc)
{
	(void)request;
	dones++;
	done_rc = rc;
}

/* Run a request to its end: its result. */
static int run(struct disk_request *request)
{
	request->done = done;
	dones = 0;
	disk_submit(disk, loop, request);
	fake_loop_settle(loop);
	assert_int_equal(dones, 1);
	return done_rc;
}

static int transfer(
	enum disk_verb verb, uint64_t offset, struct iovec *iov, unsigned count)
{
	struct disk_request request = {
		.verb = verb,
		.offset = offset,
		.data = { iov, count },
	};

	return run(&request);
}

static int read_page(uint64_t offset)
{
	struct iovec iov = { page, PAGE };

	return transfer(DISK_READ, offset, &iov, 1);
}

static int change(enum disk_verb verb, uint64_t offset, uint64_t len)
{
	struct disk_request request = {
		.verb = verb,
		.offset = offset,
		.len = len,
	};

	return run(&request);
}

static void all_bytes_are(const uint8_t *p, size_t len, int byte)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(p[i], byte);
}

static void a_read_scatters_and_a_write_gathers(void **state)
{
	struct iovec iov[] = { { page, 512 }, { page + 1000, 24 },
		{ page + 2000, 488 } };
	struct iovec again[] = { { page, 512 }, { page + 1000, 24 },
		{ page + 2000, 488 } };

	(void)state;
	opens(false, false);
	assert_int_equal(transfer(DISK_READ, 7 * 512, iov, 3), 0);
	all_bytes_are(page, 512, 8);
	all_bytes_are(page + 1000, 24, 9);
	all_bytes_are(page + 2000, 488, 9);
	assert_int_equal(transfer(DISK_WRITE, 0, again, 3), 0);
	assert_int_equal(read_page(0), 0);
	all_bytes_are(page, 512, 8);
	all_bytes_are(page + 512, 512, 9);
	all_bytes_are(page + 1024, 512, 3);
}

static void short_transfers_are_continued(void **state)
{
	struct iovec iov[] = { { page, 300 }, { page + 300, 724 } };
	struct iovec again[] = { { page, 300 }, { page + 300, 724 } };

	(void)state;
	opens(false, false);
	fake_loop_shorten(loop, 100);
	assert_int_equal(transfer(DISK_READ, 512, iov, 2), 0);
	assert_int_equal(fake_loop_ops(loop), 11);
	assert_int_equal(transfer(DISK_WRITE, 10 * 512, again, 2), 0);
	fake_loop_shorten(loop, 0);
	assert_int_equal(read_page(10 * 512), 0);
	all_bytes_are(page, 512, 2);
	all_bytes_are(page + 512, 512, 3);
	all_bytes_are(page + 1024, 512, 13);
}

static void a_file_truncated_under_us_is_an_error(void **state)
{
	(void)state;
	opens(false, false);
	assert_int_equal(truncate(image_path, 8 * 512 + 100), 0);
	assert_int_equal(read_page(9 * 512), -EIO);
	/* A part that is still there does not make it less of one. */
	assert_int_equal(read_page(8 * 512), -EIO);
	all_bytes_are(page, 100, 9);
}

static void errors_of_the_host_are_passed_on(void **state)
{
	struct iovec iov = { page, PAGE };

	(void)state;
	opens(false, false);
	fake_loop_forge(loop, 4, -ENOSPC);
	assert_int_equal(transfer(DISK_WRITE, 0, &iov, 1), -ENOSPC);
	assert_int_equal(change(DISK_FLUSH, 0, 0), -ENOSPC);
	assert_int_equal(change(DISK_DISCARD, 0, PAGE), -ENOSPC);
	assert_int_equal(change(DISK_ZERO, 0, PAGE), -ENOSPC);
	assert_int_equal(read_page(0), 0);
}

static void a_durable_write_is_synchronous(void **state)
{
	struct disk_request request = {
		.verb = DISK_WRITE,
		.data = { &(struct iovec){ page, 512 }, 1 },
	};

	(void)state;
	opens(false, false);
	assert_int_equal(run(&request), 0);
	assert_int_equal(fake_loop_last_op(loop)->flags, 0);
	request.data = (struct iov_list){ &(struct iovec){ page, 512 }, 1 };
	request.durable = true;
	assert_int_equal(run(&request), 0);
	assert_int_equal(fake_loop_last_op(loop)->flags, RWF_DSYNC);
}

static void a_flush_reaches_the_file(void **state)
{
	(void)state;
	opens(false, false);
	assert_int_equal(change(DISK_FLUSH, 0, 0), 0);
	assert_int_equal(fake_loop_last_op(loop)->code, LOOP_FDATASYNC);
}

/* With O_NONBLOCK io_uring would not hand it to a worker. */
static void requests_may_wait_for_the_file(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		opens(i & 1, i & 2);
		assert_int_equal(read_page(512 * (i % 2)), 0);
		assert_false(fcntl(fake_loop_last_op(loop)->fd, F_GETFL) &
			     O_NONBLOCK);
		disk = disk_close(disk);
	}
}

/* ---- direct=on ---- */

static bool was_direct(void)
{
	return fcntl(fake_loop_last_op(loop)->fd, F_GETFL) & O_DIRECT;
}

static void aligned_requests_bypass_the_page_cache(void **state)
{
	(void)state;
	opens(false, true);
	assert_int_equal(read_page(PAGE), 0);
	assert_true(was_direct());
	all_bytes_are(page, 512, 9);
}

static void misaligned_requests_go_through_the_page_cache(void **state)
{
	struct iovec at_odd_address = { page + 1, PAGE };
	struct iovec of_odd_length[] = { { page, 100 }, { page + 512, 412 } };

	(void)state;
	opens(false, true);
	assert_int_equal(transfer(DISK_READ, PAGE, &at_odd_address, 1), 0);
	assert_false(was_direct());
	all_bytes_are(page + 1, 512, 9);
	assert_int_equal(transfer(DISK_READ, PAGE, of_odd_length, 2), 0);
	assert_false(was_direct());
	all_bytes_are(page + 512, 412, 9);
}

static void both_ways_see_the_same_bytes(void **state)
{
	struct iovec odd = { page + PAGE + 1, 512 };

	(void)state;
	opens(false, true);
	memset(page + PAGE, 0xab, PAGE);
	assert_int_equal(transfer(DISK_WRITE, 0, &odd, 1), 0);
	assert_int_equal(read_page(0), 0);
	all_bytes_are(page, 512, 0xab);
	memset(page, 0xcd, PAGE);
	assert_int_equal(
		transfer(DISK_WRITE, 0, &(struct iovec){ page, PAGE }, 1), 0);
	odd = (struct iovec){ page + PAGE + 1, 512 };
	assert_int_equal(transfer(DISK_READ, 0, &odd, 1), 0);
	all_bytes_are(page + PAGE + 1, 512, 0xcd);
}

/* ---- ranges ---- */

static struct stat stat_image(void)
{
	struct stat st;

	assert_int_equal(stat(image_path, &st), 0);
	return st;
}

static void a_discard_makes_the_file_sparser(void **state)
{
	blkcnt_t before;

	(void)state;
	opens(false, false);
	assert_int_equal(change(DISK_FLUSH, 0, 0), 0);
	before = stat_image().st_blocks;
	assert_int_equal(change(DISK_DISCARD, PAGE, 4 * PAGE), 0);
	assert_true(stat_image().st_blocks <= before - 4 * PAGE / 512);
	assert_int_equal(stat_image().st_size, IMAGE_BYTES);
	assert_int_equal(read_page(PAGE), 0);
	all_bytes_are(page, PAGE, 0);
	assert_int_equal(read_page(5 * PAGE), 0);
	all_bytes_are(page, 512, 41);
}

static void zeroes_read_as_zeroes_in_exactly_their_range(void **state)
{
	(void)state;
	opens(false, false);
	assert_int_equal(change(DISK_ZERO, 3 * 512, 2 * 512), 0);
	assert_int_equal(stat_image().st_size, IMAGE_BYTES);
	assert_int_equal(read_page(0), 0);
	all_bytes_are(page + 2 * 512, 512, 3);
	all_bytes_are(page + 3 * 512, 2 * 512, 0);
	all_bytes_are(page + 5 * 512, 512, 6);
}

static void zeroes_become_a_hole_where_the_file_has_no_better(void **state)
{
	(void)state;
	opens(false, false);
	fake_loop_forge(loop, 1, -EOPNOTSUPP);
	assert_int_equal(change(DISK_ZERO, 0, PAGE), 0);
	assert_int_equal(fake_loop_last_op(loop)->flags,
		FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE);
	assert_int_equal(read_page(0), 0);
	all_bytes_are(page, PAGE, 0);
}

static void a_file_that_takes_no_holes_says_so(void **state)
{
	(void)state;
	opens(false, false);
	fake_loop_forge(loop, 3, -EOPNOTSUPP);
	assert_int_equal(change(DISK_ZERO, 0, PAGE), -EOPNOTSUPP);
	assert_int_equal(fake_loop_ops(loop), 2);
	assert_int_equal(change(DISK_DISCARD, 0, PAGE), -EOPNOTSUPP);
	assert_int_equal(fake_loop_ops(loop), 3);
}

static void a_durable_range_is_flushed_before_it_is_done(void **state)
{
	struct disk_request request = {
		.verb = DISK_DISCARD,
		.durable = true,
		.len = PAGE,
	};

	(void)state;
	opens(false, false);
	assert_int_equal(run(&request), 0);
	assert_int_equal(fake_loop_ops(loop), 2);
	assert_int_equal(fake_loop_last_op(loop)->code, LOOP_FDATASYNC);
	request.verb = DISK_ZERO;
	fake_loop_forge(loop, 1, -EOPNOTSUPP); /* and then as a hole */
	assert_int_equal(run(&request), 0);
	assert_int_equal(fake_loop_ops(loop), 5);
	assert_int_equal(fake_loop_last_op(loop)->code, LOOP_FDATASYNC);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_read_scatters_and_a_write_gathers),
		TEST(short_transfers_are_continued),
		TEST(a_file_truncated_under_us_is_an_error),
		TEST(errors_of_the_host_are_passed_on),
		TEST(a_durable_write_is_synchronous),
		TEST(a_flush_reaches_the_file),
		TEST(requests_may_wait_for_the_file),
		TEST(aligned_requests_bypass_the_page_cache),
		TEST(misaligned_requests_go_through_the_page_cache),
		TEST(both_ways_see_the_same_bytes),
		TEST(a_discard_makes_the_file_sparser),
		TEST(zeroes_read_as_zeroes_in_exactly_their_range),
		TEST(zeroes_become_a_hole_where_the_file_has_no_better),
		TEST(a_file_that_takes_no_holes_says_so),
		TEST(a_durable_range_is_flushed_before_it_is_done),
	};

	return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
