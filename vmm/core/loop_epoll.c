/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_epoll.c - the engine for hosts that forbid io_uring
 *
 * Watches are edge-triggered epoll entries.  File operations go to the threads
 * of loop_pool.c when the kernel is entered, and come back as one more watch.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/poll.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/core/loop_engine.h"
#include "vmm/core/loop_pool.h"

#define EVENTS_MAX 64

struct epoll {
	struct loop loop;
	int epoll_fd;
	struct pool pool;
	struct loop_watch done;
	int count; /* of `events`, not yet dispatched */
	struct epoll_event events[EVENTS_MAX];
};

static struct epoll *to_epoll(struct loop *loop)
{
	return container_of(loop, struct epoll, loop);
}

/* ---- watches ---- */

static int epoll_watch(struct loop *loop, struct watch_slot *slot)
{
	struct epoll_event event = {
		.events = slot->watch->events | EPOLLET,
		.data.u64 = loop_token(loop, slot, slot->generation),
	};
	int rc = epoll_ctl(to_epoll(loop)->epoll_fd, EPOLL_CTL_ADD,
		slot->watch->fd, &event);

	return rc < 0 ? -errno : 0;
}

static void epoll_unwatch(struct loop *loop, struct watch_slot *slot, int fd)
{
	(void)slot;
	/* Fails if `fd` was closed before; then it is out of the set already. */
	(void)epoll_ctl(to_epoll(loop)->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* ---- the turn ---- */

static void wait_for_events(struct epoll *e, int timeout_ms)
{
	int n = epoll_wait(e->epoll_fd, e->events, EVENTS_MAX, timeout_ms);

	loop_count(METRIC_ENTERS, 1);
	if (n < 0 && errno != EINTR)
		log_limited(LOG_WARN, "epoll_wait: %s", strerror(errno));
	e->count = MAX(n, 0);
}

static void epoll_enter(struct loop *loop, bool block) ON_LOOP
{
	struct epoll *e = to_epoll(loop);

	if (loop->ops.head)
		pool_give(&e->pool, &loop->ops);
	if (!e->count)
		wait_for_events(e, block ? -1 : 0);
}

/* Nothing in memory tells: a poll that did not ask would only delay events. */
static bool epoll_pending(struct loop *loop) ON_LOOP
{
	struct epoll *e = to_epoll(loop);

	wait_for_events(e, 0);
	return e->count > 0;
}

static void epoll_reap(struct loop *loop) ON_LOOP
{
	struct epoll *e = to_epoll(loop);

	for (int i = 0; i < e->count; i++) {
		struct watch_slot *slot = loop_slot(
			loop, e->events[i].data.u64);

		/* Deleted by a callback of this very batch otherwise. */
		if (slot)
			loop_ready(slot, e->events[i].events);
	}
	e->count = 0;
}

static void operations_done(struct loop_watch *watch, uint32_t events) ON_LOOP
{
	struct epoll *e = container_of(watch, struct epoll, done);
	struct loop_op *op;
	op_queue batch;

	(void)events;
	queue_init(&batch);
	pool_take(&e->pool, &batch);
	while ((op = queue_pop(&batch)))
		loop_done(op, op->res);
}

/* ---- making and freeing ---- */

static void epoll_start(struct loop *loop)
{
	(void)loop;
}

static void epoll_fini(struct loop *loop)
{
	struct epoll *e = to_epoll(loop);

	pool_fini(&e->pool);
	close_fd(e->epoll_fd);
}

static int epoll_init(struct loop *loop)
{
	struct epoll *e = to_epoll(loop);
	CLEANUP_CLOSE int fd = epoll_create1(EPOLL_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_set(
			-errno, "cannot make an epoll: %s", strerror(errno));
	rc = pool_init(&e->pool);
	if (rc)
		return rc;
	e->epoll_fd = steal_fd(&fd);
	e->done = (struct loop_watch){
		.fd = e->pool.done_fd,
		.events = POLLIN,
		.ready = operations_done,
	};
	rc = loop_watch_add(loop, &e->done);
	if (rc)
		epoll_fini(loop);
	return rc;
}

const struct loop_engine_ops loop_epoll_ops = {
	.name = "epoll",
	.size = sizeof(struct epoll),
	.init = epoll_init,
	.fini = epoll_fini,
	.start = epoll_start,
	.watch = epoll_watch,
	.unwatch = epoll_unwatch,
	.enter = epoll_enter,
	.reap = epoll_reap,
	.pending = epoll_pending,
};
