/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_engine.h - what loop.c and its two engines know of each other
 *
 * Private to vmm/core/loop*.c.  An engine embeds struct loop as its first
 * member; loop.c owns everything in it, the engine reads the slots and takes
 * operations from `ops`.
 */
#ifndef MUSTER_CORE_LOOP_ENGINE_H
#define MUSTER_CORE_LOOP_ENGINE_H

#include <stdatomic.h>

#include "vmm/base/queue.h"
#include "vmm/core/loop.h"

/* A deleted watch may keep its slot until the end of the batch. */
#define LOOP_SLOTS (2 * LOOP_WATCHES_MAX)

enum slot_state { SLOT_FREE, SLOT_WANTED, SLOT_ARMED, SLOT_UNWANTED };

/*
 * The kernel names a watch by slot and generation, never by pointer: what it
 * still reports after loop_watch_del() bears an old generation.
 */
struct watch_slot {
	struct loop_watch *watch; /* NULL: not in use by a caller */
	uint32_t generation;      /* grows with each loop_watch_del() */
	enum slot_state state;    /* the engine's; reused only when SLOT_FREE */
};

typedef QUEUE(struct loop_op) op_queue;

/* start, enter, reap and pending run on the loop's thread. */
struct loop_engine_ops {
	const char *name;
	size_t size; /* of the structure that embeds struct loop */

	/* 0 or -errno with a sentence, then leaving nothing behind. */
	int (*init)(struct loop *loop);
	void (*fini)(struct loop *loop);

	/* The calling thread is the loop's from now on. */
	void (*start)(struct loop *loop);

	/* Also before start, from another thread.  0, -EPERM, -EBADF, … */
	int (*watch)(struct loop *loop, struct watch_slot *slot);
	/* slot->watch is cleared and the generation is the next one already. */
	void (*unwatch)(struct loop *loop, struct watch_slot *slot, int fd);

	/*
	 * Hand over what was queued; if `block`, sleep in the same system call
	 * until there is something to reap.
	 */
	void (*enter)(struct loop *loop, bool block);

	/* Dispatch what is at hand: done() and ready(). */
	void (*reap)(struct loop *loop);

	/* While busy polling: would reap, or enter and reap, find something? */
	bool (*pending)(struct loop *loop);
};

struct loop {
	const struct loop_engine_ops *engine;
	op_queue ops; /* submitted, not yet handed to the kernel */
	QUEUE(struct loop_defer) defers;

	struct loop_poller *pollers;
	struct loop_poller
		*next_poller; /* to call, while a round is under way */
	uint64_t poll_window_ns;

	pthread_mutex_t
		lock; /* protects calls, and the writing of the doorbell */
	QUEUE(struct loop_call) calls;
	struct loop_watch doorbell;
	atomic_bool stop;

	unsigned
		watches; /* of callers; the engine's and loop.c's do not count */
	struct watch_slot slots[LOOP_SLOTS];
};

extern const struct loop_engine_ops loop_uring_ops, loop_epoll_ops;

enum loop_metric {
	METRIC_ENTERS,
	METRIC_OPS,
	METRIC_COMPLETIONS,
	METRIC_EVENTS,
	METRIC_CALLS,
	METRIC_POLLS_HIT,
	METRIC_POLLS_MISSED,
	LOOP_METRICS,
};

void loop_count(enum loop_metric metric, uint64_t n);

/* The name of a slot's watch for the kernel; always odd, unlike a pointer. */
uint64_t loop_token(const struct loop *loop, const struct watch_slot *slot,
	uint32_t generation);

/* The slot that a token names, NULL if its watch was deleted since. */
struct watch_slot *loop_slot(struct loop *loop, uint64_t token);

/* Call ready() for what loop_slot() found. */
void loop_ready(const struct watch_slot *slot, uint32_t events) ON_LOOP;

/* Call done(). */
void loop_done(struct loop_op *op, int res) ON_LOOP;

#endif
