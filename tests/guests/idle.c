// SPDX-License-Identifier: Apache-2.0
/* idle.c - a guest whose only CPU sleeps for ever, its disk ready */
#include "tests/guests/rt/blk.h"

static struct blk blk;
static uint8_t data[SECTOR] ALIGNED(4096);

void payload(void)
{
	if (vdev_find(&blk.dev, VIRTIO_ID_BLOCK, 0)) {
		blk_open(&blk, BLK_FEATURES);
		CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_IN, 0, data, SECTOR) == 0);
	}
	verdict_ok();
	ring0_call(ring0_halt, 0);
}
