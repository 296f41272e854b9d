/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blk_threads.c - virtio-blk on a loop with a thread of its own, on either engine,
 * while one vCPU drives and resets it and another reads its registers
 */
#include "tests/unit/unit.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "devices/virtio/blk.h"
#include "tests/unit/guest.h"
#include "tests/unit/image.h"
#include "vmm/base/err.h"

#define QUEUES    2
#define RING_SIZE 16
#define REQUESTS  5
#define ROUNDS    200
#define RINGS_END (GUEST_RINGS + QUEUES * GUEST_RING_STEP)

static struct machine_under_test {
	struct guest guest;
	struct virtio_blk blk;
	struct disk *disk;
	pthread_t loop_thread, reader_thread;
	atomic_bool stop;
} m;

static void *run_loop(void *arg)
{
	(void)arg;
	loop_run(m.guest.loop);
	return NULL;
}

/* Every register but the selectors, which belong to the driver. */
static void *read_registers(void *arg)
{
	uint32_t sum = 0;

	(void)arg;
	while (!atomic_load(&m.stop))
		for (uint64_t at = 0; at < 0x140; at += 4)
			sum += guest_read(&m.guest, at);
	return (void *)(uintptr_t)sum;
}

static int setup(enum loop_engine engine, void **state)
{
	const struct disk_options o = { .path = image_path };

	image_setup(state);
	*state = NULL;
	atomic_store(&m.stop, false);
	if (guest_init(&m.guest, engine)) {
		print_message("skipped: %s\n", err_text());
		mem_fini(&m.guest.mem);
		return 0;
	}
	assert_int_equal(disk_open(&o, &m.disk), 0);
	assert_int_equal(virtio_blk_init(&m.blk, &m.guest.mem, m.guest.loop,
				 m.disk, "disk", NULL, QUEUES),
		0);
	assert_int_equal(guest_attach(&m.guest, &m.blk.dev), 0);
	assert_int_equal(
		thread_start(&m.loop_thread, "loop", run_loop, NULL), 0);
	assert_int_equal(
		thread_start(&m.reader_thread, "reader", read_registers, NULL),
		0);
	*state = &m;
	return 0;
}

static int setup_uring(void **state)
{
	return setup(LOOP_IO_URING, state);
}

static int setup_epoll(void **state)
{
	return setup(LOOP_EPOLL, state);
}

static int teardown(void **state)
{
	if (*state) {
		guest_set_status(&m.guest, 0);
		atomic_store(&m.stop, true);
		pthread_join(m.reader_thread, NULL);
		loop_stop(m.guest.loop);
		pthread_join(m.loop_thread, NULL);
		virtio_blk_fini(&m.blk);
		guest_fini(&m.guest);
		m.disk = disk_close(m.disk);
	}
	return image_teardown(state);
}

static void start(void)
{
	guest_start(&m.guest, VERSION_1 | BIT64(VIRTIO_BLK_F_FLUSH), QUEUES,
		RING_SIZE);
	assert_int_equal(guest_status(&m.guest), RUNNING);
}

static void offer_reads(struct ring *ring)
{
	for (uint16_t i = 0; i < REQUESTS; i++) {
		const struct virtio_blk_outhdr h = { VIRTIO_BLK_T_IN, 0, i };
		uint64_t at = GUEST_DATA + 0x1000 * i;

		memcpy(guest_ptr(&m.guest, at, sizeof(h)), &h, sizeof(h));
		ring_set(ring->desc, 3u * i, at, 16, NEXT, 3 * i + 1);
		ring_set(ring->desc, 3u * i + 1, at + 512, 512, NEXT | WRITE,
			3 * i + 2);
		ring_set(ring->desc, 3u * i + 2, at + 16, 1, WRITE, 0);
		ring_offer(ring, 3 * i);
	}
	eventfd_write(m.guest.mmio.doorbell.fd, 1);
}

/* Up to ten seconds for `count` used elements. */
static void reap(struct ring *ring, unsigned count)
{
	struct vring_used_elem e;

	for (unsigned ms = 0; count && ms < 10000;) {
		if (ring_reap(ring, &e)) {
			assert_int_equal(e.len, 513);
			count--;
		} else {
			poll(NULL, 0, 1);
			ms++;
		}
	}
	assert_int_equal(count, 0);
}

static void requests_are_served(void **state)
{
	if (!*state)
		skip();
	start();
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct ring *ring = &m.guest.ring[i % QUEUES];

		offer_reads(ring);
		reap(ring, REQUESTS);
	}
	assert_true(fake_irq_edges(GUEST_GSI) > 0);
}

/* From the end of a reset on, nothing of the guest's memory changes. */
static void a_reset_at_any_time_is_final(void **state)
{
	uint8_t *rings;

	if (!*state)
		skip();
	rings = guest_ptr(&m.guest, GUEST_RINGS, RINGS_END - GUEST_RINGS);
	for (unsigned i = 0; i < ROUNDS; i++) {
		start();
		offer_reads(&m.guest.ring[i % QUEUES]);
		if (i % 4 == 3)
			reap(&m.guest.ring[i % QUEUES], 1 + i % REQUESTS);
		guest_set_status(&m.guest, 0);
		memset(rings, 0x5a, RINGS_END - GUEST_RINGS);
		(void)fake_irq_edges(GUEST_GSI);
		if (i % 16 == 0)
			poll(NULL, 0, 1);
		for (unsigned j = 0; j < RINGS_END - GUEST_RINGS; j++)
			if (rings[j] != 0x5a)
				fail_msg("round %u: byte %u was changed", i, j);
		assert_int_equal(fake_irq_edges(GUEST_GSI), 0);
	}
}

#define ON_BOTH(f)                                           \
	{ "io_uring: " #f, f, setup_uring, teardown, NULL }, \
	{                                                    \
		"epoll: " #f, f, setup_epoll, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(requests_are_served),
		ON_BOTH(a_reset_at_any_time_is_final),
	};

	return cmocka_run_group_tests_name("blk_threads", tests, NULL, NULL);
}
