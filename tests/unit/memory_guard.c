/* SPDX-License-Identifier: Apache-2.0 */
/* memory_guard.c - memory whose file is cut short reads as zeros, and somebody hears */
#include "tests/unit/loop.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/memory_guard.h"

#define RAM (1 * MIB)

static struct mem mem;
static struct memory_guard guard;
static struct loop *loop;
static unsigned cuts;
static int file;

static int new_file(void)
{
	char path[] = "/tmp/muster-unit-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(fd, RAM), 0);
	assert_int_equal(pwrite(fd, "first", 5, 0), 5);
	assert_int_equal(pwrite(fd, "second", 6, RAM / 2), 6);
	return fd;
}

static void heard(void *owner)
{
	assert_ptr_equal(owner, &mem);
	cuts++;
	loop_stop(loop);
}

static int setup(void **state)
{
	(void)state;
	cuts = 0;
	file = new_file();
	assert_int_equal(loop_new(LOOP_EPOLL, &loop), 0);
	return mem_init_from_file(&mem, RAM, file);
}

/* In the test itself: cmocka has a handler of its own by then. */
static void keep_guard(void)
{
	assert_int_equal(
		memory_guard_init(&guard, &mem, file, loop, heard, &mem), 0);
}

static int teardown(void **state)
{
	(void)state;
	mem_fini(&mem);
	loop = loop_free(loop);
	close_fd(file);
	return 0;
}

static uint8_t byte_at(uint64_t offset)
{
	return *(volatile uint8_t *)mem_ptr(&mem, GPA(offset), 1);
}

static void a_lost_page_reads_as_zeros_and_is_told(void **state)
{
	(void)state;
	keep_guard();
	assert_int_equal(ftruncate(file, RAM / 2), 0);
	assert_int_equal(byte_at(RAM / 2), 0);
	loop_run(loop);
	assert_int_equal(cuts, 1);
	assert_int_equal(byte_at(0), 'f');
	assert_int_equal(byte_at(RAM - 1), 0);
	memory_guard_fini(&guard);
}

static void the_file_knows_what_it_lost(void **state)
{
	(void)state;
	keep_guard();
	assert_false(memory_guard_is_cut(&guard));
	assert_int_equal(ftruncate(file, RAM + 1), 0);
	assert_false(memory_guard_is_cut(&guard));
	assert_int_equal(ftruncate(file, RAM - 1), 0);
	assert_true(memory_guard_is_cut(&guard));
	memory_guard_fini(&guard);
}

static void a_whole_file_is_nothing_to_tell(void **state)
{
	(void)state;
	keep_guard();
	assert_int_equal(byte_at(RAM / 2), 's');
	run_for(loop, 5 * MS);
	assert_int_equal(cuts, 0);
	memory_guard_fini(&guard);
}

/* ---- other faults ---- */

static sigjmp_buf escape;

static void jump(int signal)
{
	(void)signal;
	siglongjmp(escape, 1);
}

/* Touch what is not guest memory; true if the handler before ours was called. */
static bool falls_through(void)
{
	int fd = new_file();
	volatile uint8_t *p = mmap(NULL, RAM, PROT_READ, MAP_PRIVATE, fd, 0);
	bool jumped = sigsetjmp(escape, 1);

	assert_ptr_not_equal(p, MAP_FAILED);
	if (!jumped) {
		assert_int_equal(ftruncate(fd, 0), 0);
		(void)*p;
	}
	munmap((void *)p, RAM);
	close_fd(fd);
	return jumped;
}

static void a_fault_elsewhere_goes_where_it_went_before(void **state)
{
	const struct sigaction action = { .sa_handler = jump };
	struct sigaction before, now;

	(void)state;
	assert_int_equal(sigaction(SIGBUS, &action, &before), 0);
	keep_guard();
	assert_true(falls_through());
	memory_guard_fini(&guard);
	assert_int_equal(sigaction(SIGBUS, &before, &now), 0);
	assert_ptr_equal(now.sa_handler, jump);
}

static void one_that_was_not_made_ends(void **state)
{
	struct memory_guard none = MEMORY_GUARD_INIT;

	(void)state;
	assert_false(memory_guard_is_cut(&none));
	memory_guard_fini(&none);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_lost_page_reads_as_zeros_and_is_told),
		TEST(the_file_knows_what_it_lost),
		TEST(a_whole_file_is_nothing_to_tell),
		TEST(a_fault_elsewhere_goes_where_it_went_before),
		cmocka_unit_test(one_that_was_not_made_ends),
	};

	return cmocka_run_group_tests_name("memory_guard", tests, NULL, NULL);
}
