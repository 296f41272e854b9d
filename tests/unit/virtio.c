/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio.c - the virtio core, seen by a driver: status machine, features, queues,
 * NEEDS_RESET and reset
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "tests/unit/counter.h"
#include "vmm/base/err.h"

#define FITTING (VERSION_1 | BIT64(3))

static struct guest *const guest = &counter.guest;

static void expect_that_it_works(void)
{
	counter_start(FITTING, 8);
	counter_offer(&guest->ring[1], 1);
	guest_kick(guest);
	assert_int_equal(counter_reap(&guest->ring[1]), 1);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
}

/* ---- the status byte ---- */

/* 3.1.1, as it stands there. */
static uint8_t status_after(uint8_t before, uint8_t value, bool fits)
{
	uint8_t s = before;

	if (!value)
		return 0;
	if ((value & before) != before || (before & FAILED))
		return before;
	if (value & ACK)
		s |= ACK;
	if ((value & DRIVER) && (s & ACK))
		s |= DRIVER;
	if ((value & FEATURES_OK) && (s & DRIVER) && fits)
		s |= FEATURES_OK;
	if ((value & DRIVER_OK) && (s & FEATURES_OK))
		s |= DRIVER_OK;
	return s | (value & FAILED);
}

static void reach(uint8_t status)
{
	static const uint8_t steps[] = { ACK, DRIVER, FEATURES_OK, DRIVER_OK,
		FAILED };
	uint8_t so_far = 0;

	guest_set_status(guest, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		so_far |= status & steps[i];
		if (so_far == (ACK | DRIVER | FEATURES_OK))
			guest_accept(guest, FITTING);
		if (so_far)
			guest_set_status(guest, so_far);
	}
	assert_int_equal(guest_status(guest), status);
}

static void every_value_in_every_status_follows_the_order(void **state)
{
	static const uint8_t reachable[] = { 0, ACK, ACK | DRIVER,
		ACK | DRIVER | FEATURES_OK, RUNNING, FAILED, ACK | FAILED,
		ACK | DRIVER | FAILED, RUNNING | FAILED };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(reachable); i++)
		for (unsigned value = 0; value < 256; value++) {
			bool fits = reachable[i] & FEATURES_OK;

			reach(reachable[i]);
			guest_set_status(guest, (uint8_t)value);
			assert_int_equal(guest_status(guest),
				status_after(
					reachable[i], (uint8_t)value, fits));
		}
}

static void the_model_is_activated_once_with_what_was_agreed(void **state)
{
	(void)state;
	counter_start(FITTING, 8);
	assert_int_equal(counter.activations, 1);
	assert_int_equal(counter.features, FITTING);
	guest_set_status(guest, RUNNING);
	assert_int_equal(counter.activations, 1);
}

static void failed_leaves_only_reset(void **state)
{
	(void)state;
	reach(ACK | DRIVER | FAILED);
	guest_accept(guest, FITTING);
	guest_set_status(guest, RUNNING | FAILED);
	assert_int_equal(guest_status(guest), ACK | DRIVER | FAILED);
	expect_that_it_works();
}

/* ---- features ---- */

static uint64_t offered(void)
{
	uint64_t features = 0;

	for (unsigned i = 0; i < 2; i++) {
		guest_write(guest, VIRTIO_MMIO_DEVICE_FEATURES_SEL, i);
		features |=
			(uint64_t)guest_read(guest, VIRTIO_MMIO_DEVICE_FEATURES)
			<< (32 * i);
	}
	return features;
}

static void the_model_and_the_core_offer_features(void **state)
{
	(void)state;
	assert_int_equal(offered(),
		COUNTER_OFFERED | VERSION_1 | INDIRECT_F | EVENT_IDX_F);
	for (unsigned select = 2; select < 40; select += 15) {
		guest_write(guest, VIRTIO_MMIO_DEVICE_FEATURES_SEL, select);
		assert_int_equal(
			guest_read(guest, VIRTIO_MMIO_DEVICE_FEATURES), 0);
	}
}

static bool agreed(uint64_t features)
{
	guest_negotiate(guest, features);
	return guest_status(guest) & FEATURES_OK;
}

static void what_was_not_offered_is_refused(void **state)
{
	(void)state;
	assert_true(agreed(offered()));
	assert_true(agreed(VERSION_1));
	for (unsigned bit = 0; bit < 64; bit++)
		assert_int_equal(agreed(VERSION_1 | BIT64(bit)),
			!!(offered() & BIT64(bit)));
}

static void a_legacy_driver_is_refused(void **state)
{
	(void)state;
	assert_false(agreed(COUNTER_OFFERED));
	/* And may try again without a reset. */
	guest_accept(guest, FITTING);
	guest_set_status(guest, ACK | DRIVER | FEATURES_OK);
	assert_true(guest_status(guest) & FEATURES_OK);
}

static void features_are_written_between_driver_and_features_ok(void **state)
{
	(void)state;
	guest_set_status(guest, 0);
	guest_accept(guest, FITTING);
	guest_set_status(guest, ACK);
	guest_accept(guest, FITTING);
	guest_set_status(guest, ACK | DRIVER | FEATURES_OK);
	assert_int_equal(guest_status(guest), ACK | DRIVER);
	guest_accept(guest, FITTING);
	guest_set_status(guest, ACK | DRIVER | FEATURES_OK);
	guest_accept(guest, VERSION_1 | EVENT_IDX_F);
	guest_set_status(guest, RUNNING);
	guest_accept(guest, 0);
	assert_int_equal(counter.features, FITTING);
}

static void feature_words_past_the_second_are_ignored(void **state)
{
	(void)state;
	guest_set_status(guest, ACK);
	guest_set_status(guest, ACK | DRIVER);
	guest_accept(guest, FITTING);
	for (unsigned select = 2; select < 6; select++) {
		guest_write(guest, VIRTIO_MMIO_DRIVER_FEATURES_SEL, select);
		guest_write(guest, VIRTIO_MMIO_DRIVER_FEATURES, 0xffffffff);
	}
	guest_set_status(guest, RUNNING);
	assert_int_equal(counter.features, FITTING);
}

/* ---- queues ---- */

static bool queue_is_ready(unsigned index)
{
	guest_write(guest, VIRTIO_MMIO_QUEUE_SEL, index);
	return guest_read(guest, VIRTIO_MMIO_QUEUE_READY);
}

static void queues_are_set_up_between_features_ok_and_driver_ok(void **state)
{
	static const uint8_t closed[] = { 0, ACK, ACK | DRIVER, RUNNING };
	struct ring ring;

	(void)state;
	ring_init(&ring, &guest->mem, 8, GUEST_RINGS);
	for (unsigned i = 0; i < ARRAY_SIZE(closed); i++) {
		reach(closed[i]);
		guest_set_queue(guest, 0, &ring.config);
		assert_false(queue_is_ready(0));
	}
	reach(ACK | DRIVER | FEATURES_OK);
	guest_set_queue(guest, 0, &ring.config);
	assert_true(queue_is_ready(0));
	assert_false(queue_is_ready(1));
}

static void a_ready_queue_does_not_move(void **state)
{
	struct virtq_config mine;

	(void)state;
	guest_negotiate(guest, FITTING);
	ring_init(&guest->ring[0], &guest->mem, 8, GUEST_RINGS);
	guest_set_queue(guest, 0, &guest->ring[0].config);
	guest_write(guest, VIRTIO_MMIO_QUEUE_NUM, 16);
	guest_write(guest, VIRTIO_MMIO_QUEUE_DESC_HIGH, 1);
	assert_true(virtio_queue_read(&counter.dev, 0, &mine));
	assert_int_equal(mine.size, 8);
	assert_int_equal(mine.desc.v, GUEST_RINGS);
	guest_write(guest, VIRTIO_MMIO_QUEUE_READY, 0);
	guest_write(guest, VIRTIO_MMIO_QUEUE_NUM, 16);
	assert_true(virtio_queue_read(&counter.dev, 0, &mine));
	assert_int_equal(mine.size, 16);
}

static void queues_that_do_not_exist_read_as_nothing(void **state)
{
	static const uint32_t absent[] = { COUNTER_QUEUES, 0xffff, 0x10000,
		~0u };

	(void)state;
	guest_negotiate(guest, FITTING);
	for (unsigned i = 0; i < ARRAY_SIZE(absent); i++) {
		guest_write(guest, VIRTIO_MMIO_QUEUE_SEL, absent[i]);
		guest_write(guest, VIRTIO_MMIO_QUEUE_NUM, 8);
		guest_write(guest, VIRTIO_MMIO_QUEUE_READY, 1);
		assert_int_equal(guest_read(guest, VIRTIO_MMIO_QUEUE_READY), 0);
		assert_int_equal(
			guest_read(guest, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	}
}

static void a_queue_left_out_is_not_served(void **state)
{
	(void)state;
	guest_start(guest, FITTING, 1, 8);
	ring_init(
		&guest->ring[1], &guest->mem, 8, GUEST_RINGS + GUEST_RING_STEP);
	counter_offer(&guest->ring[0], 1);
	counter_offer(&guest->ring[1], 1);
	guest_kick(guest);
	assert_int_equal(counter_reap(&guest->ring[0]), 1);
	assert_int_equal(counter_reap(&guest->ring[1]), 0);
}

/* ---- NEEDS_RESET ---- */

static void expect_needs_reset(void)
{
	assert_int_equal(guest_status(guest), RUNNING | NEEDS_RESET);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_INTERRUPT_STATUS) &
				 VIRTIO_MMIO_INT_CONFIG,
		VIRTIO_MMIO_INT_CONFIG);
	assert_true(fake_irq_edges(GUEST_GSI) > 0);
}

static void a_bad_ring_is_found_at_driver_ok(void **state)
{
	static const struct virtq_config bad[] = {
		{ 3, true, GPA(0x1000), GPA(0x2000), GPA(0x3000) },
		{ 512, true, GPA(0x1000), GPA(0x2000), GPA(0x3000) },
		{ 8, true, GPA(0x1001), GPA(0x2000), GPA(0x3000) },
		{ 8, true, GPA(0x1000), GPA(GUEST_RAM), GPA(0x3000) },
		{ 8, true, GPA(0x1000), GPA(0x2000), GPA(MEM_GAP_START) },
		{ 8, true, GPA(0x1000), GPA(~1ull), GPA(0x3000) },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		guest_negotiate(guest, FITTING);
		guest_set_queue(guest, 1, &bad[i]);
		guest_set_status(guest, RUNNING);
		expect_needs_reset();
		assert_int_equal(counter.activations, 0);
	}
	expect_that_it_works();
}

static void a_model_that_cannot_start_asks_for_a_reset(void **state)
{
	(void)state;
	counter.activate_rc = err_set(-ENOMEM, "not today");
	guest_start(guest, FITTING, 1, 8);
	expect_needs_reset();
	counter_offer(&guest->ring[0], 1);
	guest_kick(guest);
	assert_int_equal(counter.kicks, 0);
	counter.activate_rc = 0;
	expect_that_it_works();
}

static void a_bad_chain_stops_all_queues_until_reset(void **state)
{
	(void)state;
	counter_start(FITTING, 8);
	ring_offer(&guest->ring[0], 8);
	counter_offer(&guest->ring[1], 1);
	guest_kick(guest);
	expect_needs_reset();
	guest_kick(guest);
	assert_false(fake_loop_poll(guest->loop));
	assert_int_equal(counter_reap(&guest->ring[1]), 0);
	/* Once is enough. */
	assert_int_equal(fake_irq_edges(GUEST_GSI), 0);
	expect_that_it_works();
}

static struct {
	unsigned count;
	char what[128];
} told;

static void device_failed(void *owner, const char *device, const char *why)
{
	assert_ptr_equal(owner, &counter);
	told.count++;
	snprintf(told.what, sizeof(told.what), "%s: %s", device, why);
}

static void the_machine_is_told_why_once(void **state)
{
	(void)state;
	told.count = 0;
	counter_start(FITTING, 8);
	counter.dev.failed = device_failed;
	counter.dev.owner = &counter;
	ring_offer(&guest->ring[0], 8);
	guest_kick(guest);
	guest_kick(guest);
	assert_int_equal(told.count, 1);
	assert_non_null(strstr(told.what, "counter: "));
}

/* ---- reset ---- */

static void reset_forgets_everything(void **state)
{
	(void)state;
	counter_start(FITTING, 8);
	counter_offer(&guest->ring[0], 1);
	guest_kick(guest);
	counter.resets = 0;
	guest_set_status(guest, 0);
	assert_int_equal(counter.resets, 1);
	assert_int_equal(guest_status(guest), 0);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_false(queue_is_ready(0));
	guest_set_status(guest, ACK);
	guest_set_status(guest, ACK | DRIVER | FEATURES_OK);
	assert_int_equal(guest_status(guest), ACK | DRIVER);
	expect_that_it_works();
}

static void kicks_mean_nothing_to_a_device_at_rest(void **state)
{
	(void)state;
	counter_start(FITTING, 8);
	guest_set_status(guest, 0);
	counter_offer(&guest->ring[0], 1);
	guest_kick(guest);
	assert_false(fake_loop_poll(guest->loop));
	assert_int_equal(counter.kicks, 0);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, counter_setup, counter_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_value_in_every_status_follows_the_order),
		TEST(the_model_is_activated_once_with_what_was_agreed),
		TEST(failed_leaves_only_reset),
		TEST(the_model_and_the_core_offer_features),
		TEST(what_was_not_offered_is_refused),
		TEST(a_legacy_driver_is_refused),
		TEST(features_are_written_between_driver_and_features_ok),
		TEST(feature_words_past_the_second_are_ignored),
		TEST(queues_are_set_up_between_features_ok_and_driver_ok),
		TEST(a_ready_queue_does_not_move),
		TEST(queues_that_do_not_exist_read_as_nothing),
		TEST(a_queue_left_out_is_not_served),
		TEST(a_bad_ring_is_found_at_driver_ok),
		TEST(a_model_that_cannot_start_asks_for_a_reset),
		TEST(a_bad_chain_stops_all_queues_until_reset),
		TEST(the_machine_is_told_why_once),
		TEST(reset_forgets_everything),
		TEST(kicks_mean_nothing_to_a_device_at_rest),
	};

	return cmocka_run_group_tests_name("virtio", tests, NULL, NULL);
}
