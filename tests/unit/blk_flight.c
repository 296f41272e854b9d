/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blk_flight.c - virtio-blk with requests in flight: full queues, reset and
 * NEEDS_RESET before they are done, and the records used again
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/blkguest.h"

static struct guest *const guest = &blkguest.guest;
static struct virtio_blk *const blk = &blkguest.blk;
static struct ring *const ring = &blkguest.guest.ring[0];

/* `count` reads of sector 0, 1, … that the host does not answer yet. */
static void start_reads(unsigned count)
{
	fake_loop_hold(guest->loop, true);
	for (unsigned i = 0; i < count; i++)
		blkguest_offer(i, VIRTIO_BLK_T_IN, i, 512, false);
	guest_kick(guest);
	assert_int_equal(fake_loop_held(guest->loop), count);
	assert_int_equal(blk->in_flight, count);
}

static void release(void)
{
	fake_loop_hold(guest->loop, false);
	fake_loop_settle(guest->loop);
}

static void expect_that_it_works(void)
{
	fake_loop_hold(guest->loop, false);
	guest_start(guest, BLKGUEST_FEATURES, 1, 16);
	(void)fake_irq_edges(GUEST_GSI);
	assert_int_equal(blkguest_io(VIRTIO_BLK_T_IN, 7, 512), VIRTIO_BLK_S_OK);
	blkguest_expect(0, 512, 8);
}

static void a_burst_is_answered_with_one_interrupt(void **state)
{
	struct vring_used_elem e;

	(void)state;
	start_reads(5);
	assert_int_equal(ring->used->idx, 0);
	release();
	for (unsigned i = 0; i < 5; i++) {
		assert_true(ring_reap(ring, &e));
		assert_int_equal(e.id, 3 * i);
		assert_int_equal(e.len, 513);
		blkguest_expect(0x1000 * i, 512, (uint8_t)(i + 1));
	}
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
	assert_int_equal(blk->in_flight, 0);
}

/* ---- reset ---- */

static void somebody_waits(const struct loop_op *op)
{
	(void)op;
	assert_non_null(blk->dev.resetting);
}

static void reset_waits_for_what_is_in_flight(void **state)
{
	(void)state;
	start_reads(3);
	fake_loop_observe(guest->loop, somebody_waits);
	guest_set_status(guest, 0);
	assert_null(blk->dev.resetting);
	assert_int_equal(guest_status(guest), 0);
	assert_int_equal(fake_loop_held(guest->loop), 0);
	assert_int_equal(blk->in_flight, 0);
}

static void what_reset_waited_for_is_not_published(void **state)
{
	(void)state;
	start_reads(3);
	guest_set_status(guest, 0);
	release();
	assert_int_equal(ring->used->idx, 0);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 0);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

static void what_was_done_before_reset_is_not_published_after_it(void **state)
{
	(void)state;
	start_reads(3);
	fake_loop_hold(guest->loop, false);
	fake_loop_dispatch(guest->loop);
	guest_set_status(guest, 0);
	fake_loop_finish_batch(guest->loop);
	assert_int_equal(ring->used->idx, 0);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 0);
}

static void failures_end_a_reset_too(void **state)
{
	(void)state;
	start_reads(3);
	fake_loop_forge(guest->loop, 3, -EIO);
	guest_set_status(guest, 0);
	assert_int_equal(guest_status(guest), 0);
	expect_that_it_works();
}

static void records_are_used_again_after_reset(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		start_reads(5);
		guest_set_status(guest, 0);
		expect_that_it_works();
	}
	assert_true(blk->fresh <= 6);
}

/* ---- NEEDS_RESET ---- */

static void a_bad_chain_leaves_what_is_in_flight_unanswered(void **state)
{
	(void)state;
	start_reads(2);
	ring_offer(ring, 99);
	guest_kick(guest);
	assert_int_equal(guest_status(guest), RUNNING | NEEDS_RESET);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
	release();
	assert_int_equal(blk->in_flight, 0);
	assert_int_equal(ring->used->idx, 0);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 0);
	expect_that_it_works();
}

static void a_reset_after_needs_reset_waits_as_well(void **state)
{
	(void)state;
	start_reads(2);
	ring_offer(ring, 99);
	guest_kick(guest);
	fake_loop_observe(guest->loop, somebody_waits);
	guest_set_status(guest, 0);
	fake_loop_observe(guest->loop, NULL);
	assert_int_equal(guest_status(guest), 0);
	assert_int_equal(blk->in_flight, 0);
	expect_that_it_works();
}

/* ---- full queues ---- */

/* 256 one-descriptor requests: an indirect table that all of them share. */
static void fill(struct ring *r)
{
	struct vring_desc *table = guest_ptr(guest, BLKGUEST_TABLE, 3 * 16);
	const struct virtio_blk_outhdr header = { VIRTIO_BLK_T_IN, 0, 1 };

	memcpy(guest_ptr(guest, BLKGUEST_HEADER, 16), &header, 16);
	ring_set(table, 0, BLKGUEST_HEADER, 16, NEXT, 1);
	ring_set(table, 1, BLKGUEST_DATA, 512, NEXT | WRITE, 2);
	ring_set(table, 2, BLKGUEST_STATUS, 1, WRITE, 0);
	for (uint16_t i = 0; i < VIRTQ_SIZE_MAX; i++) {
		ring_set(r->desc, i, BLKGUEST_TABLE, 3 * 16, INDIRECT, 0);
		ring_offer(r, i);
	}
}

static void every_descriptor_of_every_queue_may_be_in_flight(void **state)
{
	(void)state;
	guest_start(guest, BLKGUEST_FEATURES | INDIRECT_F, BLKGUEST_QUEUES,
		VIRTQ_SIZE_MAX);
	(void)fake_irq_edges(GUEST_GSI);
	fake_loop_hold(guest->loop, true);
	for (unsigned i = 0; i < BLKGUEST_QUEUES; i++)
		fill(&guest->ring[i]);
	guest_kick(guest);
	assert_int_equal(guest_status(guest), RUNNING);
	assert_int_equal(blk->in_flight, BLKGUEST_QUEUES * VIRTQ_SIZE_MAX);
	release();
	for (unsigned i = 0; i < BLKGUEST_QUEUES; i++)
		assert_int_equal(guest->ring[i].used->idx, VIRTQ_SIZE_MAX);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
}

static void heads_made_available_twice_are_bounded(void **state)
{
	(void)state;
	guest_start(guest, BLKGUEST_FEATURES | INDIRECT_F, 1, VIRTQ_SIZE_MAX);
	fake_loop_hold(guest->loop, true);
	for (unsigned i = 0; i < 2 * BLKGUEST_QUEUES; i++) {
		fill(ring);
		guest_kick(guest);
	}
	assert_int_equal(guest_status(guest), RUNNING | NEEDS_RESET);
	assert_true(blk->in_flight <= blk->request_count);
	expect_that_it_works();
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, blkguest_setup, blkguest_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_burst_is_answered_with_one_interrupt),
		TEST(reset_waits_for_what_is_in_flight),
		TEST(what_reset_waited_for_is_not_published),
		TEST(what_was_done_before_reset_is_not_published_after_it),
		TEST(failures_end_a_reset_too),
		TEST(records_are_used_again_after_reset),
		TEST(a_bad_chain_leaves_what_is_in_flight_unanswered),
		TEST(a_reset_after_needs_reset_waits_as_well),
		TEST(every_descriptor_of_every_queue_may_be_in_flight),
		TEST(heads_made_available_twice_are_bounded),
	};

	return cmocka_run_group_tests_name("blk_flight", tests, NULL, NULL);
}
