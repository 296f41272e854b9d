/* SPDX-License-Identifier: Apache-2.0 */
/* blkguest.h - a guest with a virtio-blk device on an image of 128 sectors */
#ifndef MUSTER_TESTS_UNIT_BLKGUEST_H
#define MUSTER_TESTS_UNIT_BLKGUEST_H

#include "devices/virtio/blk.h"
#include "tests/unit/guest.h"
#include "tests/unit/image.h"

#define BLKGUEST_QUEUES   2
#define BLKGUEST_ID       "serial-0123456789abc" /* 20 bytes, no NUL */
#define BLKGUEST_FEATURES (VERSION_1 | BIT64(VIRTIO_BLK_F_FLUSH))

/* Where blkguest_io() puts the parts of its request. */
#define BLKGUEST_TABLE    (GUEST_DATA - 0x1000)
#define BLKGUEST_HEADER   GUEST_DATA
#define BLKGUEST_STATUS   (GUEST_DATA + 0x1000)
#define BLKGUEST_DATA     (GUEST_DATA + 0x2000)

struct blkguest {
	struct guest guest;
	struct disk *disk;
	struct virtio_blk blk;
	uint32_t written; /* what the used element of the last request said */
};

/* For cmocka: the only one there is, at DRIVER_OK with one ring of 16. */
extern struct blkguest blkguest;
int blkguest_setup(void **state);
int blkguest_setup_readonly(void **state);
int blkguest_teardown(void **state);

/*
 * Put one request with `len` bytes of data into queue 0: readable data for OUT, else
 * writable; blkguest_out() makes it readable whatever the type.  Its status.
 */
uint8_t blkguest_io(uint32_t type, uint64_t sector, uint32_t len);
uint8_t blkguest_out(uint32_t type, uint64_t sector, uint32_t len);

/* The same, without the doorbell: request `i` of up to 5 that use head 3 * i. */
void blkguest_offer(unsigned i, uint32_t type, uint64_t sector, uint32_t len,
	bool readable);

/* `len` bytes of guest data from `at` are `byte`. */
void blkguest_expect(uint32_t at, uint32_t len, uint8_t byte);

/* A byte of the image on the host. */
uint8_t blkguest_image_byte(uint64_t at);

#endif
