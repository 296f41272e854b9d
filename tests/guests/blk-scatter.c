// SPDX-License-Identifier: Apache-2.0
/*
 * blk-scatter.c - a request may be cut into descriptors anywhere (virtio 1.2,
 * 2.7.4.1): a header in two pieces, data in odd ones, the status with the data
 */
#include "tests/guests/rt/blk.h"

#define BYTES  4096
#define PIECES 5

static struct blk blk;
static uint8_t bytes[BYTES + 1] ALIGNED(4096);
static struct virtio_blk_outhdr header;

/* Cut [p, p + len) at odd places into descriptors from `first` on. */
static unsigned cut(struct virtq *vq, unsigned first, const void *p,
	uint32_t len, unsigned pieces, uint16_t flags)
{
	uint64_t addr = (uint64_t)p;

	for (; pieces; pieces--, first++) {
		uint32_t part = pieces == 1 ? len : (len / pieces) | 1;

		vq->desc[first] = (struct vring_desc){
			.addr = addr,
			.len = part,
			.flags = flags | VRING_DESC_F_NEXT,
			.next = (uint16_t)(first + 1),
		};
		addr += part;
		len -= part;
	}
	return first;
}

void payload(void)
{
	struct virtq *vq = &blk.dev.queue[0];
	struct vring_used_elem used;

	blk_open(&blk, 0);
	pattern_fill(bytes, 64, BYTES, 1);
	CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_OUT, 64, bytes, BYTES) == 0);

	memset(bytes, 0xff, sizeof(bytes));
	header = (struct virtio_blk_outhdr){ .sector = 64 };
	unsigned n = cut(vq, 0, &header, sizeof(header), 2, 0);
	n = cut(vq, n, bytes, sizeof(bytes), PIECES, VRING_DESC_F_WRITE);
	vq->desc[n - 1].flags = VRING_DESC_F_WRITE;
	virtq_offer(vq, 0);
	virtq_kick(vq);
	CHECK(virtq_wait(vq, &used));
	CHECK(used.id == 0);
	CHECK(used.len == sizeof(bytes));
	CHECK(bytes[BYTES] == VIRTIO_BLK_S_OK);
	CHECK(pattern_is(bytes, 64, BYTES, 1));
}
