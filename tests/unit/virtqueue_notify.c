/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtqueue_notify.c - rings and used elements: which rings are accepted, when
 * elements become visible, and who is told (2.7.7, 2.7.10)
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/ring.h"
#include "vmm/base/err.h"

#include <linux/virtio_config.h>

#define SIZE      8
#define RING_GPA  0x10000
#define DATA      0x30000
#define RAM_BYTES (1 * MIB)
#define EVENT_IDX BIT64(VIRTIO_RING_F_EVENT_IDX)

static struct mem mem;
static struct ring ring;
static struct virtq q;

static int setup_mem(void **state)
{
	(void)state;
	return mem_init(&mem, RAM_BYTES);
}

static int teardown_mem(void **state)
{
	(void)state;
	mem_fini(&mem);
	return 0;
}

static int start(uint64_t features)
{
	ring_init(&ring, &mem, SIZE, RING_GPA);
	return virtq_init(&q, &mem, &ring.config, features);
}

static int setup_flags(void **state)
{
	(void)state;
	return start(0);
}

static int setup_event_idx(void **state)
{
	(void)state;
	return start(EVENT_IDX);
}

/* Let both indices run until the next used index is `index`. */
static void advance_to(uint16_t index)
{
	struct virtq_chain chain;

	ring_set(ring.desc, 0, DATA, 1, 0, 0);
	while (q.next_used != index) {
		ring_offer(&ring, 0);
		assert_int_equal(virtq_pop(&q, &chain), 1);
		virtq_push(&q, chain.head, 1);
		virtq_publish(&q);
	}
}

/* ---- rings ---- */

static void sizes_are_powers_of_two_up_to_256(void **state)
{
	for (unsigned size = 0; size <= 1024; size++) {
		bool good = is_power_of_two(size) && size <= VIRTQ_SIZE_MAX;

		setup_flags(state);
		ring.config.size = (uint16_t)size;
		err_clear();
		assert_int_equal(virtq_init(&q, &mem, &ring.config, 0),
			good ? 0 : -EINVAL);
		if (!good)
			assert_non_null(strstr(err_text(), "queue size"));
	}
	ring.config.size = 0x8000;
	assert_int_equal(virtq_init(&q, &mem, &ring.config, 0), -EINVAL);
}

static void ring_refused(const char *name)
{
	err_clear();
	assert_int_equal(virtq_init(&q, &mem, &ring.config, 0), -EINVAL);
	assert_non_null(strstr(err_text(), name));
	assert_int_equal(q.size, 0);
}

static void misaligned_rings_are_refused(void **state)
{
	for (unsigned by = 1; by < 16; by++) {
		setup_flags(state);
		ring.config.desc.v += by;
		ring_refused("descriptor table at 0x1000");
		setup_flags(state);
		ring.config.avail.v += by;
		if (by % 2)
			ring_refused("available ring at 0x1100");
		setup_flags(state);
		ring.config.used.v += by;
		if (by % 4)
			ring_refused("used ring at 0x1140");
	}
}

static void alignment_of_2_and_4_is_enough(void **state)
{
	(void)state;
	ring.config.avail.v += 2;
	ring.config.used.v += 4;
	assert_int_equal(virtq_init(&q, &mem, &ring.config, 0), 0);
}

/* Each ring in the last bytes of RAM that hold it, then 16 bytes further. */
static void rings_end_where_ram_ends(void **state)
{
	const struct {
		gpa_t *gpa;
		uint64_t bytes;
		unsigned align;
	} part[] = {
		{ &ring.config.desc, 16 * SIZE, 16 },
		{ &ring.config.avail, 6 + 2 * SIZE, 2 },
		{ &ring.config.used, 6 + 8 * SIZE, 4 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(part); i++) {
		uint64_t last = align_down(
			RAM_BYTES - part[i].bytes, part[i].align);

		setup_flags(state);
		part[i].gpa->v = last;
		assert_int_equal(virtq_init(&q, &mem, &ring.config, 0), 0);
		part[i].gpa->v = last + part[i].align;
		ring_refused("not in RAM");
		part[i].gpa->v = -16ull;
		ring_refused("not in RAM");
		part[i].gpa->v = MEM_GAP_START;
		ring_refused("not in RAM");
	}
}

/* ---- used elements ---- */

static void pushed_elements_are_seen_when_published(void **state)
{
	(void)state;
	virtq_push(&q, 3, 100);
	virtq_push(&q, 5, 0xffffffff);
	assert_int_equal(ring.used->idx, 0);
	assert_true(virtq_publish(&q));
	assert_int_equal(ring.used->idx, 2);
	assert_int_equal(ring.used->ring[0].id, 3);
	assert_int_equal(ring.used->ring[0].len, 100);
	assert_int_equal(ring.used->ring[1].id, 5);
	assert_int_equal(ring.used->ring[1].len, 0xffffffff);
}

static void publishing_nothing_interrupts_nobody(void **state)
{
	(void)state;
	assert_false(virtq_publish(&q));
	virtq_push(&q, 0, 0);
	assert_true(virtq_publish(&q));
	assert_false(virtq_publish(&q));
}

static void used_elements_wrap_around_the_ring(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIZE + 2; i++)
		virtq_push(&q, (uint16_t)i, i);
	virtq_publish(&q);
	assert_int_equal(ring.used->idx, SIZE + 2);
	assert_int_equal(ring.used->ring[1].id, SIZE + 1);
	assert_int_equal(ring.used->ring[2].id, 2);
	/* What lies behind the ring was not written. */
	assert_int_equal(*ring_avail_event(&ring), 0);
}

/* ---- interrupts ---- */

static void the_flag_suppresses_interrupts(void **state)
{
	(void)state;
	ring.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	virtq_push(&q, 0, 0);
	assert_false(virtq_publish(&q));
	assert_int_equal(ring.used->idx, 1);
	ring.avail->flags = 0;
	virtq_push(&q, 0, 0);
	assert_true(virtq_publish(&q));
}

static void with_event_idx_the_flag_means_nothing(void **state)
{
	(void)state;
	ring.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	virtq_push(&q, 0, 0);
	assert_true(virtq_publish(&q));
}

/* Interrupt if the step from `before` to `now` passes `event`. */
static bool interrupts(uint16_t before, uint16_t now, uint16_t event)
{
	start(EVENT_IDX);
	advance_to(before);
	*ring_used_event(&ring) = event;
	for (uint16_t i = before; i != now; i++)
		virtq_push(&q, 0, 0);
	return virtq_publish(&q);
}

static void an_interrupt_comes_when_the_event_is_passed(void **state)
{
	(void)state;
	assert_true(interrupts(0, 1, 0));
	assert_false(interrupts(0, 1, 1));
	assert_true(interrupts(3, 6, 3));
	assert_true(interrupts(3, 6, 5));
	assert_false(interrupts(3, 6, 6));
	assert_false(interrupts(3, 6, 2));
	assert_false(interrupts(3, 6, 0xffff));
}

static void the_event_is_passed_across_the_wrap_too(void **state)
{
	(void)state;
	assert_true(interrupts(0xffff, 0, 0xffff));
	assert_false(interrupts(0xffff, 0, 0));
	assert_true(interrupts(0xfffe, 3, 0xffff));
	assert_true(interrupts(0xfffe, 3, 2));
	assert_false(interrupts(0xfffe, 3, 3));
	assert_false(interrupts(0xfffe, 3, 0xfffd));
}

/* ---- kicks ---- */

static void without_event_idx_kicks_are_a_flag(void **state)
{
	(void)state;
	virtq_disable_kick(&q);
	assert_int_equal(ring.used->flags, VRING_USED_F_NO_NOTIFY);
	assert_false(virtq_enable_kick(&q));
	assert_int_equal(ring.used->flags, 0);
}

static void with_event_idx_kicks_are_asked_for_by_index(void **state)
{
	(void)state;
	advance_to(5);
	virtq_disable_kick(&q);
	assert_int_equal(ring.used->flags, 0);
	assert_int_equal(*ring_avail_event(&ring), 0);
	assert_false(virtq_enable_kick(&q));
	assert_int_equal(*ring_avail_event(&ring), 5);
}

static void enabling_kicks_tells_of_a_chain_that_came_meanwhile(void **state)
{
	(void)state;
	virtq_disable_kick(&q);
	ring_offer(&ring, 0);
	assert_true(virtq_enable_kick(&q));
}

#define FLAGS(f) cmocka_unit_test_setup(f, setup_flags)
#define EVENT(f) cmocka_unit_test_setup(f, setup_event_idx)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLAGS(sizes_are_powers_of_two_up_to_256),
		FLAGS(misaligned_rings_are_refused),
		FLAGS(alignment_of_2_and_4_is_enough),
		FLAGS(rings_end_where_ram_ends),
		FLAGS(pushed_elements_are_seen_when_published),
		FLAGS(publishing_nothing_interrupts_nobody),
		EVENT(used_elements_wrap_around_the_ring),
		FLAGS(the_flag_suppresses_interrupts),
		EVENT(with_event_idx_the_flag_means_nothing),
		EVENT(an_interrupt_comes_when_the_event_is_passed),
		EVENT(the_event_is_passed_across_the_wrap_too),
		FLAGS(without_event_idx_kicks_are_a_flag),
		EVENT(with_event_idx_kicks_are_asked_for_by_index),
		FLAGS(enabling_kicks_tells_of_a_chain_that_came_meanwhile),
		EVENT(enabling_kicks_tells_of_a_chain_that_came_meanwhile),
	};

	return cmocka_run_group_tests_name(
		"virtqueue_notify", tests, setup_mem, teardown_mem);
}
