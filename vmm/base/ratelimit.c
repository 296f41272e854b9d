/* SPDX-License-Identifier: Apache-2.0 */
/* ratelimit.c - a token bucket that refills one token per interval */
#include "vmm/base/ratelimit.h"

#include "vmm/base/thread.h"

static void refill(struct ratelimit *limit, uint64_t now_ms)
{
	uint64_t due = (now_ms - limit->last_ms) / limit->interval_ms;

	if (!due)
		return;
	limit->tokens = MIN(limit->tokens + due, limit->burst);
	limit->last_ms = now_ms;
}

bool ratelimit_pass(struct ratelimit *limit, uint64_t *ret_swallowed)
{
	bool pass;

	pthread_mutex_lock(&limit->lock);
	refill(limit, now_ns() / 1000000);
	pass = limit->tokens > 0;
	if (pass) {
		limit->tokens--;
		*ret_swallowed = limit->swallowed;
		limit->swallowed = 0;
	} else {
		limit->swallowed++;
	}
	pthread_mutex_unlock(&limit->lock);
	return pass;
}
