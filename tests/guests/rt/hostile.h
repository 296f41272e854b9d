/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile.h - attacks on a disk by its driver, one after the other
 *
 * Each attack finds the disk freshly opened.  Afterwards the disk must be as
 * `expect` says, a reset must bring it back, and one good read must find what the
 * host has put into sectors 0 to 7.
 */
#ifndef MUSTER_GUESTS_HOSTILE_H
#define MUSTER_GUESTS_HOSTILE_H

#include "tests/guests/rt/blk.h"

enum expect {
	BROKEN,   /* NEEDS_RESET, and a configuration interrupt says so */
	REFUSED,  /* BROKEN, or completed with anything but status OK */
	HARMLESS, /* whatever it did: it comes back after a reset */
};

struct attack {
	const char *name;
	enum expect expect;
	void (*run)(struct blk *blk);
};

#define HOSTILE_FEATURES                                       \
	(BLK_FEATURES | FEATURE(VIRTIO_RING_F_INDIRECT_DESC) | \
		FEATURE(VIRTIO_RING_F_EVENT_IDX))

void attack_all(const struct attack *attacks, unsigned count);

/* ---- a read request in descriptors 0, 1, 2 of queue 0, for mutilation ---- */

extern struct virtio_blk_outhdr raw_header;
extern uint8_t raw_data[4096];
extern volatile uint8_t raw_status;

/* The request as it should be: header, 4 KiB of data, status. */
void raw_request(struct vring_desc *desc);

struct vring_desc raw_desc(
	const volatile void *p, uint32_t len, unsigned flags, unsigned next);

/* Offer head 0 on queue 0 and kick. */
void raw_go(struct blk *blk);

/* Where RAM below 4 GiB ends. */
uint64_t ram_end(void);

#endif
