/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blk_limit.c - a disk with rate limits: what waits, what goes on when its time has
 * come, and that nothing is done meanwhile
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/blkguest.h"
#include "vmm/base/err.h"

#define HOUR_MS 3600000ull

static struct guest *const guest = &blkguest.guest;
static struct virtio_blk *const blk = &blkguest.blk;

static const struct rate none = { 0 };

static void limit_ops(uint64_t size)
{
	const struct rate ops = { size, HOUR_MS, 0 };

	virtio_blk_limit(blk, &none, &ops);
}

static void limit_bytes(uint64_t size)
{
	const struct rate bandwidth = { size, HOUR_MS, 0 };

	virtio_blk_limit(blk, &bandwidth, &none);
}

static void offer_reads(unsigned count, uint32_t len)
{
	for (unsigned i = 0; i < count; i++)
		blkguest_offer(i, VIRTIO_BLK_T_IN, i, len, false);
	guest_kick(guest);
}

static unsigned reap(void)
{
	struct vring_used_elem e;
	unsigned count = 0;

	while (ring_reap(&guest->ring[0], &e))
		count++;
	return count;
}

static bool waits(void)
{
	return fake_timer_ns(&blk->dev.timer) > 0;
}

/* As if the time had passed in which `tokens` come. */
static void pass_time(struct bucket *bucket, uint64_t tokens)
{
	bucket->tokens = tokens;
	fake_timer_expire(guest->loop, &blk->dev.timer);
}

static void without_a_limit_nothing_waits(void **state)
{
	(void)state;
	virtio_blk_limit(blk, &none, &none);
	offer_reads(5, 512);
	assert_int_equal(reap(), 5);
	assert_false(waits());
}

static void requests_over_the_limit_wait_for_their_time(void **state)
{
	(void)state;
	limit_ops(2);
	offer_reads(5, 512);
	assert_int_equal(reap(), 2);
	assert_true(waits());
	pass_time(&blk->limiter.ops, 1);
	assert_int_equal(reap(), 1);
	assert_true(waits());
	pass_time(&blk->limiter.ops, 2);
	assert_int_equal(reap(), 2);
	assert_false(waits());
}

static void bytes_count_for_the_bandwidth(void **state)
{
	(void)state;
	limit_bytes(1024);
	offer_reads(3, 512);
	assert_int_equal(reap(), 2);
	assert_int_equal(blk->limiter.bandwidth.tokens, 0);
	pass_time(&blk->limiter.bandwidth, 512);
	assert_int_equal(reap(), 1);
	blkguest_expect(0x2000, 512, 3);
}

static void a_request_larger_than_the_bucket_goes_when_it_is_full(void **state)
{
	(void)state;
	limit_bytes(512);
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_IN, 0, 2048), VIRTIO_BLK_S_OK);
	assert_int_equal(blk->limiter.bandwidth.debt, 1536);
	offer_reads(1, 512);
	assert_int_equal(reap(), 0);
}

static void what_moves_no_data_costs_an_operation_only(void **state)
{
	(void)state;
	limit_bytes(1);
	blk->limiter.bandwidth.tokens = 0;
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_GET_ID, 0, 20), VIRTIO_BLK_S_OK);
	limit_ops(1);
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_GET_ID, 0, 20), VIRTIO_BLK_S_OK);
	offer_reads(1, 512);
	assert_int_equal(reap(), 0);
}

static void a_loop_that_waits_has_nothing_to_do(void **state)
{
	unsigned ops;

	(void)state;
	limit_ops(1);
	offer_reads(2, 512);
	assert_int_equal(reap(), 1);
	ops = fake_loop_ops(guest->loop);
	for (unsigned i = 0; i < 3; i++)
		assert_false(fake_loop_poll(guest->loop));
	guest_kick(guest);
	assert_int_equal(fake_loop_ops(guest->loop), ops);
	assert_int_equal(reap(), 0);
}

static void a_reset_forgets_what_waits(void **state)
{
	(void)state;
	limit_ops(1);
	offer_reads(2, 512);
	assert_int_equal(reap(), 1);
	blk->limiter.ops.tokens = 1;
	guest_start(guest, BLKGUEST_FEATURES, 1, 16);
	offer_reads(1, 512);
	assert_int_equal(reap(), 1);
}

static void idle(void *owner)
{
	(*(unsigned *)owner)++;
}

static void what_waits_does_not_keep_a_pause_from_its_end(void **state)
{
	unsigned idles = 0;

	(void)state;
	claim_loop_thread();
	limit_ops(1);
	offer_reads(3, 512);
	assert_int_equal(reap(), 1);
	virtio_pause(&blk->dev, idle, &idles);
	assert_int_equal(idles, 1);
	pass_time(&blk->limiter.ops, 1);
	assert_int_equal(reap(), 0);
	virtio_resume(&blk->dev);
	fake_loop_settle(guest->loop);
	assert_int_equal(reap(), 1);
	assert_true(waits());
}

static void a_limit_that_is_lifted_lets_all_go(void **state)
{
	unsigned idles = 0;

	(void)state;
	claim_loop_thread();
	limit_ops(1);
	offer_reads(4, 512);
	assert_int_equal(reap(), 1);
	virtio_pause(&blk->dev, idle, &idles);
	virtio_blk_limit(blk, NULL, &none);
	virtio_resume(&blk->dev);
	fake_loop_settle(guest->loop);
	assert_int_equal(reap(), 3);
}

/* ---- state ---- */

static int load_again(uint64_t tokens, uint64_t burst)
{
	struct buf b = BUF_INIT;
	int rc;

	blk->limiter.ops.tokens = tokens;
	blk->limiter.ops.burst = burst;
	state_save(&virtio_blk_state, blk, &b);
	limit_ops(5);
	err_clear();
	rc = state_load(&virtio_blk_state, virtio_blk_state.version, b.data,
		b.len, blk);
	buf_fini(&b);
	return rc ? rc : blk->dev.model->ops.loaded(blk);
}

static void how_full_it_is_is_kept(void **state)
{
	(void)state;
	limit_ops(5);
	assert_int_equal(load_again(3, 0), 0);
	assert_int_equal(blk->limiter.ops.tokens, 3);
}

static void more_than_its_size_is_refused(void **state)
{
	(void)state;
	limit_ops(5);
	assert_int_equal(load_again(6, 0), -EBADMSG);
	assert_non_null(strstr(err_text(), "limiter.ops has 6 tokens"));
	assert_int_equal(load_again(5, 1), -EBADMSG);
}

#define TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, blkguest_setup, blkguest_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_limit_nothing_waits),
		TEST(requests_over_the_limit_wait_for_their_time),
		TEST(bytes_count_for_the_bandwidth),
		TEST(a_request_larger_than_the_bucket_goes_when_it_is_full),
		TEST(what_moves_no_data_costs_an_operation_only),
		TEST(a_loop_that_waits_has_nothing_to_do),
		TEST(a_reset_forgets_what_waits),
		TEST(what_waits_does_not_keep_a_pause_from_its_end),
		TEST(a_limit_that_is_lifted_lets_all_go),
		TEST(how_full_it_is_is_kept),
		TEST(more_than_its_size_is_refused),
	};

	return cmocka_run_group_tests_name("blk_limit", tests, NULL, NULL);
}
