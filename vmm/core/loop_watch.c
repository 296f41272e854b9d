/* SPDX-License-Identifier: Apache-2.0 */
/* loop_watch.c - the slots that watches live in, and timers on top of them */
#include <errno.h>
#include <string.h>
#include <sys/poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/loop_engine.h"

#define NS_PER_S 1000000000

/* ---- slots ---- */

uint64_t loop_token(const struct loop *loop, const struct watch_slot *slot,
	uint32_t generation)
{
	uint64_t index = (uint64_t)(slot - loop->slots);

	return (uint64_t)generation << 32 | index << 1 | 1;
}

struct watch_slot *loop_slot(struct loop *loop, uint64_t token)
{
	struct watch_slot *slot = &loop->slots[(uint32_t)token >> 1];

	if (!slot->watch || slot->generation != token >> 32)
		return NULL;
	return slot;
}

void loop_ready(const struct watch_slot *slot, uint32_t events)
{
	loop_count(METRIC_EVENTS, 1);
	slot->watch->ready(slot->watch, events);
}

static struct watch_slot *free_slot(struct loop *loop)
{
	if (loop->watches == LOOP_WATCHES_MAX)
		return NULL;
	for (unsigned i = 0; i < LOOP_SLOTS; i++)
		if (!loop->slots[i].watch && loop->slots[i].state == SLOT_FREE)
			return &loop->slots[i];
	return NULL;
}

static bool is_added(const struct loop *loop, const struct loop_watch *watch)
{
	return watch->slot < LOOP_SLOTS &&
	       loop->slots[watch->slot].watch == watch;
}

int loop_watch_add(struct loop *loop, struct loop_watch *watch)
{
	struct watch_slot *slot = free_slot(loop);
	int rc;

	if (!slot)
		return err_set(-ENOSPC, "a loop watches at most %d descriptors",
			LOOP_WATCHES_MAX);
	slot->watch = watch;
	rc = loop->engine->watch(loop, slot);
	if (rc) {
		slot->watch = NULL;
		return err_set(rc, "cannot watch descriptor %d: %s", watch->fd,
			strerror(-rc));
	}
	watch->slot = (unsigned)(slot - loop->slots);
	loop->watches++;
	return 0;
}

void loop_watch_del(struct loop *loop, struct loop_watch *watch)
{
	struct watch_slot *slot;

	if (!is_added(loop, watch))
		return;
	slot = &loop->slots[watch->slot];
	slot->watch = NULL;
	slot->generation++;
	loop->watches--;
	loop->engine->unwatch(loop, slot, watch->fd);
}

/* ---- timers ---- */

static void timer_ready(struct loop_watch *watch, uint32_t events) ON_LOOP
{
	struct loop_timer *timer = container_of(
		watch, struct loop_timer, watch);
	uint64_t expirations;

	(void)events;
	/*
	 * A timer that was set again, or disarmed, between its expiry and this
	 * call has nothing to read: the kernel has reset the count.
	 */
	if (read(watch->fd, &expirations, sizeof(expirations)) > 0)
		timer->expired(timer);
}

int loop_timer_init(struct loop *loop, struct loop_timer *timer,
	void (*expired)(struct loop_timer *timer))
{
	CLEANUP_CLOSE int fd = timerfd_create(
		CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int rc;

	*timer = (struct loop_timer){
		.expired = expired,
		.watch = { .fd = fd, .events = POLLIN, .ready = timer_ready },
	};
	if (fd < 0)
		return err_set(
			-errno, "cannot make a timer: %s", strerror(errno));
	rc = loop_watch_add(loop, &timer->watch);
	if (rc)
		return err_wrap(rc, "timer");
	(void)steal_fd(&fd);
	return 0;
}

void loop_timer_fini(struct loop *loop, struct loop_timer *timer)
{
	if (!is_added(loop, &timer->watch))
		return;
	loop_watch_del(loop, &timer->watch);
	close_fd(steal_fd(&timer->watch.fd));
}

void loop_timer_set(struct loop_timer *timer, uint64_t delay_ns)
{
	const struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(delay_ns / NS_PER_S),
			.tv_nsec = (long)(delay_ns % NS_PER_S) },
	};

	/* Fails for a bad descriptor or time only; both are ours. */
	(void)timerfd_settime(timer->watch.fd, 0, &when, NULL);
}
