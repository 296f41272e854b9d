/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause_disk.c - a machine that is held while it reads from its disk, and a disk that
 * does not answer
 *
 * The linker puts a door of ours before disk_submit(): shut, it keeps requests.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/livevm.h"
#include "vmm/base/err.h"

#define CYCLES   300
#define SHORT_NS 100000000ull
#define KEPT_MAX 64

void __real_disk_submit(
	struct disk *disk, struct loop *loop, struct disk_request *request);
void __wrap_disk_submit(
	struct disk *disk, struct loop *loop, struct disk_request *request);

static struct livevm live;
static char path[32];

static struct {
	atomic_bool shut;
	atomic_uint count; /* the loop's, but for looking */
	struct disk_request *kept[KEPT_MAX];
	struct disk *disk;
	struct loop *loop;
	struct loop_call open;
} door;

void __wrap_disk_submit(
	struct disk *disk, struct loop *loop, struct disk_request *request)
{
	unsigned n = atomic_load(&door.count);

	claim_loop_thread();
	if (!atomic_load(&door.shut) || n == KEPT_MAX) {
		__real_disk_submit(disk, loop, request);
		return;
	}
	door.disk = disk;
	door.loop = loop;
	door.kept[n] = request;
	atomic_store(&door.count, n + 1);
}

static void open_on_loop(struct loop_call *call)
{
	unsigned n = atomic_exchange(&door.count, 0);

	(void)call;
	claim_loop_thread();
	for (unsigned i = 0; i < n; i++)
		__real_disk_submit(door.disk, door.loop, door.kept[i]);
}

static void open_door(void)
{
	atomic_store(&door.shut, false);
	door.open.fn = open_on_loop;
	loop_call(live.vm->io, &door.open);
}

static void shut_door(void)
{
	atomic_store(&door.shut, true);
	while (!atomic_load(&door.count))
		usleep(100);
}

/* ---- */

static int make_disk(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/pause-disk-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 || ftruncate(fd, 1 << 20) || close(fd) ? -1 : 0;
}

static int remove_disk(void **state)
{
	(void)state;
	return unlink(path);
}

static void start_with(const char *cmdline)
{
	char option[64];

	snprintf(option, sizeof(option), "path=%s", path);
	livevm_build(&live, "blk-again", 1, cmdline, option);
	assert_int_equal(vm_start(live.vm), 0);
}

static void start(void)
{
	start_with("");
	assert_true(livevm_counts(&live, 1, 100));
}

static int hold(uint64_t deadline_ns)
{
	return pause_hold(&live.vm->pause, PAUSE_USER, deadline_ns);
}

static void release(void)
{
	assert_int_equal(pause_release(&live.vm->pause, PAUSE_USER), 0);
}

static void check_running(void)
{
	assert_true(livevm_counts(&live, 1, 200));
	assert_int_equal(atomic_load(&live.wrong), 0);
	assert_false(live.control->ending.reported);
}

static void reads_survive_holds(void **state)
{
	(void)state;
	start();
	for (unsigned i = 0; i < CYCLES; i++) {
		assert_int_equal(hold(10 * PAUSE_DEADLINE_NS), 0);
		assert_int_equal(live.vm->devices.disk[0].blk.in_flight, 0);
		release();
		usleep(i % 7 * 50);
	}
	check_running();
	livevm_end(&live);
}

static void no_ring_is_touched_while_held(void **state)
{
	const struct virtq *ring;
	struct virtq before;

	(void)state;
	start();
	ring = &live.vm->devices.disk[0].blk.dev.queues[0].ring;
	assert_int_equal(hold(10 * PAUSE_DEADLINE_NS), 0);
	before = *ring;
	/* A kick that came late. */
	(void)!eventfd_write(live.vm->devices.mmio[0].doorbell.fd, 1);
	usleep(20000);
	assert_memory_equal(&before, ring, sizeof(before));
	release();
	check_running();
	livevm_end(&live);
}

/* The vCPU may wait for its reset, or stand still itself: either is late. */
static void a_disk_that_hangs_is_named_and_all_goes_on(void **state)
{
	char late[96];

	(void)state;
	snprintf(late, sizeof(late),
		"disk %s: a request is still in flight after 0.1 s", path);
	start();
	for (unsigned i = 0; i < 5; i++) {
		shut_door();
		assert_int_equal(hold(SHORT_NS), -ETIMEDOUT);
		if (strcmp(err_text(), late))
			assert_string_equal(
				err_text(), "vCPU 0 did not stop within 0.1 s");
		assert_false(pause_held(&live.vm->pause));
		open_door();
		check_running();
	}
	assert_int_equal(hold(10 * PAUSE_DEADLINE_NS), 0);
	release();
	check_running();
	livevm_end(&live);
}

/* What these leave behind is this process's to the end: known to leak checkers. */
static struct vm_config left_behind[2];
static unsigned left_count;

static void check_end(void)
{
	uint64_t start_ns = now_ns();

	live.vm = vm_free(live.vm);
	assert_null(live.vm);
	left_behind[left_count++] = live.config;
	assert_true(now_ns() - start_ns < 30000000000ull);
	atomic_store(&door.shut, false);
	atomic_store(&door.count, 0);
	/* It keeps the lock on this one. */
	remove_disk(NULL);
	assert_int_equal(make_disk(NULL), 0);
}

static void a_machine_ends_though_its_disk_hangs(void **state)
{
	(void)state;
	start();
	shut_door();
	check_end();
}

static void a_machine_ends_though_a_vcpu_waits_for_its_disk(void **state)
{
	(void)state;
	start_with("rounds=0");
	shut_door();
	usleep(20000);
	assert_int_equal(hold(SHORT_NS), -ETIMEDOUT);
	assert_string_equal(err_text(), "vCPU 0 did not stop within 0.1 s");
	check_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_survive_holds),
		cmocka_unit_test(no_ring_is_touched_while_held),
		cmocka_unit_test(a_disk_that_hangs_is_named_and_all_goes_on),
		cmocka_unit_test(a_machine_ends_though_its_disk_hangs),
		cmocka_unit_test(
			a_machine_ends_though_a_vcpu_waits_for_its_disk),
	};

	if (!livevm_available())
		return 0;
	return cmocka_run_group_tests(tests, make_disk, remove_disk);
}
