// SPDX-License-Identifier: Apache-2.0
/*
 * blk-features.c - requests work with and without indirect descriptors and event
 * indices, and a reset in between forgets the old choice
 */
#include "tests/guests/rt/blk.h"

#define BYTES    4096
#define REQUESTS 300 /* the ring wraps */

static struct blk blk;
static uint8_t data[BYTES] ALIGNED(4096);

static void works_with(uint64_t features)
{
	blk_reopen(&blk, features);
	CHECK((blk.dev.features & features) == features);
	for (unsigned i = 0; i < REQUESTS; i++) {
		uint64_t sector = 8 * (i % 16);

		pattern_fill(data, sector, BYTES, i);
		CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_OUT, sector, data, BYTES) ==
			0);
		memset(data, 0, BYTES);
		CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_IN, sector, data, BYTES) ==
			0);
		CHECK(pattern_is(data, sector, BYTES, i));
	}
}

void payload(void)
{
	uint64_t indirect = FEATURE(VIRTIO_RING_F_INDIRECT_DESC);
	uint64_t event_idx = FEATURE(VIRTIO_RING_F_EVENT_IDX);

	blk_open(&blk, 0);
	works_with(0);
	works_with(indirect);
	works_with(event_idx);
	works_with(indirect | event_idx);
	works_with(0);
}
