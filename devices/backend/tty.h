/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tty.h - where a console's bytes come from and go to
 *
 * Output is buffered and written by the loop, many bytes at a time, without ever
 * blocking: when nobody reads, the oldest unread bytes make room and are counted.
 * Input is read by the loop when the model has room for it; only a raw terminal
 * is also read ahead, so that the escape key works when the guest does not.
 *
 * The process ignores or blocks SIGPIPE.
 */
#ifndef MUSTER_DEVICES_BACKEND_TTY_H
#define MUSTER_DEVICES_BACKEND_TTY_H

#include "vmm/base/bucket.h"
#include "vmm/base/util.h"
#include "vmm/core/loop.h"

/* Pressed on a raw terminal it stops the VM: Ctrl-], as telnet has it. */
#define TTY_ESCAPE_BYTE 0x1d
#define TTY_ESCAPE_NAME "Ctrl-]"

struct tty; /* opaque */

struct tty_events {
	/* How many bytes the model takes now; 0 stops reading until tty_want(). */
	size_t (*room)(void *model);
	void (*input)(void *model, const uint8_t *data, size_t len);
	/* The escape key was pressed. */
	void (*escape)(void *owner);
};

/* bytes_written, bytes_lost, bytes_limited: complete once tty_free() has returned. */
extern const struct metric_group tty_metrics;

/*
 * `in_fd` may be -1 (no input); both descriptors are borrowed.  A terminal at
 * `in_fd` is put into raw mode until tty_free(), unless another process group
 * has it in the foreground.  0 or -errno with a sentence.
 */
int tty_new(struct loop *loop, int in_fd, int out_fd, struct tty **ret);

/* Drop output that is more than this.  Before anything is written. */
void tty_limit(struct tty *tty, const struct rate *rate);

/* Connect the model (borrowed) and start reading. */
void tty_attach(struct tty *tty, const struct tty_events *events, void *model,
	void *owner);

/* Queue output.  Any thread; never blocks, never fails. */
void tty_write(struct tty *tty, const uint8_t *data, size_t len);

/* The model has room again.  Any thread. */
void tty_want(struct tty *tty);

/* Deliver no input, and then again.  Output goes on, and so does the escape key. */
void tty_pause(struct tty *tty) ON_LOOP;
void tty_resume(struct tty *tty) ON_LOOP;

/* True if in_fd is a terminal, now raw: the start-up line then names the key. */
bool tty_is_raw(const struct tty *tty);

/* Leave raw mode, when there will be no tty_free().  NULL is fine. */
void tty_restore(const struct tty *tty);

/*
 * Write out what is buffered (waiting at most a second for a slow reader),
 * restore the terminal, free.  NULL is fine.  After loop_run() has returned and
 * the threads that write have ended, before loop_free().
 */
struct tty *tty_free(struct tty *tty);

#endif
