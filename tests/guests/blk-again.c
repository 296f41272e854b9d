// SPDX-License-Identifier: Apache-2.0
/*
 * blk-again.c - reads for ever, several at a time, each checked; after `rounds=` of them
 * the device is reset while some are in flight.  A port shows the monitor each read.
 */
#include "tests/guests/rt/blk.h"

#define DEPTH      8
#define ROUNDS     64
#define COUNT_PORT 0x700

static struct blk blk;
static uint8_t data[DEPTH][SECTOR] ALIGNED(4096);
static uint32_t reads;

static void put(unsigned slot)
{
	memset(data[slot], 0xee, SECTOR);
	blk_put(&blk, 0, slot, VIRTIO_BLK_T_IN, slot, data[slot], SECTOR);
}

static void show(void)
{
	reads++;
	__asm__ volatile("outl %0, %1" : : "a"(reads), "d"(COUNT_PORT));
}

static void take_one(void)
{
	struct virtq *vq = &blk.dev.queue[0];
	struct vring_used_elem used;
	unsigned slot;

	CHECK(virtq_wait(vq, &used));
	slot = virtq_slot(vq, &used);
	CHECK(slot < DEPTH);
	CHECK(blk_status(&blk, 0, slot) == VIRTIO_BLK_S_OK);
	CHECK(is_zero(data[slot], SECTOR));
	show();
	put(slot);
	virtq_kick(vq);
}

void payload(void)
{
	unsigned rounds = cmdline_number("rounds", ROUNDS);

	blk_open(&blk, BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX));
	for (;;) {
		for (unsigned slot = 0; slot < DEPTH; slot++)
			put(slot);
		virtq_kick(&blk.dev.queue[0]);
		for (unsigned i = 0; i < rounds; i++)
			take_one();
		blk_reopen(
			&blk, BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX));
	}
}
