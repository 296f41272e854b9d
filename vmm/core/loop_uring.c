/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_uring.c - the engine that every host should allow: io_uring
 *
 * Theory of operation
 *
 * The submission ring is filled in one place only, just before the kernel is
 * entered: first with changes to the watches, then with operations.  What does
 * not fit stays queued for the next turn, which then does not sleep.
 *
 * The ring is made disabled and enabled by the thread that runs the loop,
 * because SINGLE_ISSUER binds a ring to the thread that enables it.  Where the
 * kernel has it, DEFER_TASKRUN lets completions arrive only when that thread
 * asks for them; IORING_SQ_TASKRUN in the ring then says that some are waiting.
 *
 * A watch is a multishot poll, which is edge-triggered.  The kernel may end
 * one (IORING_CQE_F_MORE is absent) when the completion ring overflows; it is
 * then armed again, and reports at once if the descriptor is ready.
 */
#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/log.h"
#include "vmm/core/loop_engine.h"
#include "vmm/core/loop_ring.h"

#define RING_ENTRIES 256

/* user_data: 0, a loop_op (even), or a watch's token (odd). */
#define DATA_NONE    0

struct uring {
	struct loop loop;
	struct io_uring ring;
	bool enabled;
	unsigned changes; /* slots that are SLOT_WANTED or SLOT_UNWANTED */
};

static struct uring *to_uring(struct loop *loop)
{
	return container_of(loop, struct uring, loop);
}

/* ---- making and freeing ---- */

static int uring_init(struct loop *loop)
{
	return loop_ring_init(&to_uring(loop)->ring, RING_ENTRIES);
}

static void uring_fini(struct loop *loop)
{
	io_uring_queue_exit(&to_uring(loop)->ring);
}

static void uring_start(struct loop *loop) ON_LOOP
{
	struct uring *u = to_uring(loop);

	if (u->enabled)
		return;
	/* liburing 2.3 does not export io_uring_enable_rings(). */
	syscall(__NR_io_uring_register, u->ring.ring_fd,
		IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	u->enabled = true;
}

/* ---- watches ---- */

/*
 * io_uring takes a file that cannot be polled for one that is always ready.
 * Ask epoll, so that both engines refuse the same with the same error.
 */
static int check_pollable(int fd)
{
	CLEANUP_CLOSE int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };

	if (epoll_fd == fd)
		return -EBADF; /* it was not open: the number was free */
	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	return 0;
}

static void want(
	struct uring *u, struct watch_slot *slot, enum slot_state state)
{
	slot->state = state;
	u->changes++;
}

static int uring_watch(struct loop *loop, struct watch_slot *slot)
{
	int rc = check_pollable(slot->watch->fd);

	if (!rc)
		want(to_uring(loop), slot, SLOT_WANTED);
	return rc;
}

static void uring_unwatch(struct loop *loop, struct watch_slot *slot, int fd)
{
	struct uring *u = to_uring(loop);

	(void)fd;
	if (slot->state == SLOT_ARMED) {
		want(u, slot, SLOT_UNWANTED);
		return;
	}
	slot->state = SLOT_FREE; /* nothing of it is in the kernel */
	u->changes--;
}

/* False if the submission ring is full. */
static bool change_watch(struct uring *u, struct watch_slot *slot)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	uint32_t before = slot->generation - 1;

	if (!sqe)
		return false;
	if (slot->state == SLOT_WANTED) {
		io_uring_prep_poll_multishot(
			sqe, slot->watch->fd, slot->watch->events);
		sqe->user_data = loop_token(&u->loop, slot, slot->generation);
		slot->state = SLOT_ARMED;
	} else {
		/*
		 * Not POLL_REMOVE: that fails with -EALREADY, and leaves the
		 * poll in place, while an event of it is on its way.
		 */
		io_uring_prep_cancel64(
			sqe, loop_token(&u->loop, slot, before), 0);
		sqe->user_data = DATA_NONE;
		slot->state = SLOT_FREE;
	}
	u->changes--;
	return true;
}

static bool fill_watches(struct uring *u)
{
	struct watch_slot *slot = u->loop.slots;

	for (; u->changes; slot++) {
		bool changed = slot->state == SLOT_WANTED ||
			       slot->state == SLOT_UNWANTED;

		if (changed && !change_watch(u, slot))
			return false;
	}
	return true;
}

/*
 * An error, or a hang-up that has nothing left to wait for (a terminal whose
 * other end is gone), would be there again at once, and for ever: report it
 * once.  -ECANCELED of a watch that we did not delete is how Linux before 6.1
 * ends a poll whose completion found the ring full.
 */
static bool may_come_again(int res)
{
	return res == -ECANCELED || (res >= 0 && !(res & (POLLERR | POLLHUP)));
}

static void watch_completed(
	struct uring *u, const struct io_uring_cqe *cqe) ON_LOOP
{
	struct watch_slot *slot = loop_slot(&u->loop, cqe->user_data);

	if (!slot)
		return;
	if (!(cqe->flags & IORING_CQE_F_MORE) && may_come_again(cqe->res))
		want(u, slot, SLOT_WANTED);
	loop_ready(slot, cqe->res < 0 ? POLLERR : (uint32_t)cqe->res);
}

/* ---- operations ---- */

static void prep_readv(struct io_uring_sqe *sqe, const struct loop_op *op)
{
	io_uring_prep_readv2(
		sqe, op->fd, op->iov, op->iov_count, op->offset, op->flags);
}

static void prep_writev(struct io_uring_sqe *sqe, const struct loop_op *op)
{
	io_uring_prep_writev2(
		sqe, op->fd, op->iov, op->iov_count, op->offset, op->flags);
}

static void prep_fdatasync(struct io_uring_sqe *sqe, const struct loop_op *op)
{
	io_uring_prep_fsync(sqe, op->fd, IORING_FSYNC_DATASYNC);
}

static void prep_fallocate(struct io_uring_sqe *sqe, const struct loop_op *op)
{
	io_uring_prep_fallocate(
		sqe, op->fd, op->flags, (off_t)op->offset, (off_t)op->len);
}

static void (*const prep[LOOP_OPCODES])(
	struct io_uring_sqe *, const struct loop_op *) = {
	[LOOP_READV] = prep_readv,
	[LOOP_WRITEV] = prep_writev,
	[LOOP_FDATASYNC] = prep_fdatasync,
	[LOOP_FALLOCATE] = prep_fallocate,
};

static bool fill_ops(struct uring *u)
{
	while (u->loop.ops.head) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
		struct loop_op *op;

		if (!sqe)
			return false;
		op = queue_pop(&u->loop.ops);
		prep[op->code](sqe, op);
		io_uring_sqe_set_data(sqe, op);
	}
	return true;
}

/* ---- entering the kernel ---- */

/* Completions wait in the kernel: as task work, or because the ring was full. */
static bool kernel_holds_back(const struct uring *u)
{
	return IO_URING_READ_ONCE(*u->ring.sq.kflags) &
	       (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

static bool uring_pending(struct loop *loop) ON_LOOP
{
	const struct uring *u = to_uring(loop);

	return io_uring_cq_ready(&u->ring) || kernel_holds_back(u);
}

/* -EBUSY, -EAGAIN: entries stay in the ring until completions are reaped. */
static bool is_transient(int rc)
{
	return rc == -EINTR || rc == -EBUSY || rc == -EAGAIN;
}

static void uring_enter(struct loop *loop, bool block) ON_LOOP
{
	struct uring *u = to_uring(loop);
	bool all = fill_watches(u) && fill_ops(u);
	int rc;

	if (block && all && !io_uring_cq_ready(&u->ring))
		rc = io_uring_submit_and_wait(&u->ring, 1);
	else if (io_uring_sq_ready(&u->ring) || kernel_holds_back(u))
		rc = io_uring_submit_and_get_events(&u->ring);
	else
		return;
	loop_count(METRIC_ENTERS, 1);
	if (rc < 0 && !is_transient(rc))
		log_limited(LOG_WARN, "io_uring_enter: %s", strerror(-rc));
}

static void dispatch(struct uring *u, const struct io_uring_cqe *cqe) ON_LOOP
{
	if (cqe->user_data & 1)
		watch_completed(u, cqe);
	else if (cqe->user_data != DATA_NONE)
		loop_done(io_uring_cqe_get_data(cqe), cqe->res);
}

static void uring_reap(struct loop *loop) ON_LOOP
{
	struct uring *u = to_uring(loop);
	unsigned left = io_uring_cq_ready(&u->ring);
	struct io_uring_cqe *cqe, copy;

	for (; left && !io_uring_peek_cqe(&u->ring, &cqe); left--) {
		copy = *cqe;
		io_uring_cqe_seen(&u->ring, cqe);
		dispatch(u, &copy);
	}
}

const struct loop_engine_ops loop_uring_ops = {
	.name = "io_uring",
	.size = sizeof(struct uring),
	.init = uring_init,
	.fini = uring_fini,
	.start = uring_start,
	.watch = uring_watch,
	.unwatch = uring_unwatch,
	.enter = uring_enter,
	.reap = uring_reap,
	.pending = uring_pending,
};
