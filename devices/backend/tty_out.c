/* SPDX-License-Identifier: Apache-2.0 */
/* tty_out.c - a ring that the loop empties; see tty_out.h */
#include "devices/backend/tty_out.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "devices/backend/tty.h"
#include "vmm/base/log.h"

#define FLUSH_DELAY_NS (1000 * 1000)
#define RETRY_DELAY_NS (100 * 1000 * 1000)
#define LAST_WAIT_NS   (1000ull * 1000 * 1000)
#define NS_PER_MS      (1000 * 1000)

static struct metric metrics[] = {
	{ "bytes_written", "console output that reached its target", 0 },
	{ "bytes_lost", "console output that nobody took in time", 0 },
	{ "bytes_limited", "console output that was more than its rate", 0 },
};

const struct metric_group tty_metrics = {
	.name = "tty", .metrics = metrics, .count = ARRAY_SIZE(metrics)
};

static void count_written(struct tty_out *out, size_t n)
{
	out->sent += n;
	metric_add(&metrics[0], n);
}

static void count_lost(struct tty_out *out, uint64_t n)
{
	out->sent += n;
	out->lost += n;
	metric_add(&metrics[1], n);
}

/* Both copies take at most TTY_OUT_RING_BYTES. */
static void ring_put(struct tty_out *out, const uint8_t *data, size_t len)
{
	size_t at = out->tail % TTY_OUT_RING_BYTES;
	size_t first = MIN(len, TTY_OUT_RING_BYTES - at);

	memcpy(out->ring + at, data, first);
	memcpy(out->ring, data + first, len - first);
	out->tail += len;
}

static void ring_get(const struct tty_out *out, uint8_t *data, size_t len)
{
	size_t at = out->sent % TTY_OUT_RING_BYTES;
	size_t first = MIN(len, TTY_OUT_RING_BYTES - at);

	memcpy(data, out->ring + at, first);
	memcpy(data + first, out->ring, len - first);
}

void tty_out_limit(struct tty_out *out, const struct rate *rate)
{
	out->limited = rate_limits(rate);
	bucket_init(&out->bucket, rate, now_ns());
}

/* The guest does not wait: a UART has no way to say so that a driver would heed. */
static bool may_pass(struct tty_out *out, size_t len)
{
	if (!out->limited)
		return true;
	if (bucket_wait_ns(&out->bucket, len, now_ns())) {
		metric_add(&metrics[2], len);
		return false;
	}
	bucket_take(&out->bucket, len);
	return true;
}

void tty_out_write(struct tty_out *out, const uint8_t *data, size_t len)
{
	bool call;

	pthread_mutex_lock(&out->lock);
	if (!may_pass(out, len)) {
		pthread_mutex_unlock(&out->lock);
		return;
	}
	call = !out->flush_due && !out->broken;
	out->flush_due = true;
	while (len) {
		size_t n = MIN(len, TTY_OUT_RING_BYTES);

		ring_put(out, data, n);
		data += n;
		len -= n;
	}
	pthread_mutex_unlock(&out->lock);
	if (call)
		loop_call(out->loop, &out->call);
}

static uint64_t queued(struct tty_out *out)
{
	uint64_t tail;

	pthread_mutex_lock(&out->lock);
	tail = out->tail;
	pthread_mutex_unlock(&out->lock);
	return tail;
}

/* Copy the oldest bytes below `limit` into the burst; how many. */
static size_t take_burst(struct tty_out *out, uint64_t limit)
{
	size_t n = 0;

	pthread_mutex_lock(&out->lock);
	if (out->tail - out->sent > TTY_OUT_RING_BYTES)
		count_lost(out, out->tail - out->sent - TTY_OUT_RING_BYTES);
	if (out->sent < limit) {
		n = MIN(limit - out->sent, TTY_OUT_BURST_BYTES);
		ring_get(out, out->burst, n);
	}
	pthread_mutex_unlock(&out->lock);
	return n;
}

/* A full disk may get room again; from anything else there is no way back. */
static void write_failed(struct tty_out *out, size_t n, int error)
{
	count_lost(out, n);
	log_limited(LOG_WARN, "console output: %s", strerror(error));
	if (error == ENOSPC || error == EDQUOT)
		return;
	pthread_mutex_lock(&out->lock);
	out->broken = true;
	pthread_mutex_unlock(&out->lock);
}

/*
 * Write what was queued when the flush began, and no more: a guest that prints
 * without end must not keep the loop.  -EAGAIN if the target is full.
 */
static int flush(struct tty_out *out)
{
	uint64_t limit = queued(out);
	size_t n;

	while (!out->broken && (n = take_burst(out, limit)) > 0) {
		ssize_t rc = nonblock_write(&out->target, out->burst, n);

		if (rc == -EAGAIN)
			return -EAGAIN;
		if (rc > 0)
			count_written(out, (size_t)rc);
		else
			write_failed(out, n, rc ? (int)-rc : EIO);
	}
	return 0;
}

/* True if nothing came in during the flush: the next write calls the loop. */
static bool settle(struct tty_out *out)
{
	bool done;

	pthread_mutex_lock(&out->lock);
	done = out->broken || out->tail == out->sent;
	out->flush_due = !done;
	pthread_mutex_unlock(&out->lock);
	return done;
}

/* Watched only while it is full, so that a prompt reader wakes nobody. */
static void wait_for_room(struct tty_out *out)
{
	out->waiting = loop_watch_add(out->loop, &out->watch) == 0;
	if (!out->waiting)
		loop_timer_set(&out->timer, RETRY_DELAY_NS);
}

static void flush_and_go_on(struct tty_out *out)
{
	if (flush(out) == -EAGAIN)
		wait_for_room(out);
	else if (!settle(out))
		loop_timer_set(&out->timer, FLUSH_DELAY_NS);
}

static void stop_waiting(struct tty_out *out)
{
	if (out->waiting)
		loop_watch_del(out->loop, &out->watch);
	out->waiting = false;
}

static void output_called(struct loop_call *call)
{
	struct tty_out *out = container_of(call, struct tty_out, call);

	loop_timer_set(&out->timer, FLUSH_DELAY_NS);
}

static void timer_expired(struct loop_timer *timer)
{
	flush_and_go_on(container_of(timer, struct tty_out, timer));
}

static void target_ready(struct loop_watch *watch, uint32_t events)
{
	struct tty_out *out = container_of(watch, struct tty_out, watch);

	(void)events;
	stop_waiting(out);
	flush_and_go_on(out);
}

int tty_out_init(struct tty_out *out, struct loop *loop, int fd)
{
	int rc = nonblock_open(&out->target, fd, O_WRONLY);

	if (rc < 0)
		return rc;
	rc = loop_timer_init(loop, &out->timer, timer_expired);
	if (rc < 0) {
		nonblock_close(&out->target);
		return rc;
	}
	out->loop = loop;
	out->call.fn = output_called;
	out->watch.fd = out->target.fd;
	out->watch.events = POLLOUT;
	out->watch.ready = target_ready;
	pthread_mutex_init(&out->lock, NULL);
	return 0;
}

static void write_the_rest(struct tty_out *out)
{
	struct pollfd p = { .fd = out->target.fd, .events = POLLOUT };
	uint64_t deadline = now_ns() + LAST_WAIT_NS;

	while (flush(out) == -EAGAIN) {
		uint64_t now = now_ns();

		if (now >= deadline)
			break;
		poll(&p, 1, (int)((deadline - now) / NS_PER_MS) + 1);
	}
	count_lost(out, out->tail - out->sent);
}

void tty_out_fini(struct tty_out *out)
{
	write_the_rest(out);
	if (out->lost)
		log_warn("console output: %" PRIu64
			 " bytes lost; nobody took them in time",
			out->lost);
	stop_waiting(out);
	loop_timer_fini(out->loop, &out->timer);
	nonblock_close(&out->target);
	pthread_mutex_destroy(&out->lock);
}
