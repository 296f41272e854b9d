/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limiter.h - how fast a device may be used: operations, and the bytes they move
 *
 * A limiter belongs to the loop of its device.
 */
#ifndef MUSTER_DEVICES_BACKEND_LIMITER_H
#define MUSTER_DEVICES_BACKEND_LIMITER_H

#include "vmm/base/bucket.h"
#include "vmm/core/state.h"

/* A rate of all 0 limits nothing. */
struct limits {
	struct rate bandwidth; /* bytes */
	struct rate ops;
};

struct limiter {
	bool on; /* at least one of them limits */
	struct bucket bandwidth;
	struct bucket ops;
};

/* With full buckets.  NULL in its place leaves one as it is. */
void limiter_change(struct limiter *limiter, const struct rate *bandwidth,
	const struct rate *ops);

/*
 * One operation of `bytes`: 0 if it may go, and then it counts; else how long to wait
 * before asking again.
 */
uint64_t limiter_charge(struct limiter *limiter, uint64_t bytes);

/* Of a struct limiter that has its rates: how full the buckets are. */
extern const struct state_desc limiter_state;

/* After it was loaded.  0, or -EBADMSG with a sentence: no use leads there. */
int limiter_loaded(const struct limiter *limiter);

#endif
