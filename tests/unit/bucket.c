/* SPDX-License-Identifier: Apache-2.0 */
/* bucket.c - token buckets at times that the test chooses */
#include "tests/unit/unit.h"

#include "vmm/base/bucket.h"

#define MS 1000000ull
#define S  (1000 * MS)

static const struct rate ten_a_second = { .size = 10, .refill_ms = 1000 };

static struct bucket make(struct rate rate)
{
	struct bucket bucket;

	bucket_init(&bucket, &rate, 0);
	return bucket;
}

/* Take if it may be taken; what was said. */
static uint64_t use(struct bucket *bucket, uint64_t n, uint64_t now_ns)
{
	uint64_t wait_ns = bucket_wait_ns(bucket, n, now_ns);

	if (!wait_ns)
		bucket_take(bucket, n);
	return wait_ns;
}

static void a_full_bucket_gives_what_it_holds_at_once(void **state)
{
	struct bucket b = make(ten_a_second);

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(use(&b, 1, 0), 0);
	assert_int_equal(use(&b, 1, 0), 100 * MS);
}

static void it_refills_evenly_and_no_further_than_its_size(void **state)
{
	struct bucket b = make(ten_a_second);

	(void)state;
	assert_int_equal(use(&b, 10, 0), 0);
	assert_int_equal(use(&b, 3, 100 * MS), 200 * MS);
	assert_int_equal(use(&b, 3, 300 * MS), 0);
	assert_int_equal(use(&b, 10, 100 * S), 0);
	assert_int_equal(use(&b, 1, 100 * S), 100 * MS);
}

static void a_wait_that_was_kept_is_enough(void **state)
{
	struct bucket b = make((struct rate){ .size = 7, .refill_ms = 3 });
	uint64_t now = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t wait_ns = use(&b, 1 + i % 7, now);

		if (!wait_ns)
			continue;
		now += wait_ns - 1;
		assert_int_equal(use(&b, 1 + i % 7, now), 1);
		now++;
		assert_int_equal(use(&b, 1 + i % 7, now), 0);
	}
}

static void parts_of_a_token_are_not_lost(void **state)
{
	struct bucket b = make((struct rate){ .size = 3, .refill_ms = 1000 });
	unsigned given = 0;

	(void)state;
	for (uint64_t now = 0; now <= 100 * S; now += 7 * MS)
		given += !use(&b, 1, now);
	assert_in_range(given, 3 + 300 - 2, 3 + 300);
}

static void what_is_larger_than_the_bucket_waits_until_it_is_full(void **state)
{
	struct bucket b = make(ten_a_second);

	(void)state;
	assert_int_equal(use(&b, 5, 0), 0);
	assert_int_equal(use(&b, 35, 0), 500 * MS);
	assert_int_equal(use(&b, 35, 500 * MS), 0);
	/* 25 are owed, and one is wanted. */
	assert_int_equal(use(&b, 1, 500 * MS), 2600 * MS);
	assert_int_equal(use(&b, 1, 3100 * MS), 0);
}

static void a_burst_is_given_once_and_first(void **state)
{
	struct bucket b = make((struct rate){ 10, 1000, 25 });

	(void)state;
	assert_int_equal(use(&b, 20, 0), 0);
	assert_int_equal(b.tokens, 10);
	assert_int_equal(use(&b, 15, 0), 0);
	assert_int_equal(b.burst, 0);
	assert_int_equal(use(&b, 1, 0), 100 * MS);
	assert_int_equal(use(&b, 11, 1000 * S), 0);
	assert_int_equal(use(&b, 1, 1000 * S), 200 * MS);
}

static void without_a_size_or_a_time_there_is_no_limit(void **state)
{
	const struct rate none[] = { { 0, 1000, 5 }, { 10, 0, 5 }, { 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		struct bucket b = make(none[i]);

		assert_int_equal(use(&b, UINT32_MAX, 0), 0);
		assert_int_equal(b.debt, 0);
	}
}

static void the_largest_numbers_do_not_wrap(void **state)
{
	const struct rate most = { RATE_SIZE_MAX, RATE_REFILL_MS_MAX,
		RATE_SIZE_MAX };
	const struct rate slow = { 1, RATE_REFILL_MS_MAX, 0 };
	struct bucket b = make(most);

	(void)state;
	assert_int_equal(use(&b, UINT64_MAX, 0), 0);
	assert_int_equal(use(&b, UINT64_MAX, 0), 3600 * S);
	assert_int_equal(use(&b, 1, UINT64_MAX), 0);
	b = make(slow);
	assert_int_equal(use(&b, 1, 0), 0);
	assert_int_equal(use(&b, 1, 0), 3600 * S);
	assert_int_equal(use(&b, 1, RATE_REFILL_MS_MAX * MS - 1), 1);
	assert_int_equal(use(&b, 1, RATE_REFILL_MS_MAX * MS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_bucket_gives_what_it_holds_at_once),
		cmocka_unit_test(
			it_refills_evenly_and_no_further_than_its_size),
		cmocka_unit_test(a_wait_that_was_kept_is_enough),
		cmocka_unit_test(parts_of_a_token_are_not_lost),
		cmocka_unit_test(
			what_is_larger_than_the_bucket_waits_until_it_is_full),
		cmocka_unit_test(a_burst_is_given_once_and_first),
		cmocka_unit_test(without_a_size_or_a_time_there_is_no_limit),
		cmocka_unit_test(the_largest_numbers_do_not_wrap),
	};

	return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
