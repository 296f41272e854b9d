// SPDX-License-Identifier: Apache-2.0
/*
 * blk-discard.c - discard and write-zeroes within the limits that the device
 * tells; the host finds sectors 2048 to 4095 and 8192 to 10239 to be holes
 */
#include "tests/guests/rt/blk.h"

#define BYTES   (64u << 10)
#define SECTORS (BYTES / SECTOR)
#define RANGE   2048 /* sectors: 1 MiB */
#define DISCARD 2048
#define ZEROES  8192
#define UNMAP   VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP

static struct blk blk;
static uint8_t data[BYTES] ALIGNED(4096);

static void fill(uint64_t start)
{
	for (uint64_t s = start; s < start + RANGE; s += SECTORS) {
		pattern_fill(data, s, BYTES, 1);
		CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_OUT, s, data, BYTES) == 0);
	}
}

static void check_zero(uint64_t start)
{
	for (uint64_t s = start; s < start + RANGE; s += SECTORS) {
		CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_IN, s, data, BYTES) == 0);
		CHECK(is_zero(data, BYTES));
	}
}

static void bad_ranges_are_refused(void)
{
	uint32_t end = (uint32_t)blk.sectors;

	CHECK(blk_erase(&blk, VIRTIO_BLK_T_DISCARD, end, 8, 0) ==
		VIRTIO_BLK_S_IOERR);
	CHECK(blk_erase(&blk, VIRTIO_BLK_T_WRITE_ZEROES, end - 8, 16, 0) ==
		VIRTIO_BLK_S_IOERR);
	CHECK(blk_erase(&blk, VIRTIO_BLK_T_WRITE_ZEROES, ~0ull, 8, 0) ==
		VIRTIO_BLK_S_IOERR);
	/* Discard must not carry the unmap flag (5.2.6.2); others are unknown. */
	CHECK(blk_erase(&blk, VIRTIO_BLK_T_DISCARD, 0, 8, UNMAP) ==
		VIRTIO_BLK_S_UNSUPP);
	CHECK(blk_erase(&blk, VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 2) ==
		VIRTIO_BLK_S_UNSUPP);
}

void payload(void)
{
	blk_open(&blk, BLK_FEATURES);
	CHECK(blk.dev.features & FEATURE(VIRTIO_BLK_F_DISCARD));
	CHECK(blk.dev.features & FEATURE(VIRTIO_BLK_F_WRITE_ZEROES));

	fill(DISCARD);
	CHECK(blk_erase(&blk, VIRTIO_BLK_T_DISCARD, DISCARD, RANGE, 0) == 0);
	check_zero(DISCARD);

	fill(ZEROES);
	CHECK(blk_erase(&blk, VIRTIO_BLK_T_WRITE_ZEROES, ZEROES, RANGE,
		      UNMAP) == 0);
	check_zero(ZEROES);

	fill(ZEROES + RANGE);
	CHECK(blk_erase(&blk, VIRTIO_BLK_T_WRITE_ZEROES, ZEROES + RANGE, RANGE,
		      0) == 0);
	check_zero(ZEROES + RANGE);
	bad_ranges_are_refused();
}
