/* SPDX-License-Identifier: Apache-2.0 */
/* tty_in.c - read what the model has room for; see tty_in.h */
#include "devices/backend/tty_in.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

/* Reads per turn of the loop: an endless source must not keep it. */
#define READS_PER_TURN 16

/*
 * How much of `len` bytes the model takes now.  `starved` is set before the last look: when room
 * appears after that look, tty_in_want() finds it set and calls the loop.
 */
static size_t room_for(struct tty_in *in, size_t len)
{
	size_t n;

	if (in->paused)
		return 0;
	n = in->events->room(in->model);
	if (n == 0) {
		atomic_store(&in->starved, true);
		n = in->events->room(in->model);
	}
	return MIN(n, len);
}

static void deliver(struct tty_in *in)
{
	size_t n;

	while (in->held && (n = room_for(in, in->held)) > 0) {
		in->events->input(in->model, in->hold, n);
		in->held -= n;
		memmove(in->hold, in->hold + n, in->held);
	}
}

/*
 * How much to read now.  A raw terminal is always read: what is typed past the
 * hold is dropped, as the kernel's own line discipline does, but for the escape.
 */
static size_t wanted(struct tty_in *in)
{
	if (in->raw)
		return sizeof(in->hold);
	return in->held ? 0 : room_for(in, sizeof(in->hold));
}

/* Keep the bytes before an escape key, up to the free space. */
static void take(struct tty_in *in, const uint8_t *data, size_t len)
{
	const uint8_t *escape = in->raw ? memchr(data, TTY_ESCAPE_BYTE, len)
					: NULL;
	size_t typed = escape ? (size_t)(escape - data) : len;
	size_t n = MIN(typed, sizeof(in->hold) - in->held);

	memcpy(in->hold + in->held, data, n);
	in->held += n;
	if (escape)
		in->events->escape(in->owner);
}

/* End of input or an error: either way nothing more will come. */
static void end(struct tty_in *in)
{
	in->ended = true;
	if (in->watched)
		loop_watch_del(in->loop, &in->watch);
	in->watched = false;
}

static void read_some(struct tty_in *in, size_t len)
{
	uint8_t data[TTY_IN_AHEAD_BYTES];
	ssize_t n = nonblock_read(&in->source, data, len);

	if (n > 0)
		take(in, data, (size_t)n);
	else if (n == -EAGAIN && in->watched)
		in->readable = false;
	else
		end(in);
}

static void pump(struct tty_in *in)
{
	size_t len = 0;

	deliver(in);
	for (int i = 0; i < READS_PER_TURN; i++) {
		len = in->readable && !in->ended ? wanted(in) : 0;
		if (!len)
			return;
		read_some(in, len);
		deliver(in);
	}
	loop_call(in->loop, &in->call);
}

static void input_called(struct loop_call *call)
{
	pump(container_of(call, struct tty_in, call));
}

static void source_ready(struct loop_watch *watch, uint32_t events)
{
	struct tty_in *in = container_of(watch, struct tty_in, watch);

	(void)events;
	in->readable = true;
	if (in->events)
		pump(in);
}

/* What cannot be polled can always be read. */
static int watch_source(struct tty_in *in)
{
	int rc = -EPERM;

	in->watch.fd = in->source.fd;
	in->watch.events = POLLIN;
	in->watch.ready = source_ready;
	if (in->source.how != NONBLOCK_PLAIN)
		rc = loop_watch_add(in->loop, &in->watch);
	in->watched = rc == 0;
	in->readable = rc == -EPERM;
	return rc == -EPERM ? 0 : rc;
}

int tty_in_init(struct tty_in *in, struct loop *loop, int fd, bool raw)
{
	int rc;

	in->loop = loop;
	in->raw = raw;
	in->call.fn = input_called;
	in->source.fd = -1;
	in->ended = fd < 0;
	if (fd < 0)
		return 0;
	rc = nonblock_open(&in->source, fd, O_RDONLY);
	if (rc < 0)
		return rc;
	rc = watch_source(in);
	if (rc < 0)
		nonblock_close(&in->source);
	return rc;
}

void tty_in_attach(struct tty_in *in, const struct tty_events *events,
	void *model, void *owner)
{
	in->events = events;
	in->model = model;
	in->owner = owner;
	loop_call(in->loop, &in->call);
}

void tty_in_want(struct tty_in *in)
{
	if (atomic_exchange(&in->starved, false))
		loop_call(in->loop, &in->call);
}

void tty_in_pause(struct tty_in *in, bool paused)
{
	in->paused = paused;
	if (!paused && in->events)
		pump(in);
}

void tty_in_fini(struct tty_in *in)
{
	end(in);
	nonblock_close(&in->source);
}
