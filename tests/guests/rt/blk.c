// SPDX-License-Identifier: Apache-2.0
/* blk.c - virtio-blk requests and the patterns that verify them */
#include "tests/guests/rt/blk.h"

static struct request {
	struct virtio_blk_outhdr header;
	volatile uint8_t status;
} requests[QUEUES_MAX][SLOTS_MAX];

static uint16_t config16(const struct blk *blk, unsigned offset)
{
	return *(volatile uint16_t *)(blk->dev.base + VIRTIO_MMIO_CONFIG +
				      offset);
}

static uint64_t config64(const struct blk *blk, unsigned offset)
{
	return vdev_read(&blk->dev, VIRTIO_MMIO_CONFIG + offset) |
	       (uint64_t)vdev_read(&blk->dev, VIRTIO_MMIO_CONFIG + offset + 4)
		       << 32;
}

uint64_t blk_capacity(const struct blk *blk)
{
	uint32_t generation;
	uint64_t sectors;

	do {
		generation = vdev_read(
			&blk->dev, VIRTIO_MMIO_CONFIG_GENERATION);
		sectors = config64(
			blk, offsetof(struct virtio_blk_config, capacity));
	} while (generation !=
		 vdev_read(&blk->dev, VIRTIO_MMIO_CONFIG_GENERATION));
	return sectors;
}

void blk_reopen(struct blk *blk, uint64_t features)
{
	CHECK(vdev_negotiate(&blk->dev, features));
	CHECK(blk->dev.features & FEATURE(VIRTIO_F_VERSION_1));
	blk->sectors = blk_capacity(blk);
	blk->queues = 1;
	if (blk->dev.features & FEATURE(VIRTIO_BLK_F_MQ))
		blk->queues = config16(
			blk, offsetof(struct virtio_blk_config, num_queues));
	CHECK(blk->queues >= 1 && blk->queues <= QUEUES_MAX);
	for (unsigned i = 0; i < blk->queues; i++) {
		vdev_queue(&blk->dev, i);
		virtq_mute(&blk->dev.queue[i]);
	}
	vdev_go(&blk->dev);
	CHECK(vdev_status(&blk->dev) & VIRTIO_CONFIG_S_DRIVER_OK);
	CHECK(!(vdev_status(&blk->dev) & VIRTIO_CONFIG_S_NEEDS_RESET));
}

void blk_open(struct blk *blk, uint64_t features)
{
	CHECK(vdev_find(&blk->dev, VIRTIO_ID_BLOCK, 0));
	blk_reopen(blk, features);
}

void blk_put(struct blk *blk, unsigned queue, unsigned slot, uint32_t type,
	uint64_t sector, void *data, uint32_t len)
{
	struct request *r = &requests[queue][slot];
	bool reads = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	struct buffer chain[3] = {
		{ &r->header, sizeof(r->header), false },
		{ data, len, reads },
		{ (const void *)&r->status, 1, true },
	};

	r->header = (struct virtio_blk_outhdr){
		.type = type,
		.sector = sector,
	};
	r->status = NO_STATUS;
	if (len == 0)
		chain[1] = chain[2];
	virtq_put(&blk->dev.queue[queue], slot, chain, len ? 3 : 2);
}

uint8_t blk_status(const struct blk *blk, unsigned queue, unsigned slot)
{
	(void)blk;
	return requests[queue][slot].status;
}

int blk_do(struct blk *blk, unsigned queue, uint32_t type, uint64_t sector,
	void *data, uint32_t len)
{
	struct virtq *vq = &blk->dev.queue[queue];
	struct vring_used_elem used;

	blk_put(blk, queue, 0, type, sector, data, len);
	virtq_kick(vq);
	if (!virtq_wait(vq, &used))
		return BLK_LOST;
	CHECK(virtq_slot(vq, &used) == 0);
	return blk_status(blk, queue, 0);
}

int blk_erase(struct blk *blk, uint32_t type, uint64_t sector, uint32_t sectors,
	uint32_t flags)
{
	static struct virtio_blk_discard_write_zeroes range;

	range = (struct virtio_blk_discard_write_zeroes){
		.sector = sector,
		.num_sectors = sectors,
		.flags = flags,
	};
	return blk_do(blk, 0, type, 0, &range, sizeof(range));
}

static uint64_t pattern(uint64_t sector, uint32_t word, uint32_t seed)
{
	return (sector * (SECTOR / 8) + word + 1) * 0x9e3779b97f4a7c15 ^ seed;
}

void pattern_fill(void *data, uint64_t sector, uint32_t len, uint32_t seed)
{
	uint64_t *words = data;

	for (uint32_t i = 0; i < len / 8; i++)
		words[i] = pattern(sector, i, seed);
}

bool pattern_is(const void *data, uint64_t sector, uint32_t len, uint32_t seed)
{
	const volatile uint64_t *words = data;

	for (uint32_t i = 0; i < len / 8; i++) {
		if (words[i] != pattern(sector, i, seed))
			return false;
	}
	return true;
}

bool is_zero(const void *data, uint32_t len)
{
	const volatile uint64_t *words = data;

	for (uint32_t i = 0; i < len / 8; i++) {
		if (words[i] != 0)
			return false;
	}
	return true;
}
