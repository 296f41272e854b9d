/* SPDX-License-Identifier: Apache-2.0 */
/* loop_ops.c - file operations, on both engines */
#include "tests/unit/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct test_op {
	struct loop_op op;
	struct loop *loop;
	unsigned done;
	unsigned *left; /* stop the loop when this reaches 0 */
	int res;
};

static void op_done(struct loop_op *op, int res)
{
	struct test_op *t = container_of(op, struct test_op, op);

	t->done++;
	t->res = res;
	if (--*t->left == 0)
		loop_stop(t->loop);
}

/* Submit one operation and serve until it is done. */
static int run_op(struct loop *loop, struct loop_op op)
{
	unsigned left = 1;
	struct test_op t = { .op = op, .loop = loop, .left = &left };

	t.op.done = op_done;
	loop_submit(loop, &t.op);
	loop_run(loop);
	assert_int_equal(t.done, 1);
	return t.res;
}

static int new_file(void)
{
	int fd = memfd_create("loop-test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void op_reads_back_through_iovecs_what_was_written(void **state)
{
	struct loop *loop = loop_of(state);
	char out1[] = "hello, ", out2[] = "world", in1[3], in2[9];
	struct iovec out[] = { { out1, 7 }, { out2, 5 } };
	struct iovec in[] = { { in1, 3 }, { in2, 9 } };
	struct loop_op write = {
		.code = LOOP_WRITEV, .iov = out, .iov_count = 2
	};
	struct loop_op read = { .code = LOOP_READV, .iov = in, .iov_count = 2 };

	write.fd = read.fd = new_file();
	write.offset = read.offset = 4096;
	assert_int_equal(run_op(loop, write), 12);
	assert_int_equal(run_op(loop, read), 12);
	assert_memory_equal(in1, "hel", 3);
	assert_memory_equal(in2, "lo, world", 9);
	close(read.fd);
}

static void op_at_the_end_of_a_file_is_short(void **state)
{
	struct loop *loop = loop_of(state);
	char byte[16] = "0123456789";
	struct iovec iov = { byte, 16 };
	struct loop_op op = { .code = LOOP_READV, .iov = &iov, .iov_count = 1 };

	op.fd = new_file();
	assert_int_equal(write(op.fd, byte, 10), 10);
	assert_int_equal(run_op(loop, op), 10);
	op.offset = 10;
	assert_int_equal(run_op(loop, op), 0);
	close(op.fd);
}

static void op_punches_a_hole_and_syncs(void **state)
{
	struct loop *loop = loop_of(state);
	static const char zeros[4096];
	char page[4096];
	struct loop_op punch = { .code = LOOP_FALLOCATE,
		.offset = 4096,
		.len = 4096,
		.flags = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE };
	struct loop_op sync = { .code = LOOP_FDATASYNC };

	punch.fd = sync.fd = new_file();
	memset(page, 'x', sizeof(page));
	assert_int_equal(pwrite(sync.fd, page, 4096, 4096), 4096);
	assert_int_equal(run_op(loop, punch), 0);
	assert_int_equal(run_op(loop, sync), 0);
	assert_int_equal(pread(sync.fd, page, 4096, 4096), 4096);
	assert_memory_equal(page, zeros, 4096);
	close(sync.fd);
}

static void op_of_every_kind_on_a_bad_descriptor_is_done_with_ebadf(
	void **state)
{
	struct loop *loop = loop_of(state);
	char byte;
	struct iovec iov = { &byte, 1 };

	for (unsigned code = 0; code < LOOP_OPCODES; code++) {
		struct loop_op op = { .code = code,
			.fd = 1 << 20,
			.iov = &iov,
			.iov_count = 1,
			.len = 1 };

		assert_int_equal(run_op(loop, op), -EBADF);
	}
}

static void op_may_be_submitted_again_when_done(void **state)
{
	struct loop *loop = loop_of(state);
	struct loop_op op = { .code = LOOP_FDATASYNC, .fd = new_file() };

	for (int i = 0; i < 10; i++)
		assert_int_equal(run_op(loop, op), 0);
	close(op.fd);
}

#define BURST 1000

static void burst_of_a_thousand_ops_is_done_once_each(void **state)
{
	struct loop *loop = loop_of(state);
	struct test_op *t = calloc(BURST, sizeof(*t));
	uint32_t *in = calloc(BURST, sizeof(*in));
	struct iovec *iov = calloc(BURST, sizeof(*iov));
	unsigned left = BURST;
	int fd = new_file();

	for (uint32_t i = 0; i < BURST; i++) {
		assert_int_equal(pwrite(fd, &i, 4, 4 * i), 4);
		iov[i] = (struct iovec){ &in[i], 4 };
		t[i] = (struct test_op){ .loop = loop, .left = &left };
		t[i].op = (struct loop_op){ .code = LOOP_READV,
			.fd = fd,
			.iov = &iov[i],
			.iov_count = 1,
			.offset = 4 * i,
			.done = op_done };
		loop_submit(loop, &t[i].op);
	}
	loop_run(loop);
	for (uint32_t i = 0; i < BURST; i++) {
		assert_int_equal(t[i].done, 1);
		assert_int_equal(t[i].res, 4);
		assert_int_equal(in[i], i);
	}
	close(fd);
	free(iov);
	free(in);
	free(t);
}

#define RING_ENTRIES 256 /* of the submission ring, as in loop_uring.c */

/* Reads of an empty pipe fill the ring; one more operation must get by them. */
static void op_past_a_full_ring_does_not_wait_for_those_before_it(void **state)
{
	struct loop *loop = loop_of(state);
	struct test_op *t = calloc(RING_ENTRIES, sizeof(*t));
	unsigned left = RING_ENTRIES;
	char bytes[RING_ENTRIES] = { 0 }, byte;
	struct iovec iov = { &byte, 1 };
	int pipes[2];

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	for (unsigned i = 0; i < RING_ENTRIES; i++) {
		t[i] = (struct test_op){ .loop = loop, .left = &left };
		t[i].op = (struct loop_op){ .code = LOOP_READV,
			.fd = pipes[0],
			.iov = &iov,
			.iov_count = 1,
			.done = op_done };
		loop_submit(loop, &t[i].op);
	}
	assert_int_equal(run_op(loop, (struct loop_op){ .code = LOOP_FDATASYNC,
					      .fd = pipes[0] }),
		-EINVAL);
	assert_int_equal(left, RING_ENTRIES);
	assert_int_equal(write(pipes[1], bytes, sizeof(bytes)), sizeof(bytes));
	loop_run(loop);
	assert_int_equal(left, 0);
	close(pipes[0]);
	close(pipes[1]);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(op_reads_back_through_iovecs_what_was_written),
		ON_BOTH(op_at_the_end_of_a_file_is_short),
		ON_BOTH(op_punches_a_hole_and_syncs),
		ON_BOTH(op_of_every_kind_on_a_bad_descriptor_is_done_with_ebadf),
		ON_BOTH(op_may_be_submitted_again_when_done),
		ON_BOTH(burst_of_a_thousand_ops_is_done_once_each),
		ON_URING(op_past_a_full_ring_does_not_wait_for_those_before_it),
	};

	alarm(30);
	return cmocka_run_group_tests_name("loop_ops", tests, NULL, NULL);
}
