/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_loop.h - the loop of vmm/core/loop.h without a kernel or a thread in it
 *
 * A program that links fake_loop.o before libmuster.a has this loop in place of the
 * real one.  Nothing runs by itself: a test rings a watch and takes the steps of
 * a turn one by one.  File operations are real preadv2() and the like, but can
 * be held back, made to fail, or cut short.
 *
 * The test is every thread at once.  Inside a callback it is the loop's, and
 * loop_call() queues.  Outside it is another one that may be going to wait: then
 * loop_call() runs the call at once, and the operations that are held with it.
 */
#ifndef MUSTER_TESTS_UNIT_FAKE_LOOP_H
#define MUSTER_TESTS_UNIT_FAKE_LOOP_H

#include "vmm/core/loop.h"

struct loop *fake_loop_new(void);

/* The descriptor of `watch` became ready: it is dispatched in the next turn. */
void fake_loop_ring(struct loop *loop, struct loop_watch *watch);

/* The two halves of a turn: calls, watches and operations; then defers. */
void fake_loop_dispatch(struct loop *loop);
void fake_loop_finish_batch(struct loop *loop);

/* Turns, until it would sleep: nothing is left but what is held back, pollers armed. */
void fake_loop_settle(struct loop *loop);

/* Call each poller's poll() once. */
bool fake_loop_poll(struct loop *loop);

/* Operations stay submitted while `hold`. */
void fake_loop_hold(struct loop *loop, bool hold);
unsigned fake_loop_held(const struct loop *loop);

/* The next `count` operations are not carried out; they are done with `res`. */
void fake_loop_forge(struct loop *loop, unsigned count, int res);

/* One transfer moves at most this many bytes; 0 for no limit. */
void fake_loop_shorten(struct loop *loop, size_t max_bytes);

/* Called before an operation is carried out; NULL for nobody. */
void fake_loop_observe(
	struct loop *loop, void (*observer)(const struct loop_op *op));

/* In how long a timer expires, 0 if it is not set; and let it, at once. */
uint64_t fake_timer_ns(const struct loop_timer *timer);
void fake_timer_expire(struct loop *loop, struct loop_timer *timer);

/* How many operations have been carried out, and a copy of the latest. */
unsigned fake_loop_ops(const struct loop *loop);
const struct loop_op *fake_loop_last_op(const struct loop *loop);

#endif
