/* SPDX-License-Identifier: Apache-2.0 */
/* blk.h - virtio-blk requests (virtio 1.2, 5.2), one at a time or many */
#ifndef MUSTER_GUESTS_BLK_H
#define MUSTER_GUESTS_BLK_H

#include <linux/virtio_blk.h>

#include "tests/guests/rt/virtio.h"

#define SECTOR 512
#define NO_STATUS \
	0xff          /* what a status byte holds before the device writes it */
#define BLK_LOST (-1) /* the request never came back */

/* Everything that our requests may use; QUEUES_MAX of the device's queues. */
#define BLK_FEATURES                                                       \
	(FEATURE(VIRTIO_BLK_F_RO) | FEATURE(VIRTIO_BLK_F_FLUSH) |          \
		FEATURE(VIRTIO_BLK_F_MQ) | FEATURE(VIRTIO_BLK_F_DISCARD) | \
		FEATURE(VIRTIO_BLK_F_WRITE_ZEROES))

struct blk {
	struct vdev dev;
	unsigned queues;
	uint64_t sectors;
};

/* Find the first disk, negotiate, set up its queues, go.  CHECKs. */
void blk_open(struct blk *blk, uint64_t features);

/* The same with the device that `blk` holds, whatever state it is in. */
void blk_reopen(struct blk *blk, uint64_t features);

/* What the device says of its size now, read as a whole. */
uint64_t blk_capacity(const struct blk *blk);

/* Offer a request as `slot` of a queue without kicking; `len` 0: no data. */
void blk_put(struct blk *blk, unsigned queue, unsigned slot, uint32_t type,
	uint64_t sector, void *data, uint32_t len);

/* The status byte of `slot`. */
uint8_t blk_status(const struct blk *blk, unsigned queue, unsigned slot);

/* One request from start to end: its status byte, or BLK_LOST. */
int blk_do(struct blk *blk, unsigned queue, uint32_t type, uint64_t sector,
	void *data, uint32_t len);

/* Discard or write zeroes. */
int blk_erase(struct blk *blk, uint32_t type, uint64_t sector, uint32_t sectors,
	uint32_t flags);

/* Fill with a pattern that depends on sector and seed; compare. */
void pattern_fill(void *data, uint64_t sector, uint32_t len, uint32_t seed);
bool pattern_is(const void *data, uint64_t sector, uint32_t len, uint32_t seed);
bool is_zero(const void *data, uint32_t len);

#endif
