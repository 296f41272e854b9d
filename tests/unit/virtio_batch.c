/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio_batch.c - how the virtio core serves its queues: batches, budget, polling,
 * and what is still under way when the driver resets the device
 */
#include "tests/unit/unit.h"

#include "tests/unit/counter.h"

#define FULL VIRTQ_SIZE_MAX

static struct guest *const guest = &counter.guest;
static struct ring *const ring = &counter.guest.ring[0];

static void dispatch_kick(void)
{
	fake_loop_ring(guest->loop, &guest->mmio.doorbell);
	fake_loop_dispatch(guest->loop);
}

static void one_interrupt_tells_of_a_whole_batch(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter_offer(ring, 8);
	counter_offer(&guest->ring[1], 8);
	dispatch_kick();
	assert_int_equal(counter.chains, 16);
	assert_int_equal(counter_reap(ring), 0);
	fake_loop_finish_batch(guest->loop);
	assert_int_equal(counter_reap(ring), 8);
	assert_int_equal(counter_reap(&guest->ring[1]), 8);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
}

static void interrupts_the_driver_does_not_want_are_left_out(void **state)
{
	(void)state;
	counter_start(EVENT_IDX_F, 8);
	*ring_used_event(ring) = 3;
	counter_offer(ring, 3);
	guest_kick(guest);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 0);
	counter_offer(ring, 1);
	guest_kick(guest);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
}

/* Does the driver have to kick when it makes one more chain available? */
static bool wants_kick(uint64_t features)
{
	uint16_t now = (uint16_t)(ring->avail->idx + 1);

	if (features & EVENT_IDX_F)
		return *ring_avail_event(ring) == (uint16_t)(now - 1);
	return !(ring->used->flags & VRING_USED_F_NO_NOTIFY);
}

static void every_burst_ends_with_kicks_enabled(void **state)
{
	static const uint64_t features[] = { 0, EVENT_IDX_F };
	static const unsigned counts[] = { 1, FULL - 1, FULL };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(features); i++)
		for (unsigned j = 0; j < ARRAY_SIZE(counts); j++) {
			counter_start(features[i], FULL);
			assert_true(wants_kick(features[i]));
			counter_offer(ring, counts[j]);
			guest_kick(guest);
			assert_int_equal(counter_reap(ring), counts[j]);
			assert_true(wants_kick(features[i]));
		}
}

static void a_driver_that_never_stops_is_served_in_rounds(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter.refill = ring;
	counter_offer(ring, 1);
	dispatch_kick();
	assert_int_equal(counter.chains, FULL);
	fake_loop_finish_batch(guest->loop);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
	/* It goes on without another kick, and ends when the driver does. */
	fake_loop_dispatch(guest->loop);
	assert_int_equal(counter.chains, 2 * FULL);
	counter.refill = NULL;
	fake_loop_settle(guest->loop);
	assert_int_equal(counter.chains, 2 * FULL + 1);
	assert_true(wants_kick(0));
}

static void polling_finds_chains_without_a_kick(void **state)
{
	(void)state;
	counter_start(EVENT_IDX_F, 8);
	assert_false(fake_loop_poll(guest->loop));
	counter_offer(&guest->ring[1], 2);
	assert_true(fake_loop_poll(guest->loop));
	fake_loop_settle(guest->loop);
	assert_int_equal(counter_reap(&guest->ring[1]), 2);
	assert_false(fake_loop_poll(guest->loop));
}

/* ---- reset in the middle of things ---- */

/* After a reset the rings are the driver's memory again, for any use. */
static void nothing_is_published_after_reset(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter_offer(ring, 2);
	dispatch_kick();
	assert_int_equal(counter.chains, 2);
	guest_set_status(guest, 0);
	memset(ring->used, 0x55, 64);
	fake_loop_finish_batch(guest->loop);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(((uint8_t *)ring->used)[i], 0x55);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 0);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

static void a_round_that_waits_finds_the_new_rings(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter.refill = ring;
	counter_offer(ring, 1);
	dispatch_kick();
	counter.refill = NULL;
	counter.chains = 0;
	/* The next round is queued; the driver resets and starts again. */
	counter_start(0, 8);
	fake_loop_settle(guest->loop);
	assert_int_equal(counter.chains, 0);
	assert_int_equal(ring->used->idx, 0);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 0);
	counter_offer(ring, 3);
	guest_kick(guest);
	assert_int_equal(counter_reap(ring), 3);
}

static void a_round_that_waits_leaves_a_device_at_rest_alone(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter.refill = ring;
	counter_offer(ring, 1);
	dispatch_kick();
	counter.chains = 0;
	guest_set_status(guest, 0);
	fake_loop_settle(guest->loop);
	assert_int_equal(counter.chains, 0);
}

static void a_bad_chain_ends_a_batch(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter_offer(ring, 2);
	ring_offer(ring, 99);
	guest_kick(guest);
	assert_int_equal(counter.chains, 2);
	assert_int_equal(guest_status(guest), RUNNING | NEEDS_RESET);
	/* One for the configuration change; the chains go down with the queue. */
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_INTERRUPT_STATUS),
		VIRTIO_MMIO_INT_CONFIG);
	fake_loop_settle(guest->loop);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, counter_setup, counter_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_interrupt_tells_of_a_whole_batch),
		TEST(interrupts_the_driver_does_not_want_are_left_out),
		TEST(every_burst_ends_with_kicks_enabled),
		TEST(a_driver_that_never_stops_is_served_in_rounds),
		TEST(polling_finds_chains_without_a_kick),
		TEST(nothing_is_published_after_reset),
		TEST(a_round_that_waits_finds_the_new_rings),
		TEST(a_round_that_waits_leaves_a_device_at_rest_alone),
		TEST(a_bad_chain_ends_a_batch),
	};

	return cmocka_run_group_tests_name("virtio_batch", tests, NULL, NULL);
}
