/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.c - what both engines share: the turn of the loop, calls, defers, polls
 *
 * Theory of operation
 *
 * One turn is: enter the kernel (hand over what was queued, sleep if there is
 * nothing to do), dispatch the completions at hand, run the defers.  Callbacks
 * only ever queue, so that a burst of requests costs one system call.
 *
 * Calls from other threads are a list under a lock and one eventfd, written
 * when the list was empty and never read: watches report edges.
 *
 * Busy polling follows KVM's halt polling.  The window starts at 0.  To be
 * woken soon after falling asleep means that polling would have caught it, so
 * the window opens; to sleep for longer than any window means that polling was
 * wasted, and it is halved until it closes.  Meanwhile io_uring's completions
 * are seen in memory too; epoll has to be asked.
 */
#include "vmm/core/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/poll.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/core/loop_engine.h"

#define POLL_WINDOW_MIN_NS 6250
#define POLL_WINDOW_MAX_NS 50000

static struct metric metrics[LOOP_METRICS] = {
	[METRIC_ENTERS] = { .name = "system_enters",
		.help = "system calls that waited or handed over operations" },
	[METRIC_OPS] = { .name = "ops_submitted", .help = "file operations" },
	[METRIC_COMPLETIONS] = { .name = "completions",
		.help = "file operations done" },
	[METRIC_EVENTS] = { .name = "watch_events",
		.help = "descriptors that became ready" },
	[METRIC_CALLS] = { .name = "calls",
		.help = "calls from other threads" },
	[METRIC_POLLS_HIT] = { .name = "polls_hit",
		.help = "busy polls that found work" },
	[METRIC_POLLS_MISSED] = { .name = "polls_missed",
		.help = "busy polls that ended in sleep" },
};

const struct metric_group loop_metrics = {
	.name = "loop", .metrics = metrics, .count = LOOP_METRICS
};

void loop_count(enum loop_metric metric, uint64_t n)
{
	metric_add(&metrics[metric], n);
}

/* ---- operations and defers ---- */

void loop_submit(struct loop *loop, struct loop_op *op)
{
	queue_push(&loop->ops, op);
	loop_count(METRIC_OPS, 1);
}

void loop_done(struct loop_op *op, int res)
{
	loop_count(METRIC_COMPLETIONS, 1);
	op->done(op, res);
}

void loop_defer(struct loop *loop, struct loop_defer *defer)
{
	if (defer->queued)
		return;
	defer->queued = true;
	queue_push(&loop->defers, defer);
}

/* Those asked for meanwhile wait for the next turn, or one could spin here. */
static void run_defers(struct loop *loop) ON_LOOP
{
	QUEUE(struct loop_defer) batch;
	struct loop_defer *defer;

	queue_init(&batch);
	queue_move(&batch, &loop->defers);
	while ((defer = queue_pop(&batch))) {
		defer->queued = false;
		defer->fn(defer);
	}
}

/* ---- calls ---- */

static void ring_doorbell(struct loop *loop)
{
	/* Fails only when 2^64 - 2 rings have been counted. */
	(void)!eventfd_write(loop->doorbell.fd, 1);
}

void loop_call(struct loop *loop, struct loop_call *call)
{
	pthread_mutex_lock(&loop->lock);
	if (!call->queued) {
		/*
		 * Under the lock: as soon as the loop can take the call it may
		 * stop and be freed, and the doorbell with it.
		 */
		if (!loop->calls.head)
			ring_doorbell(loop);
		call->queued = true;
		queue_push(&loop->calls, call);
	}
	pthread_mutex_unlock(&loop->lock);
}

static void run_calls(struct loop *loop) ON_LOOP
{
	QUEUE(struct loop_call) batch;
	struct loop_call *call;

	queue_init(&batch);
	pthread_mutex_lock(&loop->lock);
	queue_move(&batch, &loop->calls);
	while ((call = queue_pop(&batch))) {
		call->queued = false;
		pthread_mutex_unlock(&loop->lock);
		loop_count(METRIC_CALLS, 1);
		call->fn(call);
		pthread_mutex_lock(&loop->lock);
	}
	pthread_mutex_unlock(&loop->lock);
}

static void doorbell_rang(struct loop_watch *watch, uint32_t events) ON_LOOP
{
	(void)events;
	run_calls(container_of(watch, struct loop, doorbell));
}

static int add_doorbell(struct loop *loop)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return err_set(
			-errno, "cannot make an eventfd: %s", strerror(errno));
	loop->doorbell.fd = fd;
	loop->doorbell.events = POLLIN;
	loop->doorbell.ready = doorbell_rang;
	return loop_watch_add(loop, &loop->doorbell);
}

/* ---- busy polling ---- */

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
	if (!*link)
		return;
	*link = poller->next;
	if (loop->next_poller == poller)
		loop->next_poller = poller->next;
	if (!loop->pollers)
		loop->poll_window_ns = 0;
}

/* Every poller once; a callback may delete any of them. */
static bool poll_once(struct loop *loop, bool arm) ON_LOOP
{
	struct loop_poller *poller = loop->pollers;
	bool found = false;

	for (; poller; poller = loop->next_poller) {
		loop->next_poller = poller->next;
		found |= arm ? poller->arm(poller) : poller->poll(poller);
	}
	return found;
}

static void open_window(struct loop *loop)
{
	loop->poll_window_ns = MAX(POLL_WINDOW_MIN_NS,
		MIN(2 * loop->poll_window_ns, POLL_WINDOW_MAX_NS));
}

static void close_window(struct loop *loop)
{
	loop->poll_window_ns /= 2;
	if (loop->poll_window_ns < POLL_WINDOW_MIN_NS)
		loop->poll_window_ns = 0;
}

/* True if something turned up within the window. */
static bool busy_poll(struct loop *loop) ON_LOOP
{
	uint64_t deadline_ns = now_ns() + loop->poll_window_ns;

	do {
		if (poll_once(loop, false) || loop->engine->pending(loop)) {
			loop_count(METRIC_POLLS_HIT, 1);
			open_window(loop);
			return true;
		}
	} while (now_ns() < deadline_ns);
	loop_count(METRIC_POLLS_MISSED, 1);
	return false;
}

/* ---- the turn ---- */

static bool may_sleep(struct loop *loop) ON_LOOP
{
	if (loop->defers.head)
		return false;
	if (loop->poll_window_ns) {
		/* What is queued is handed over before time goes to polling. */
		if (loop->ops.head || busy_poll(loop))
			return false;
	}
	return !poll_once(loop, true);
}

static void sleep_until_ready(struct loop *loop) ON_LOOP
{
	uint64_t since_ns;

	if (!loop->pollers) {
		loop->engine->enter(loop, true);
		return;
	}
	since_ns = now_ns();
	loop->engine->enter(loop, true);
	if (now_ns() - since_ns < POLL_WINDOW_MAX_NS)
		open_window(loop);
	else
		close_window(loop);
}

void loop_run(struct loop *loop)
{
	claim_loop_thread();
	loop->engine->start(loop);
	while (!atomic_load(&loop->stop)) {
		if (may_sleep(loop))
			sleep_until_ready(loop);
		else
			loop->engine->enter(loop, false);
		loop->engine->reap(loop);
		run_defers(loop);
	}
	/* Callers from before loop_stop() may be waiting for an answer. */
	run_calls(loop);
	atomic_store(&loop->stop, false);
}

void loop_stop(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	atomic_store(&loop->stop, true);
	ring_doorbell(loop); /* under the lock, as in loop_call() */
	pthread_mutex_unlock(&loop->lock);
}

/* ---- making and freeing ---- */

const char *loop_engine_name(const struct loop *loop)
{
	return loop->engine->name;
}

struct loop *loop_free(struct loop *loop)
{
	if (!loop)
		return NULL;
	loop->engine->fini(loop);
	close_fd(loop->doorbell.fd);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
	return NULL;
}

static int loop_new_with(
	const struct loop_engine_ops *engine, struct loop **ret)
{
	struct loop *loop = calloc(1, engine->size);
	int rc;

	if (!loop)
		return err_set(-ENOMEM, "no memory for an event loop");
	loop->engine = engine;
	loop->doorbell.fd = -1;
	queue_init(&loop->ops);
	queue_init(&loop->defers);
	queue_init(&loop->calls);
	rc = engine->init(loop);
	if (rc) {
		free(loop);
		return rc;
	}
	pthread_mutex_init(&loop->lock, NULL);
	rc = add_doorbell(loop);
	if (rc) {
		loop_free(loop);
		return rc;
	}
	loop->watches = 0; /* our own do not count */
	*ret = loop;
	return 0;
}

int loop_new(enum loop_engine engine, struct loop **ret)
{
	int rc;

	if (engine == LOOP_EPOLL)
		return loop_new_with(&loop_epoll_ops, ret);
	rc = loop_new_with(&loop_uring_ops, ret);
	if (!rc || engine == LOOP_IO_URING)
		return rc;
	log_debug("epoll serves instead: %s", err_text());
	err_clear();
	return loop_new_with(&loop_epoll_ops, ret);
}
