// SPDX-License-Identifier: Apache-2.0
/* hostile-ring.c - rings in bad places, bad sizes, bad indices, bad moments */
#include "tests/guests/rt/hostile.h"

#define MMIO_GAP (3 * GIB)
#define DESC     VIRTIO_MMIO_QUEUE_DESC_LOW
#define AVAIL    VIRTIO_MMIO_QUEUE_AVAIL_LOW
#define USED     VIRTIO_MMIO_QUEUE_USED_LOW
#define NOWHERE  0xffffffffffff0000ull

/* Queue 0 as it should be but for one register pair, then DRIVER_OK and a kick. */
static void with_ring_at(struct blk *blk, unsigned reg, uint64_t addr)
{
	CHECK(vdev_negotiate(&blk->dev, HOSTILE_FEATURES));
	vdev_queue(&blk->dev, 0);
	vdev_write(&blk->dev, VIRTIO_MMIO_QUEUE_READY, 0);
	vdev_write(&blk->dev, reg, (uint32_t)addr);
	vdev_write(&blk->dev, reg + 4, (uint32_t)(addr >> 32));
	vdev_write(&blk->dev, VIRTIO_MMIO_QUEUE_READY, 1);
	vdev_go(&blk->dev);
	raw_request(blk->dev.queue[0].desc);
	raw_go(blk);
}

#define PLACE(name, addr)                         \
	static void desc_##name(struct blk *blk)  \
	{                                         \
		with_ring_at(blk, DESC, addr);    \
	}                                         \
	static void avail_##name(struct blk *blk) \
	{                                         \
		with_ring_at(blk, AVAIL, addr);   \
	}                                         \
	static void used_##name(struct blk *blk)  \
	{                                         \
		with_ring_at(blk, USED, addr);    \
	}

#define PLACE_ROWS(name, text)                                    \
	{ "descriptor table " text, BROKEN, desc_##name },        \
		{ "available ring " text, BROKEN, avail_##name }, \
	{                                                         \
		"used ring " text, BROKEN, used_##name            \
	}

PLACE(behind_ram, ram_end())
PLACE(across_end, ram_end() - 16)
PLACE(in_gap, MMIO_GAP)
PLACE(at_lapic, LAPIC)
PLACE(nowhere, NOWHERE)
PLACE(unaligned, ram_end() - 65536 + 1)

static void with_size(struct blk *blk, uint32_t size)
{
	CHECK(vdev_negotiate(&blk->dev, HOSTILE_FEATURES));
	vdev_queue(&blk->dev, 0);
	vdev_write(&blk->dev, VIRTIO_MMIO_QUEUE_READY, 0);
	vdev_write(&blk->dev, VIRTIO_MMIO_QUEUE_NUM, size);
	vdev_write(&blk->dev, VIRTIO_MMIO_QUEUE_READY, 1);
	vdev_go(&blk->dev);
	raw_go(blk);
}

static void size_zero(struct blk *blk)
{
	with_size(blk, 0);
}

static void size_three(struct blk *blk)
{
	with_size(blk, 3);
}

static void size_too_large(struct blk *blk)
{
	with_size(blk, 2 * blk->dev.queue[0].size);
}

static void size_truncated(struct blk *blk)
{
	with_size(blk, 0x10000 | blk->dev.queue[0].size);
}

static void size_huge(struct blk *blk)
{
	with_size(blk, 0xffffffff);
}

static void queue_that_is_not(struct blk *blk)
{
	static const uint32_t none[] = { QUEUES_MAX, 1024, 0xffff, 0xffffffff };

	CHECK(vdev_negotiate(&blk->dev, HOSTILE_FEATURES));
	for (unsigned i = 0; i < ARRAY_SIZE(none); i++) {
		vdev_write(&blk->dev, VIRTIO_MMIO_QUEUE_SEL, none[i]);
		CHECK(!vdev_read(&blk->dev, VIRTIO_MMIO_QUEUE_NUM_MAX));
		vdev_write(&blk->dev, VIRTIO_MMIO_QUEUE_NUM, 16);
		vdev_write(&blk->dev, VIRTIO_MMIO_QUEUE_READY, 1);
		CHECK(!vdev_read(&blk->dev, VIRTIO_MMIO_QUEUE_READY));
	}
}

static void jump(struct blk *blk, uint16_t by)
{
	struct virtq *vq = &blk->dev.queue[0];

	vq->avail->idx = (uint16_t)(vq->avail->idx + by);
	write32(vq->notify, 0);
}

static void jump_by_size_and_one(struct blk *blk)
{
	jump(blk, (uint16_t)(blk->dev.queue[0].size + 1));
}

static void jump_by_half_the_range(struct blk *blk)
{
	jump(blk, 0x8000);
}

static void jump_backwards(struct blk *blk)
{
	jump(blk, 0xffff);
}

static void kick_what_is_not(struct blk *blk)
{
	static const uint32_t none[] = { 1, 77, 0xffff, 0xffffffff };

	for (unsigned i = 0; i < ARRAY_SIZE(none); i++)
		write32(blk->dev.queue[0].notify, none[i]);
}

/* A doorbell before DRIVER_OK must not start anything. */
static void kick_too_early(struct blk *blk)
{
	CHECK(vdev_negotiate(&blk->dev, HOSTILE_FEATURES));
	vdev_queue(&blk->dev, 0);
	raw_request(blk->dev.queue[0].desc);
	raw_go(blk);
	for (unsigned i = 0; i < 100000; i++)
		relax();
	CHECK(raw_status == NO_STATUS);
}

static void move_a_live_queue(struct blk *blk)
{
	vdev_write(&blk->dev, VIRTIO_MMIO_QUEUE_SEL, 0);
	vdev_write(&blk->dev, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)ram_end());
	vdev_write(&blk->dev, VIRTIO_MMIO_QUEUE_NUM, 1);
	raw_go(blk);
}

static void stop_a_live_queue(struct blk *blk)
{
	raw_go(blk);
	vdev_write(&blk->dev, VIRTIO_MMIO_QUEUE_SEL, 0);
	vdev_write(&blk->dev, VIRTIO_MMIO_QUEUE_READY, 0);
	raw_go(blk);
}

static void offer_all(struct blk *blk, uint32_t type)
{
	struct virtq *vq = &blk->dev.queue[0];

	raw_header.type = type;
	for (unsigned i = 0; i < vq->size; i++)
		virtq_offer(vq, 0);
	write32(vq->notify, 0);
}

/* The vCPU waits in its reset until the last of these has come back. */
static void reset_in_flight(struct blk *blk)
{
	offer_all(blk, VIRTIO_BLK_T_IN);
	CHECK(vdev_reset(&blk->dev));
}

/*
 * One head, offered again as soon as the device has taken it and while it still
 * works on it: more requests in flight than there are descriptors.  The device's
 * event index says how far it has come.
 */
static void same_head_for_ever(struct blk *blk)
{
	struct virtq *vq = &blk->dev.queue[0];
	const volatile uint16_t *taken =
		(const volatile void *)&vq->used->ring[vq->size];

	for (unsigned i = 0; i < 16; i++) {
		offer_all(blk, VIRTIO_BLK_T_FLUSH);
		CHECK(wait_for(
			*taken == vq->avail_idx ||
			vdev_status(&blk->dev) & VIRTIO_CONFIG_S_NEEDS_RESET));
	}
}

/* Just fast enough that the device may never find the ring empty. */
static void never_empty(struct blk *blk)
{
	struct virtq *vq = &blk->dev.queue[0];

	write32(vq->notify, 0);
	for (unsigned i = 0; i < 20000; i++) {
		virtq_offer(vq, 0);
		virtq_kick(vq);
	}
}

static const struct attack attacks[] = {
	PLACE_ROWS(behind_ram, "behind RAM"),
	PLACE_ROWS(across_end, "across the end of RAM"),
	PLACE_ROWS(in_gap, "in the gap"),
	PLACE_ROWS(at_lapic, "at the local APIC"),
	PLACE_ROWS(nowhere, "beyond all RAM"),
	PLACE_ROWS(unaligned, "misaligned"),
	{ "queue of size 0", BROKEN, size_zero },
	{ "queue of size 3", BROKEN, size_three },
	{ "queue of twice the size", BROKEN, size_too_large },
	{ "queue size with high bits", BROKEN, size_truncated },
	{ "queue of size 0xffffffff", BROKEN, size_huge },
	{ "queue that is not there", HARMLESS, queue_that_is_not },
	{ "index jumps by size + 1", BROKEN, jump_by_size_and_one },
	{ "index jumps by 0x8000", BROKEN, jump_by_half_the_range },
	{ "index jumps backwards", BROKEN, jump_backwards },
	{ "kick of no queue", HARMLESS, kick_what_is_not },
	{ "kick before DRIVER_OK", HARMLESS, kick_too_early },
	{ "move a live queue", HARMLESS, move_a_live_queue },
	{ "stop a live queue", HARMLESS, stop_a_live_queue },
	{ "reset with requests in flight", HARMLESS, reset_in_flight },
	{ "same head for ever", HARMLESS, same_head_for_ever },
	{ "never empty", HARMLESS, never_empty },
};

void payload(void)
{
	attack_all(attacks, ARRAY_SIZE(attacks));
}
