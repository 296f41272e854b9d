/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio_state.c - a virtio device's state moves to another device over the same
 * memory, and the driver does not notice; what no driver can reach is refused
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "tests/unit/counter.h"
#include "vmm/base/err.h"

static struct guest *const guest = &counter.guest;
static struct ring *const ring = &counter.guest.ring[0];

struct saved {
	struct buf core, mmio;
};

static struct saved save(void)
{
	struct saved s = { BUF_INIT, BUF_INIT };

	state_save(&virtio_device_state, &counter.dev, &s.core);
	state_save(&virtio_mmio_state, &guest->mmio, &s.mmio);
	return s;
}

static int load_one(
	const struct state_desc *desc, const struct buf *data, void *obj)
{
	return state_load(desc, desc->version, data->data, data->len, obj);
}

static int load(struct saved *s)
{
	int rc = load_one(&virtio_device_state, &s->core, &counter.dev);

	if (!rc)
		rc = virtio_device_loaded(&counter.dev);
	if (!rc)
		rc = load_one(&virtio_mmio_state, &s->mmio, &guest->mmio);
	if (!rc)
		rc = virtio_mmio_loaded(&guest->mmio);
	buf_fini(&s->core);
	buf_fini(&s->mmio);
	return rc;
}

static int move(unsigned queues)
{
	struct saved s = save();

	counter_replace(queues);
	err_clear();
	return load(&s);
}

static void assert_moves(void)
{
	int rc = move(COUNTER_QUEUES);

	if (rc)
		fail_msg("%s", err_text());
}

static void assert_refused(const char *sentence)
{
	assert_int_equal(move(COUNTER_QUEUES), -EBADMSG);
	assert_string_equal(err_text(), sentence);
}

/* ---- the driver does not notice ---- */

static void traffic_goes_on_where_it_was(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter_offer(ring, 5);
	guest_kick(guest);
	assert_int_equal(counter_reap(ring), 5);
	assert_moves();
	counter_offer(ring, 6);
	guest_kick(guest);
	assert_int_equal(counter_reap(ring), 6);
	assert_int_equal(counter.chains, 11);
}

static void chains_that_wait_are_served_without_a_kick(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter_offer(ring, 3);
	counter_offer(&guest->ring[1], 2);
	assert_moves();
	fake_loop_settle(guest->loop);
	assert_int_equal(counter_reap(ring), 3);
	assert_int_equal(counter_reap(&guest->ring[1]), 2);
	assert_int_equal(counter.chains, 5);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
}

static void what_was_used_but_not_published_reaches_the_driver(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter_offer(ring, 3);
	fake_loop_ring(guest->loop, &guest->mmio.doorbell);
	fake_loop_dispatch(guest->loop);
	assert_int_equal(counter.chains, 3);
	assert_int_equal(counter_reap(ring), 0);
	assert_moves();
	fake_loop_settle(guest->loop);
	assert_int_equal(counter_reap(ring), 3);
	assert_int_equal(counter.chains, 3);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
}

static void indices_that_wrapped_go_on(void **state)
{
	(void)state;
	counter_start(0, 8);
	for (unsigned i = 0; i < 65536 / 8; i++) {
		counter_offer(ring, 8);
		guest_kick(guest);
		assert_int_equal(counter_reap(ring), 8);
	}
	counter_offer(ring, 4);
	guest_kick(guest);
	counter_offer(ring, 4);
	assert_moves();
	fake_loop_settle(guest->loop);
	assert_int_equal(counter_reap(ring), 8);
	assert_int_equal(counter.chains, 65536 + 8);
}

static void event_indices_are_still_in_use(void **state)
{
	(void)state;
	counter_start(EVENT_IDX_F, 8);
	*ring_used_event(ring) = 3;
	counter_offer(ring, 3);
	assert_moves();
	fake_loop_settle(guest->loop);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 0);
	assert_int_equal(*ring_avail_event(ring), 3);
	counter_offer(ring, 1);
	guest_kick(guest);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
}

static void the_model_is_told_of_the_features(void **state)
{
	(void)state;
	counter_start(BIT64(40), 8);
	counter.features = 0;
	assert_moves();
	assert_int_equal(counter.features, VERSION_1 | BIT64(40));
	assert_int_equal(counter.activations, 2);
}

static void a_pending_interrupt_is_raised_once_more(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter_offer(ring, 1);
	guest_kick(guest);
	(void)fake_irq_edges(GUEST_GSI);
	assert_moves();
	virtio_mmio_raise(&guest->mmio);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_INTERRUPT_STATUS),
		VIRTIO_MMIO_INT_VRING);
	guest_write(guest, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	assert_moves();
	virtio_mmio_raise(&guest->mmio);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 0);
}

static void set_up(uint8_t status)
{
	guest_negotiate(guest, VERSION_1);
	for (unsigned i = 0; i < COUNTER_QUEUES; i++) {
		ring_init(&guest->ring[i], &guest->mem, 8,
			GUEST_RINGS + i * GUEST_RING_STEP);
		guest_set_queue(guest, i, &guest->ring[i].config);
	}
	guest_set_status(guest, status);
}

static void a_driver_in_the_midst_of_setting_up_goes_on(void **state)
{
	static const uint8_t steps[] = { ACK, ACK | DRIVER,
		ACK | DRIVER | FEATURES_OK, RUNNING };

	(void)state;
	assert_moves();
	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i] & FEATURES_OK)
			guest_accept(guest, VERSION_1);
		guest_set_status(guest, steps[i]);
		assert_moves();
		assert_int_equal(guest_status(guest), steps[i]);
	}
	assert_int_equal(counter.activations, 2);
	set_up(RUNNING);
	counter_offer(ring, 1);
	guest_kick(guest);
	assert_int_equal(counter_reap(ring), 1);
}

static void selectors_and_queue_registers_are_kept(void **state)
{
	(void)state;
	set_up(ACK | DRIVER | FEATURES_OK);
	guest_write(guest, VIRTIO_MMIO_QUEUE_SEL, 1);
	guest_write(guest, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	assert_moves();
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_QUEUE_READY), 1);
	guest_write(guest, VIRTIO_MMIO_QUEUE_SEL, COUNTER_QUEUES);
	assert_moves();
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_DEVICE_FEATURES),
		(VERSION_1 | BIT64(40)) >> 32);
	guest_set_status(guest, RUNNING);
	counter_offer(&guest->ring[1], 1);
	guest_kick(guest);
	assert_int_equal(counter_reap(&guest->ring[1]), 1);
}

static void a_broken_device_stays_broken_until_it_is_reset(void **state)
{
	(void)state;
	counter_start(0, 8);
	ring_offer(ring, 99);
	guest_kick(guest);
	assert_int_equal(guest_status(guest), RUNNING | NEEDS_RESET);
	assert_moves();
	assert_int_equal(guest_status(guest), RUNNING | NEEDS_RESET);
	assert_int_equal(counter.activations, 1);
	guest_kick(guest);
	counter_start(0, 8);
	counter_offer(ring, 1);
	guest_kick(guest);
	assert_int_equal(counter_reap(ring), 1);
}

static void a_reset_leaves_the_state_after_power_on(void **state)
{
	struct buf used = BUF_INIT, fresh = BUF_INIT;

	(void)state;
	state_save(&virtio_device_state, &counter.dev, &fresh);
	counter_start(EVENT_IDX_F, 8);
	counter_offer(ring, 5);
	guest_kick(guest);
	guest_set_status(guest, 0);
	state_save(&virtio_device_state, &counter.dev, &used);
	assert_int_equal(used.len, fresh.len);
	assert_memory_equal(used.data, fresh.data, fresh.len);
	buf_fini(&used);
	buf_fini(&fresh);
}

/* A later muster may offer more; this driver has seen what it has seen. */
static void a_device_offers_what_it_offered(void **state)
{
	(void)state;
	counter.dev.offered &= ~BIT64(40);
	assert_moves();
	guest_write(guest, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_DEVICE_FEATURES),
		VERSION_1 >> 32);
}

/* ---- what is refused ---- */

static void a_status_out_of_order_is_refused(void **state)
{
	static const uint8_t wrong[] = { DRIVER, ACK | FEATURES_OK,
		ACK | DRIVER | DRIVER_OK, NEEDS_RESET,
		ACK | DRIVER | NEEDS_RESET, 0x10, RUNNING | 0x20 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		char want[80];

		counter.dev.status = wrong[i];
		snprintf(want, sizeof(want),
			"virtio.status is %#x, which no driver can reach",
			wrong[i]);
		assert_refused(want);
	}
}

static void a_status_wider_than_the_register_is_refused(void **state)
{
	(void)state;
	counter.dev.status = 0x100;
	assert_refused("virtio.status is 0x100, which no driver can reach");
}

static void features_that_this_device_lacks_are_refused(void **state)
{
	(void)state;
	counter.dev.offered |= BIT64(41);
	assert_refused("virtio.offered has features 0x20000000000 that this "
		       "device does not have");
}

static void features_that_were_not_offered_are_refused(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter.dev.accepted |= BIT64(41);
	assert_int_equal(move(COUNTER_QUEUES), -EBADMSG);
	assert_non_null(strstr(err_text(), "virtio.accepted is 0x20100000000"));
}

static void a_legacy_driver_is_refused(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter.dev.accepted = 0;
	assert_int_equal(move(COUNTER_QUEUES), -EBADMSG);
	assert_non_null(strstr(err_text(), "virtio.accepted is 0,"));
}

static void features_before_a_driver_are_refused(void **state)
{
	(void)state;
	counter.dev.accepted = VERSION_1;
	assert_int_equal(move(COUNTER_QUEUES), -EBADMSG);
	assert_non_null(strstr(err_text(), "virtio.accepted is 0x100000000"));
}

static void a_queue_before_features_is_refused(void **state)
{
	(void)state;
	counter.dev.queues[1].config.avail = GPA(0x1000);
	assert_refused("virtio.queues[1].config is set before features were "
		       "agreed on");
}

static void a_queue_larger_than_offered_is_refused(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter.dev.queues[0].config.size = 512;
	assert_refused(
		"virtio.queues[0].config.size is 512, at most 256 can be");
}

static void a_queue_size_between_powers_of_two_is_refused(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter.dev.queues[0].config.size = 7;
	assert_refused("virtio.queues[0]: queue size 7 is not a power of two "
		       "up to 256");
}

static void a_ring_outside_of_memory_is_refused(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter.dev.queues[1].config.used = GPA(GUEST_RAM - 4);
	assert_refused("virtio.queues[1]: used ring at 0xffffc is misaligned "
		       "or not in RAM");
}

static void a_misaligned_ring_is_refused(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter.dev.queues[0].config.desc.v += 8;
	assert_refused("virtio.queues[0]: descriptor table at 0x10008 is "
		       "misaligned or not in RAM");
}

static void indices_further_apart_than_the_ring_are_refused(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter.dev.queues[0].ring.next_avail = 9;
	assert_refused("virtio.queues[0]: ring.next_avail is 9 and "
		       "ring.next_used is 0 in a ring of 8");
}

static void more_used_than_available_is_refused(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter.dev.queues[0].ring.next_used = 1;
	assert_int_equal(move(COUNTER_QUEUES), -EBADMSG);
	assert_non_null(strstr(err_text(), "ring.next_used is 1"));
}

static void more_published_than_used_is_refused(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter.dev.queues[1].ring.published_used = 1;
	assert_refused("virtio.queues[1]: ring.next_used is 0 and "
		       "ring.published_used is 1 in a ring of 8");
}

static void an_interrupt_before_the_driver_is_ready_is_refused(void **state)
{
	(void)state;
	guest->mmio.interrupt_status = VIRTIO_MMIO_INT_CONFIG;
	assert_refused("virtio-mmio.interrupt_status is 0x2 before the driver "
		       "was ready");
}

static void an_unknown_interrupt_is_refused(void **state)
{
	(void)state;
	counter_start(0, 8);
	guest->mmio.interrupt_status = 4;
	assert_refused("virtio-mmio.interrupt_status is 4, at most 3 can be");
}

static void another_number_of_queues_is_refused(void **state)
{
	(void)state;
	assert_int_equal(move(COUNTER_QUEUES + 1), -EBADMSG);
	assert_string_equal(
		err_text(), "virtio.queues: 2 in the snapshot and 3 here");
}

static void another_queue_size_is_refused(void **state)
{
	(void)state;
	counter.dev.queue_size = 128;
	assert_refused("virtio.queue_size is 128 in the snapshot and 256 here");
}

static void every_truncation_names_a_field(void **state)
{
	struct saved s;

	(void)state;
	counter_start(0, 8);
	s = save();
	counter_replace(COUNTER_QUEUES);
	for (size_t len = 0; len < s.core.len; len++) {
		struct buf part = { .data = s.core.data, .len = len };
		int rc = load_one(&virtio_device_state, &part, &counter.dev);

		assert_int_equal(rc, -EBADMSG);
		assert_non_null(strstr(err_text(), ": the data ends here"));
	}
	buf_fini(&s.core);
	buf_fini(&s.mmio);
}

#define TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, counter_setup, counter_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(traffic_goes_on_where_it_was),
		TEST(chains_that_wait_are_served_without_a_kick),
		TEST(what_was_used_but_not_published_reaches_the_driver),
		TEST(indices_that_wrapped_go_on),
		TEST(event_indices_are_still_in_use),
		TEST(the_model_is_told_of_the_features),
		TEST(a_pending_interrupt_is_raised_once_more),
		TEST(a_driver_in_the_midst_of_setting_up_goes_on),
		TEST(selectors_and_queue_registers_are_kept),
		TEST(a_broken_device_stays_broken_until_it_is_reset),
		TEST(a_reset_leaves_the_state_after_power_on),
		TEST(a_device_offers_what_it_offered),
		TEST(a_status_out_of_order_is_refused),
		TEST(a_status_wider_than_the_register_is_refused),
		TEST(features_that_this_device_lacks_are_refused),
		TEST(features_that_were_not_offered_are_refused),
		TEST(a_legacy_driver_is_refused),
		TEST(features_before_a_driver_are_refused),
		TEST(a_queue_before_features_is_refused),
		TEST(a_queue_larger_than_offered_is_refused),
		TEST(a_queue_size_between_powers_of_two_is_refused),
		TEST(a_ring_outside_of_memory_is_refused),
		TEST(a_misaligned_ring_is_refused),
		TEST(indices_further_apart_than_the_ring_are_refused),
		TEST(more_used_than_available_is_refused),
		TEST(more_published_than_used_is_refused),
		TEST(an_interrupt_before_the_driver_is_ready_is_refused),
		TEST(an_unknown_interrupt_is_refused),
		TEST(another_number_of_queues_is_refused),
		TEST(another_queue_size_is_refused),
		TEST(every_truncation_names_a_field),
	};

	return cmocka_run_group_tests_name("virtio_state", tests, NULL, NULL);
}
