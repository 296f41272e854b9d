/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bucket.h - a token bucket: so much in a time, and a burst once
 *
 * Time is given by the caller, in nanoseconds that only grow.
 */
#ifndef MUSTER_BASE_BUCKET_H
#define MUSTER_BASE_BUCKET_H

#include "vmm/base/util.h"

/* The most of each that a rate may have. */
#define RATE_SIZE_MAX      (1ull << 60)
#define RATE_REFILL_MS_MAX (8760ull * 3600 * 1000) /* a year */

/* `size` in each `refill_ms`, and `burst` beside it once.  All 0: without limit. */
struct rate {
	uint64_t size;
	uint64_t refill_ms;
	uint64_t burst;
};

struct bucket {
	struct rate rate;
	uint64_t burst;  /* what is left of it */
	uint64_t tokens; /* up to rate.size */
	uint64_t debt;   /* to be refilled before there are tokens again */
	uint64_t part;   /* of a token that comes: tokens times nanoseconds */
	uint64_t since_ns;
};

/* Neither size nor time is 0. */
bool rate_limits(const struct rate *rate);

/* Full, with its burst. */
void bucket_init(
	struct bucket *bucket, const struct rate *rate, uint64_t now_ns);

/*
 * How long until `n` tokens can be taken; 0: now.  More than the bucket ever holds can
 * be taken when it is full.
 */
uint64_t bucket_wait_ns(struct bucket *bucket, uint64_t n, uint64_t now_ns);

/* Take what there is, burst first; what is missing is owed. */
void bucket_take(struct bucket *bucket, uint64_t n);

#endif
