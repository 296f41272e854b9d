// SPDX-License-Identifier: Apache-2.0
/* blk-deep.c - as many requests in flight as the queue has descriptors */
#include "tests/guests/rt/blk.h"

#define ROUNDS 20

static struct blk blk;
static uint8_t data[SLOTS_MAX][SECTOR] ALIGNED(4096);

static void round_of(uint32_t type)
{
	struct virtq *vq = &blk.dev.queue[0];
	uint32_t len = type == VIRTIO_BLK_T_FLUSH ? 0 : SECTOR;
	struct vring_used_elem used;

	for (unsigned slot = 0; slot < vq->size; slot++)
		blk_put(&blk, 0, slot, type, slot, data[slot], len);
	virtq_kick(vq);
	for (unsigned i = 0; i < vq->size; i++) {
		CHECK(virtq_wait(vq, &used));
		CHECK(blk_status(&blk, 0, virtq_slot(vq, &used)) == 0);
	}
	CHECK(!(vdev_status(&blk.dev) & VIRTIO_CONFIG_S_NEEDS_RESET));
}

void payload(void)
{
	blk_open(&blk, BLK_FEATURES | FEATURE(VIRTIO_RING_F_INDIRECT_DESC));
	for (unsigned i = 0; i < ROUNDS; i++) {
		round_of(VIRTIO_BLK_T_OUT);
		round_of(VIRTIO_BLK_T_IN);
		round_of(VIRTIO_BLK_T_FLUSH);
	}
}
