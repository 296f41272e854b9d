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

static uint32_t generation(void)
{
	return vdev_read(&blk.dev, VIRTIO_MMIO_CONFIG_GENERATION);
}

/* The last sector, and the number in the first; false if they are of two disks. */
static bool look(uint64_t *ret_number)
{
	uint32_t before = generation();
	uint64_t sectors = blk_capacity(&blk);
	int status;

	if (sectors != blk.sectors)
		CHECK(announced());
	blk.sectors = sectors;
	status = blk_do(&blk, 0, VIRTIO_BLK_T_IN, sectors - 1, data, SECTOR);
	if (generation() == before)
		CHECK(status == 0);
	CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_IN, 0, data, SECTOR) == 0);
	memcpy(ret_number, data, sizeof(*ret_number));
	return generation() == before;
}

void payload(void)
{
	uint64_t shown = 0, number;

	blk_open(&blk, BLK_FEATURES);
	for (;;) {
		if (!look(&number) || number == shown)
			continue;
		print("disk %lu of %lu sectors\n", number, blk.sectors);
		shown = number;
	}
}
