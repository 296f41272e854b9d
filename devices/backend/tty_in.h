/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tty_in.h - the input half of a tty
 *
 * The watch is edge-triggered, so that `readable` remembers the edge until a read
 * says that nothing is left.  Reading pauses for either of two reasons: no input
 * (the next edge goes on) or no room (tty_in_want() goes on).
 */
#ifndef MUSTER_DEVICES_BACKEND_TTY_IN_H
#define MUSTER_DEVICES_BACKEND_TTY_IN_H

#include <stdatomic.h>

#include "devices/backend/nonblock.h"
#include "devices/backend/tty.h"
#include "vmm/core/loop.h"

#define TTY_IN_AHEAD_BYTES 1024

struct tty_in {
	struct loop *loop;
	struct nonblock source;
	const struct tty_events *events;
	void *model; /* borrowed */
	void *owner; /* borrowed */
	bool raw;
	bool watched;
	bool readable;
	bool ended;
	bool paused; /* the model takes nothing; the escape key still works */
	/* The model's room ran out while input waited: any thread clears it. */
	atomic_bool starved;
	struct loop_call call;
	struct loop_watch watch;
	size_t held; /* read, but not taken by the model yet */
	uint8_t hold[TTY_IN_AHEAD_BYTES];
};

/*
 * `fd` is borrowed, -1 for none.  `raw`: it is a raw terminal; recognise the
 * escape key.  0 or -errno with a sentence.
 */
int tty_in_init(struct tty_in *in, struct loop *loop, int fd, bool raw);

/* Start reading for `model`. */
void tty_in_attach(struct tty_in *in, const struct tty_events *events,
	void *model, void *owner);

/* Any thread: the model has room again. */
void tty_in_want(struct tty_in *in);

/* On the loop. */
void tty_in_pause(struct tty_in *in, bool paused);

void tty_in_fini(struct tty_in *in);

#endif
