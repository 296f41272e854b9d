// SPDX-License-Identifier: Apache-2.0
/*
 * blk-swap.c - reads a disk for ever and prints "disk N of M sectors" whenever it turned
 * into another: N is the number in its first bytes.  A change of size must be announced.
 */
#include "tests/guests/rt/blk.h"

static struct blk blk;
static uint8_t data[SECTOR] ALIGNED(4096);

static bool announced(void)
{
	uint32_t status = vdev_read(&blk.dev, VIRTIO_MMIO_INTERRUPT_STATUS);

	vdev_write(&blk.dev, VIRTIO_MMIO_INTERRUPT_ACK, status);
	return status & VIRTIO_MMIO_INT_CONFIG;
}

static uint64_t number_of_disk(void)
{
	uint64_t number;

	CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_IN, 0, data, SECTOR) == 0);
	memcpy(&number, data, sizeof(number));
	return number;
}

void payload(void)
{
	uint64_t shown = 0;

	blk_open(&blk, BLK_FEATURES);
	for (;;) {
		uint64_t sectors = blk_capacity(&blk);
		uint64_t number;

		if (sectors != blk.sectors)
			CHECK(announced());
		blk.sectors = sectors;
		number = number_of_disk();
		if (number == shown || sectors != blk_capacity(&blk))
			continue;
		CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_IN, sectors - 1, data,
			      SECTOR) == 0);
		print("disk %lu of %lu sectors\n", number, sectors);
		shown = number;
	}
}
