// SPDX-License-Identifier: Apache-2.0
/*
 * ioeventfd.c - many kicks, one per request, on all queues at once: no doorbell
 * is lost, every request completes exactly once
 */
#include "tests/guests/rt/blk.h"

#define DEPTH    16
#define REQUESTS 2000 /* per queue */

static struct blk blk;
static uint8_t data[QUEUES_MAX][DEPTH][SECTOR] ALIGNED(4096);
static unsigned put[QUEUES_MAX], done[QUEUES_MAX];
static bool busy[QUEUES_MAX][DEPTH];

static void put_one(unsigned queue, unsigned slot)
{
	uint64_t sector = (put[queue]++ * 7) % blk.sectors;

	busy[queue][slot] = true;
	blk_put(&blk, queue, slot, VIRTIO_BLK_T_IN, sector, data[queue][slot],
		SECTOR);
	virtq_kick(&blk.dev.queue[queue]);
}

static bool take_one(unsigned queue)
{
	struct virtq *vq = &blk.dev.queue[queue];
	struct vring_used_elem used;

	if (!virtq_poll(vq, &used))
		return false;
	unsigned slot = virtq_slot(vq, &used);
	CHECK(slot < DEPTH && busy[queue][slot]);
	CHECK(blk_status(&blk, queue, slot) == VIRTIO_BLK_S_OK);
	busy[queue][slot] = false;
	done[queue]++;
	if (put[queue] < REQUESTS)
		put_one(queue, slot);
	return true;
}

static bool take_any(void)
{
	bool any = false;

	for (unsigned queue = 0; queue < blk.queues; queue++)
		any |= take_one(queue);
	return any;
}

static bool all_done(void)
{
	bool all = true;

	for (unsigned queue = 0; queue < blk.queues; queue++)
		all &= done[queue] == REQUESTS;
	return all;
}

void payload(void)
{
	blk_open(&blk, BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX));
	for (unsigned queue = 0; queue < blk.queues; queue++) {
		for (unsigned slot = 0; slot < DEPTH; slot++)
			put_one(queue, slot);
	}
	while (!all_done())
		CHECK(wait_for(take_any()));
	CHECK(!take_any());
}
