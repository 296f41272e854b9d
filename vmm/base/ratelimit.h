/* SPDX-License-Identifier: Apache-2.0 */
/* ratelimit.h - let a burst through, then one event per interval; count the rest */
#ifndef MUSTER_BASE_RATELIMIT_H
#define MUSTER_BASE_RATELIMIT_H

#include <pthread.h>

#include "vmm/base/util.h"

struct ratelimit {
	pthread_mutex_t lock; /* protects tokens, last_ms and swallowed */
	uint64_t burst;
	uint64_t interval_ms;
	uint64_t tokens;
	uint64_t last_ms;
	uint64_t swallowed;
};

#define RATELIMIT_INIT(burst_, interval_ms_)                          \
	{                                                             \
		.lock = PTHREAD_MUTEX_INITIALIZER, .burst = (burst_), \
		.interval_ms = (interval_ms_), .tokens = (burst_)     \
	}

/*
 * True if the event may pass; then *ret_swallowed is how many were refused since
 * the last one that passed.  Any thread; monotonic clock.
 */
bool ratelimit_pass(struct ratelimit *limit, uint64_t *ret_swallowed);

#endif
