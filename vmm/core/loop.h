/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - the event loop: file operations, readiness, timers, calls
 *
 * Two engines stand behind this header.  io_uring is the one to have: file
 * operations and polls are ring entries, a burst of them is one system call.
 * Hosts that forbid io_uring get epoll with a small pool of threads.
 *
 * One thread runs a loop (loop_run) and is its only user, except for the
 * functions marked "any thread".  Callbacks run on that thread, one at a time,
 * and may call everything here but loop_run and loop_free.  An idle loop makes
 * no system call.
 */
#ifndef MUSTER_CORE_LOOP_H
#define MUSTER_CORE_LOOP_H

#include <sys/uio.h>

#include "vmm/base/metrics.h"
#include "vmm/base/thread.h"
#include "vmm/base/util.h"

struct loop;

enum loop_engine { LOOP_AUTO, LOOP_IO_URING, LOOP_EPOLL };

#define LOOP_WATCHES_MAX 128

/*
 * LOOP_AUTO takes io_uring if a probe ring can be made and has the operations
 * that we use, else epoll.  An explicit engine that the host refuses is an error
 * with a sentence that says why (ENOSYS, kernel.io_uring_disabled, seccomp).
 */
int loop_new(enum loop_engine engine, struct loop **ret);

/* After loop_run has returned, when no operation is in flight.  NULL is fine. */
struct loop *loop_free(struct loop *loop);

/* "io_uring" or "epoll": which engine serves.  Any thread. */
const char *loop_engine_name(const struct loop *loop);

/*
 * Serve until loop_stop().  The calling thread becomes the loop's thread, for
 * good: loop_run may be called again, but not on another one.
 */
void loop_run(struct loop *loop);

/*
 * Let loop_run return when the batch under way has been dispatched and its
 * defers have run.  Calls queued before still run; later ones wait for the next
 * loop_run.  Before loop_run has started, it makes that return at once.  Any
 * thread.
 */
void loop_stop(struct loop *loop);

/* ---- file operations ---- */

enum loop_opcode {
	LOOP_READV,
	LOOP_WRITEV,
	LOOP_FDATASYNC,
	LOOP_FALLOCATE,
	LOOP_OPCODES,
};

/*
 * The caller owns the operation, and the memory that its iovecs name, until
 * done() has been called; done() may free or submit it again.  `res` is the
 * byte count or -errno.  Every submitted operation is done exactly once.
 */
struct loop_op {
	enum loop_opcode code;
	int fd;
	int flags; /* RWF_* of READV and WRITEV, FALLOC_FL_* of FALLOCATE */
	unsigned iov_count;
	const struct iovec *iov;
	uint64_t offset;
	uint64_t len; /* FALLOCATE only */
	void (*done)(struct loop_op *op, int res);

	struct loop_op *next; /* the engine's, while submitted */
	int res;              /* the engine's */
};

/*
 * Queue an operation.  It reaches the kernel, together with all others queued
 * since, at the end of the batch under way.  Never fails: an operation
 * that the kernel refuses is done with its error.
 */
void loop_submit(struct loop *loop, struct loop_op *op) ON_LOOP;

/* ---- readiness ---- */

/*
 * Edge-triggered: ready() runs once for each time that the descriptor became
 * ready (or was ready when added), whether or not it was read in between.  An
 * eventfd used as a doorbell therefore never needs to be read.
 */
struct loop_watch {
	int fd;
	uint32_t events; /* POLLIN, POLLOUT */
	void (*ready)(struct loop_watch *watch, uint32_t events);
	unsigned slot; /* the engine's */
};

/*
 * -ENOSPC past LOOP_WATCHES_MAX, -EPERM for what cannot be polled (plain files,
 * /dev/null), -EEXIST from epoll if another watch has the descriptor.
 */
int loop_watch_add(struct loop *loop, struct loop_watch *watch);

/*
 * ready() is not called any more once this has returned; no-op if not added.
 * Call it before the descriptor is closed.
 */
void loop_watch_del(struct loop *loop, struct loop_watch *watch);

/* ---- timers ---- */

struct loop_timer {
	void (*expired)(struct loop_timer *timer);
	struct loop_watch watch; /* a timerfd */
};

int loop_timer_init(struct loop *loop, struct loop_timer *timer,
	void (*expired)(struct loop_timer *timer));
void loop_timer_fini(struct loop *loop, struct loop_timer *timer);

/* Expire once, `delay_ns` from now; 0 disarms.  Setting again replaces. */
void loop_timer_set(struct loop_timer *timer, uint64_t delay_ns);

/* ---- calls from other threads ---- */

struct loop_call {
	void (*fn)(struct loop_call *call);
	struct loop_call *next; /* the loop's, while queued */
	bool queued;            /* the loop's */
};

/*
 * Run call->fn(call) on the loop's thread, in the order of the calls.  Any
 * thread, the loop's own included.  Queueing a call that is still queued is
 * harmless: it runs once.  The caller keeps `call` alive until fn has started.
 */
void loop_call(struct loop *loop, struct loop_call *call);

/* ---- end of a batch ---- */

/*
 * Run fn once, after the completions at hand have been dispatched and before
 * the loop submits or sleeps: the place to publish used rings and raise
 * one interrupt for many requests.  Asking again before it ran is harmless.
 */
struct loop_defer {
	void (*fn)(struct loop_defer *defer);
	struct loop_defer *next; /* the loop's */
	bool queued;             /* the loop's */
};

void loop_defer(struct loop *loop, struct loop_defer *defer) ON_LOOP;

/* ---- busy polling ---- */

/*
 * Before the loop sleeps it calls poll() again and again for up to 50 us, as long
 * as that has lately paid off.  poll() looks at memory only and returns true when it
 * found work (and did it), so that whoever makes the work need not ring a
 * doorbell.  arm() runs right before sleeping: ask for the doorbell, look once more,
 * and return true if work had come meanwhile (and was done).
 */
struct loop_poller {
	bool (*poll)(struct loop_poller *poller);
	bool (*arm)(struct loop_poller *poller);
	struct loop_poller *next; /* the loop's */
};

void loop_poller_add(struct loop *loop, struct loop_poller *poller);
void loop_poller_del(struct loop *loop, struct loop_poller *poller);

/* system_enters, ops_submitted, completions, polls_hit, … */
extern const struct metric_group loop_metrics;

#endif
