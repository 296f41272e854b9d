// SPDX-License-Identifier: Apache-2.0
/* blk-readonly.c - a read-only disk says so, reads, and refuses to change */
#include "tests/guests/rt/blk.h"

static struct blk blk;
static uint8_t data[SECTOR] ALIGNED(4096);

void payload(void)
{
	blk_open(&blk, BLK_FEATURES);
	CHECK(blk.dev.features & FEATURE(VIRTIO_BLK_F_RO));
	CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_IN, 0, data, SECTOR) == 0);
	CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_OUT, 0, data, SECTOR) ==
		VIRTIO_BLK_S_IOERR);
	CHECK(blk_erase(&blk, VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0) != 0);
	CHECK(blk_erase(&blk, VIRTIO_BLK_T_DISCARD, 0, 8, 0) != 0);
	CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_IN, 0, data, SECTOR) == 0);
}
