/* SPDX-License-Identifier: Apache-2.0 */
/* bucket.c - a token bucket: so much in a time, and a burst once */
#include "vmm/base/bucket.h"

#define NS_IN_MS    1000000ull
/* Long waits are cut: whoever waits asks again. */
#define WAIT_NS_MAX (3600 * 1000 * NS_IN_MS)

/* Sizes times nanoseconds. */
__extension__ typedef unsigned __int128 wide;

bool rate_limits(const struct rate *rate)
{
	return rate->size && rate->refill_ms;
}

static uint64_t period_ns(const struct bucket *bucket)
{
	return bucket->rate.refill_ms * NS_IN_MS;
}

void bucket_init(
	struct bucket *bucket, const struct rate *rate, uint64_t now_ns)
{
	*bucket = (struct bucket){ .since_ns = now_ns };
	if (!rate_limits(rate))
		return;
	bucket->rate = *rate;
	bucket->burst = rate->burst;
	bucket->tokens = rate->size;
}

static void refill(struct bucket *bucket, uint64_t now_ns)
{
	uint64_t size = bucket->rate.size, period = period_ns(bucket);
	wide credit = (wide)(now_ns - bucket->since_ns) * size + bucket->part;
	wide earned = credit / period;
	uint64_t paid;

	bucket->since_ns = now_ns;
	if (earned >= (wide)bucket->debt + size - bucket->tokens) {
		bucket->debt = 0;
		bucket->tokens = size;
		bucket->part = 0;
		return;
	}
	bucket->part = (uint64_t)(credit % period);
	paid = (uint64_t)MIN(earned, bucket->debt);
	bucket->debt -= paid;
	bucket->tokens += (uint64_t)earned - paid;
}

uint64_t bucket_wait_ns(struct bucket *bucket, uint64_t n, uint64_t now_ns)
{
	uint64_t need = MIN(n - MIN(n, bucket->burst), bucket->rate.size);
	wide missing, credit;

	if (!rate_limits(&bucket->rate))
		return 0;
	refill(bucket, now_ns);
	missing = (wide)bucket->debt + need;
	if (missing <= bucket->tokens)
		return 0;
	credit = (missing - bucket->tokens) * period_ns(bucket) - bucket->part;
	credit = (credit + bucket->rate.size - 1) / bucket->rate.size;
	return (uint64_t)MIN(credit, WAIT_NS_MAX);
}

static void take(uint64_t *from, uint64_t *n)
{
	uint64_t taken = MIN(*from, *n);

	*from -= taken;
	*n -= taken;
}

void bucket_take(struct bucket *bucket, uint64_t n)
{
	if (!rate_limits(&bucket->rate))
		return;
	take(&bucket->burst, &n);
	take(&bucket->tokens, &n);
	bucket->debt += n;
}
