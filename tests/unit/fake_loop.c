/* SPDX-License-Identifier: Apache-2.0 */
/* fake_loop.c - every function of loop.h, on the calling thread */
#include "tests/unit/fake_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vmm/base/queue.h"

#define IOV_MAX_HERE 1024
/* A driver whose rings overlap can keep a device busy for ever. */
#define TURNS_MAX    1000
#define TIMERS_MAX   64

typedef QUEUE(struct loop_op) op_queue;
typedef QUEUE(struct loop_call) call_queue;

struct loop {
	op_queue ops;
	call_queue calls;
	QUEUE(struct loop_defer) defers;
	struct loop_poller *pollers;
	struct loop_watch *watches[LOOP_WATCHES_MAX];
	bool rang[LOOP_WATCHES_MAX];
	bool inside; /* a callback is running */

	bool hold;
	unsigned forged;
	int forged_res;
	size_t max_bytes;
	void (*observer)(const struct loop_op *op);
	unsigned ops_run;
	struct loop_op last;
};

const struct metric_group loop_metrics = {
	.name = "loop", .metrics = NULL, .count = 0
};

/* ---- making, and what has no meaning here ---- */

struct loop *fake_loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		abort();
	queue_init(&loop->ops);
	queue_init(&loop->calls);
	queue_init(&loop->defers);
	return loop;
}

int loop_new(enum loop_engine engine, struct loop **ret)
{
	(void)engine;
	*ret = fake_loop_new();
	return 0;
}

struct loop *loop_free(struct loop *loop)
{
	free(loop);
	return NULL;
}

const char *loop_engine_name(const struct loop *loop)
{
	(void)loop;
	return "fake";
}

void loop_run(struct loop *loop)
{
	fake_loop_settle(loop);
}

void loop_stop(struct loop *loop)
{
	(void)loop;
}

/* ---- timers, of all loops ---- */

static struct {
	const struct loop_timer *timer;
	uint64_t delay_ns;
} timers[TIMERS_MAX];

/* The place of a timer; of NULL: a free one. */
static unsigned find_timer(const struct loop_timer *timer)
{
	for (unsigned i = 0; i < TIMERS_MAX; i++)
		if (timers[i].timer == timer)
			return i;
	abort();
}

int loop_timer_init(struct loop *loop, struct loop_timer *timer,
	void (*expired)(struct loop_timer *timer))
{
	unsigned i = find_timer(NULL);

	(void)loop;
	timer->expired = expired;
	timers[i].timer = timer;
	timers[i].delay_ns = 0;
	return 0;
}

void loop_timer_fini(struct loop *loop, struct loop_timer *timer)
{
	(void)loop;
	timers[find_timer(timer)].timer = NULL;
}

void loop_timer_set(struct loop_timer *timer, uint64_t delay_ns)
{
	timers[find_timer(timer)].delay_ns = delay_ns;
}

uint64_t fake_timer_ns(const struct loop_timer *timer)
{
	return timers[find_timer(timer)].delay_ns;
}

void fake_timer_expire(struct loop *loop, struct loop_timer *timer)
{
	loop_timer_set(timer, 0);
	loop->inside = true;
	timer->expired(timer);
	loop->inside = false;
	fake_loop_settle(loop);
}

/* ---- operations ---- */

void loop_submit(struct loop *loop, struct loop_op *op)
{
	queue_push(&loop->ops, op);
}

/* The first `max` bytes of a list; a limit of 0 is none. */
static unsigned shorten(const struct loop_op *op, size_t max, struct iovec *ret)
{
	unsigned n = 0;

	for (; n < op->iov_count; n++) {
		ret[n] = op->iov[n];
		if (!max)
			continue;
		ret[n].iov_len = MIN(ret[n].iov_len, max);
		max -= ret[n].iov_len;
		if (!max)
			return n + 1;
	}
	return n;
}

static ssize_t carry_out(const struct loop *loop, const struct loop_op *op)
{
	struct iovec iov[IOV_MAX_HERE];
	unsigned count = shorten(op, loop->max_bytes, iov);

	switch (op->code) {
	case LOOP_READV:
		return preadv2(
			op->fd, iov, (int)count, (off_t)op->offset, op->flags);
	case LOOP_WRITEV:
		return pwritev2(
			op->fd, iov, (int)count, (off_t)op->offset, op->flags);
	case LOOP_FDATASYNC:
		return fdatasync(op->fd);
	case LOOP_FALLOCATE:
		return fallocate(
			op->fd, op->flags, (off_t)op->offset, (off_t)op->len);
	default:
		abort();
	}
}

static void run_op(struct loop *loop, struct loop_op *op)
{
	ssize_t res;

	loop->last = *op;
	loop->ops_run++;
	if (loop->observer)
		loop->observer(op);
	if (loop->forged) {
		loop->forged--;
		res = loop->forged_res;
	} else {
		res = carry_out(loop, op);
		if (res < 0)
			res = -errno;
	}
	op->done(op, (int)res);
}

/* What done() submits in turn waits for the next batch. */
static void run_ops(struct loop *loop)
{
	op_queue batch;
	struct loop_op *op;

	queue_init(&batch);
	queue_move(&batch, &loop->ops);
	while ((op = queue_pop(&batch)))
		run_op(loop, op);
}

/* ---- the rest of loop.h ---- */

int loop_watch_add(struct loop *loop, struct loop_watch *watch)
{
	for (unsigned i = 0; i < LOOP_WATCHES_MAX; i++) {
		if (loop->watches[i])
			continue;
		loop->watches[i] = watch;
		loop->rang[i] = false;
		watch->slot = i;
		return 0;
	}
	return -ENOSPC;
}

void loop_watch_del(struct loop *loop, struct loop_watch *watch)
{
	if (loop->watches[watch->slot] == watch)
		loop->watches[watch->slot] = NULL;
}

void loop_call(struct loop *loop, struct loop_call *call)
{
	if (loop->inside) {
		if (!call->queued)
			queue_push(&loop->calls, call);
		call->queued = true;
		return;
	}
	loop->inside = true;
	call->fn(call);
	/* `call` is the caller's, who may wait for operations in flight. */
	while (loop->ops.head)
		run_ops(loop);
	loop->inside = false;
}

void loop_defer(struct loop *loop, struct loop_defer *defer)
{
	if (!defer->queued)
		queue_push(&loop->defers, defer);
	defer->queued = true;
}

void loop_poller_add(struct loop *loop, struct loop_poller *poller)
{
	poller->next = loop->pollers;
	loop->pollers = poller;
}

void loop_poller_del(struct loop *loop, struct loop_poller *poller)
{
	struct loop_poller **link = &loop->pollers;

	while (*link && *link != poller)
		link = &(*link)->next;
	if (*link)
		*link = poller->next;
}

/* ---- a turn ---- */

static void run_calls(struct loop *loop)
{
	call_queue batch;
	struct loop_call *call;

	queue_init(&batch);
	queue_move(&batch, &loop->calls);
	while ((call = queue_pop(&batch))) {
		call->queued = false;
		call->fn(call);
	}
}

static void run_watches(struct loop *loop)
{
	for (unsigned i = 0; i < LOOP_WATCHES_MAX; i++) {
		if (!loop->watches[i] || !loop->rang[i])
			continue;
		loop->rang[i] = false;
		loop->watches[i]->ready(loop->watches[i], 0);
	}
}

void fake_loop_dispatch(struct loop *loop)
{
	loop->inside = true;
	run_calls(loop);
	run_watches(loop);
	if (!loop->hold)
		run_ops(loop);
	loop->inside = false;
}

void fake_loop_finish_batch(struct loop *loop)
{
	struct loop_defer *defer;

	loop->inside = true;
	while ((defer = queue_pop(&loop->defers))) {
		defer->queued = false;
		defer->fn(defer);
	}
	loop->inside = false;
}

static bool is_idle(const struct loop *loop)
{
	for (unsigned i = 0; i < LOOP_WATCHES_MAX; i++)
		if (loop->watches[i] && loop->rang[i])
			return false;
	return !loop->calls.head && !loop->defers.head &&
	       (loop->hold || !loop->ops.head);
}

/* poll() may delete its own poller. */
static bool call_pollers(struct loop *loop, bool arm)
{
	struct loop_poller *poller, *next;
	bool found = false;

	loop->inside = true;
	for (poller = loop->pollers; poller; poller = next) {
		next = poller->next;
		found |= arm ? poller->arm(poller) : poller->poll(poller);
	}
	loop->inside = false;
	return found;
}

bool fake_loop_poll(struct loop *loop)
{
	return call_pollers(loop, false);
}

void fake_loop_settle(struct loop *loop)
{
	for (unsigned i = 0; i < TURNS_MAX; i++) {
		if (is_idle(loop) && !call_pollers(loop, true))
			return;
		fake_loop_dispatch(loop);
		fake_loop_finish_batch(loop);
	}
}

/* ---- what a test asks for ---- */

void fake_loop_ring(struct loop *loop, struct loop_watch *watch)
{
	if (loop->watches[watch->slot] == watch)
		loop->rang[watch->slot] = true;
}

void fake_loop_hold(struct loop *loop, bool hold)
{
	loop->hold = hold;
}

unsigned fake_loop_held(const struct loop *loop)
{
	unsigned n = 0;

	for (const struct loop_op *op = loop->ops.head; op; op = op->next)
		n++;
	return n;
}

void fake_loop_forge(struct loop *loop, unsigned count, int res)
{
	loop->forged = count;
	loop->forged_res = res;
}

void fake_loop_shorten(struct loop *loop, size_t max_bytes)
{
	loop->max_bytes = max_bytes;
}

void fake_loop_observe(
	struct loop *loop, void (*observer)(const struct loop_op *op))
{
	loop->observer = observer;
}

unsigned fake_loop_ops(const struct loop *loop)
{
	return loop->ops_run;
}

const struct loop_op *fake_loop_last_op(const struct loop *loop)
{
	return &loop->last;
}
