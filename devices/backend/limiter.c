/* SPDX-License-Identifier: Apache-2.0 */
/* limiter.c - how fast a device may be used: operations, and the bytes they move */
#include "devices/backend/limiter.h"

#include <errno.h>

#include "vmm/base/err.h"
#include "vmm/base/thread.h"

/* No chain has more, and only a request that was let go can be owed. */
#define DEBT_MAX UINT32_MAX

void limiter_change(struct limiter *limiter, const struct rate *bandwidth,
	const struct rate *ops)
{
	if (bandwidth)
		bucket_init(&limiter->bandwidth, bandwidth, now_ns());
	if (ops)
		bucket_init(&limiter->ops, ops, now_ns());
	limiter->on = rate_limits(&limiter->bandwidth.rate) ||
		      rate_limits(&limiter->ops.rate);
}

uint64_t limiter_charge(struct limiter *limiter, uint64_t bytes)
{
	uint64_t now, bandwidth_ns, ops_ns;

	if (!limiter->on)
		return 0;
	now = now_ns();
	bandwidth_ns = bucket_wait_ns(&limiter->bandwidth, bytes, now);
	ops_ns = bucket_wait_ns(&limiter->ops, 1, now);
	if (bandwidth_ns || ops_ns)
		return MAX(bandwidth_ns, ops_ns);
	bucket_take(&limiter->bandwidth, bytes);
	bucket_take(&limiter->ops, 1);
	return 0;
}

/* ---- state ---- */

static const struct state_field bucket_fields[] = {
	STATE_U64(struct bucket, burst),
	STATE_U64(struct bucket, tokens),
	STATE_U64(struct bucket, debt, .max = DEBT_MAX),
};

static const struct state_desc bucket_state = STATE_DESC(
	"bucket", 1, struct bucket, bucket_fields);

static const struct state_field limiter_fields[] = {
	STATE_OBJECT(struct limiter, bandwidth, &bucket_state),
	STATE_OBJECT(struct limiter, ops, &bucket_state),
};

const struct state_desc limiter_state = STATE_DESC(
	"limiter", 1, struct limiter, limiter_fields);

static int check(const struct bucket *bucket, const char *name)
{
	const struct rate *rate = &bucket->rate;

	if (bucket->tokens > rate->size || bucket->burst > rate->burst ||
		(bucket->debt && !rate_limits(rate)))
		return err_set(-EBADMSG,
			"limiter.%s has %llu tokens, a burst of %llu and owes "
			"%llu, where its size is %llu and its burst %llu",
			name, (unsigned long long)bucket->tokens,
			(unsigned long long)bucket->burst,
			(unsigned long long)bucket->debt,
			(unsigned long long)rate->size,
			(unsigned long long)rate->burst);
	return 0;
}

int limiter_loaded(const struct limiter *limiter)
{
	int rc = check(&limiter->bandwidth, "bandwidth");

	return rc ? rc : check(&limiter->ops, "ops");
}
