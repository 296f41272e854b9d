/* SPDX-License-Identifier: Apache-2.0 */
/* rng.c - virtio-rng fills what it is given, up to its limit, and nothing else */
#include "tests/unit/unit.h"

#include "devices/virtio/rng.h"
#include "tests/unit/guest.h"

#define LIMIT (4 * KIB)

static struct guest guest;
static struct virtio_rng rng;
static struct ring *const ring = &guest.ring[0];

static int setup(void **state)
{
	(void)state;
	assert_int_equal(guest_init(&guest, LOOP_AUTO), 0);
	return virtio_rng_init(&rng, &guest.mem, guest.loop) ||
	       guest_attach(&guest, &rng.dev);
}

static int teardown(void **state)
{
	(void)state;
	guest_fini(&guest);
	virtio_device_fini(&rng.dev);
	return 0;
}

/* The chain at head 0: how many bytes were given. */
static uint32_t request(void)
{
	struct vring_used_elem e;

	ring_offer(ring, 0);
	guest_kick(&guest);
	assert_true(ring_reap(ring, &e));
	assert_int_equal(e.id, 0);
	return e.len;
}

static unsigned zeroes(uint64_t gpa, uint32_t len)
{
	const uint8_t *p = guest_ptr(&guest, gpa, len);
	unsigned n = 0;

	for (uint32_t i = 0; i < len; i++)
		n += !p[i];
	return n;
}

static void a_buffer_is_filled_and_no_byte_beside_it(void **state)
{
	(void)state;
	guest_start(&guest, VERSION_1, 1, 8);
	ring_set(ring->desc, 0, GUEST_DATA + 8, 4096, WRITE, 0);
	assert_int_equal(request(), 4096);
	/* 16 zeroes are to be expected; 200 are 46 standard deviations off. */
	assert_true(zeroes(GUEST_DATA + 8, 4096) < 200);
	assert_int_equal(zeroes(GUEST_DATA, 8), 8);
	assert_int_equal(zeroes(GUEST_DATA + 8 + 4096, 8), 8);
}

static void buffers_are_filled_in_order(void **state)
{
	(void)state;
	guest_start(&guest, VERSION_1, 1, 8);
	ring_set(ring->desc, 0, GUEST_DATA, 100, WRITE | NEXT, 1);
	ring_set(ring->desc, 1, GUEST_DATA + 0x1000, 100, WRITE, 0);
	assert_int_equal(request(), 200);
	assert_true(zeroes(GUEST_DATA, 100) < 20);
	assert_true(zeroes(GUEST_DATA + 0x1000, 100) < 20);
}

static void a_request_has_a_limit(void **state)
{
	(void)state;
	guest_start(&guest, VERSION_1, 1, 8);
	ring_set(ring->desc, 0, GUEST_DATA, LIMIT - 1, WRITE | NEXT, 1);
	ring_set(ring->desc, 1, GUEST_DATA + LIMIT, 100, WRITE | NEXT, 2);
	ring_set(ring->desc, 2, GUEST_DATA + 2 * LIMIT, 100, WRITE, 0);
	assert_int_equal(request(), LIMIT);
	assert_int_equal(zeroes(GUEST_DATA + LIMIT + 1, 99), 99);
	assert_int_equal(zeroes(GUEST_DATA + 2 * LIMIT, 100), 100);
}

static void readable_buffers_are_left_alone(void **state)
{
	(void)state;
	guest_start(&guest, VERSION_1, 1, 8);
	ring_set(ring->desc, 0, GUEST_DATA, 64, NEXT, 1);
	ring_set(ring->desc, 1, GUEST_DATA + 0x1000, 64, WRITE, 0);
	assert_int_equal(request(), 64);
	assert_int_equal(zeroes(GUEST_DATA, 64), 64);
	ring_set(ring->desc, 0, GUEST_DATA, 64, 0, 0);
	assert_int_equal(request(), 0);
	assert_int_equal(zeroes(GUEST_DATA, 64), 64);
}

static void a_limit_lets_a_request_wait_until_its_time(void **state)
{
	const struct limits limits = { .ops = { 1, 3600000, 0 } };
	struct vring_used_elem e;

	(void)state;
	virtio_rng_limit(&rng, &limits);
	guest_start(&guest, VERSION_1, 1, 8);
	ring_set(ring->desc, 0, GUEST_DATA, 64, WRITE, 0);
	assert_int_equal(request(), 64);
	ring_offer(ring, 0);
	guest_kick(&guest);
	assert_false(ring_reap(ring, &e));
	assert_in_range(fake_timer_ns(&rng.dev.timer), 3500000000000ull,
		3600000000000ull);
	rng.limiter.ops.tokens = 1;
	fake_timer_expire(guest.loop, &rng.dev.timer);
	assert_true(ring_reap(ring, &e));
	assert_int_equal(e.len, 64);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_buffer_is_filled_and_no_byte_beside_it),
		TEST(buffers_are_filled_in_order),
		TEST(a_request_has_a_limit),
		TEST(readable_buffers_are_left_alone),
		TEST(a_limit_lets_a_request_wait_until_its_time),
	};

	return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
