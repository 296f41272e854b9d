/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tty_out.h - the output half of a tty: any thread queues, the loop writes
 *
 * Theory of operation.  Bytes have positions in an endless stream; the ring
 * holds the newest TTY_OUT_RING_BYTES of it, so a writer only ever advances
 * `tail` and overwrites.  The flush copies a burst out under the lock, writes it
 * without the lock (a file may take its time), and then advances `sent`.  Where
 * it finds that `sent` has fallen out of the ring, the bytes between are lost.
 *
 * The first byte after silence calls the loop, which waits FLUSH_DELAY_NS for
 * company: a guest prints byte by byte, and each byte is not worth a wake-up.
 */
#ifndef MUSTER_DEVICES_BACKEND_TTY_OUT_H
#define MUSTER_DEVICES_BACKEND_TTY_OUT_H

#include "devices/backend/nonblock.h"
#include "vmm/base/bucket.h"
#include "vmm/core/loop.h"

#define TTY_OUT_RING_BYTES  (64 * KIB)
#define TTY_OUT_BURST_BYTES (16 * KIB)

struct tty_out {
	struct loop *loop;
	struct nonblock target;
	pthread_mutex_t
		lock;   /* protects ring, tail, flush_due, broken, bucket */
	uint64_t tail;  /* bytes ever queued */
	bool flush_due; /* the loop knows that there is something */
	bool broken;    /* the target is gone: only count */
	bool limited;   /* by the bucket */
	struct bucket bucket;

	/* The flush's, which runs on the loop. */
	uint64_t sent; /* bytes ever written or lost */
	uint64_t lost;
	bool waiting; /* for POLLOUT */
	struct loop_call call;
	struct loop_timer timer;
	struct loop_watch watch;

	uint8_t ring[TTY_OUT_RING_BYTES];
	uint8_t burst[TTY_OUT_BURST_BYTES];
};

/* `fd` is borrowed.  0 or -errno with a sentence. */
int tty_out_init(struct tty_out *out, struct loop *loop, int fd);

/* Drop what is more than this, from now on. */
void tty_out_limit(struct tty_out *out, const struct rate *rate);

/* Any thread; never blocks, never fails. */
void tty_out_write(struct tty_out *out, const uint8_t *data, size_t len);

/*
 * Write what is left, waiting at most a second.  No other thread may write any
 * more; loop_run has returned.
 */
void tty_out_fini(struct tty_out *out);

#endif
