/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box.h - a disk and an entropy device on memory that the sanitizer watches
 *
 * Each device has its guest; they share memory and a fake loop.  File operations
 * are checked to stay inside of the guest's memory and of the disk.
 */
#ifndef MUSTER_TESTS_FUZZ_BOX_H
#define MUSTER_TESTS_FUZZ_BOX_H

#include "devices/virtio/blk.h"
#include "devices/virtio/rng.h"
#include "tests/unit/guest.h"

#define BOX_RAM_BYTES  0x48000
#define BOX_DISK_BYTES 0x8000
#define BOX_QUEUES     2

enum { BOX_BLK, BOX_RNG, BOX_GUESTS };

struct box {
	struct guest guest[BOX_GUESTS];
	struct disk *disk;
	struct virtio_blk blk;
	struct virtio_rng rng;
};

/* The only one. */
extern struct box box;

void box_power_on(void);

/* Whatever happened: a reset helps, and then a good request is served. */
void box_must_serve(void);

void box_power_off(void);

#endif
