// SPDX-License-Identifier: Apache-2.0
/*
 * virtq.c - a split virtqueue from the driver's side (virtio 1.2, 2.7)
 *
 * Request slot s owns descriptors CHAIN_MAX * s onwards, or descriptor s and an
 * indirect table: no free list is needed.  x86 keeps loads and stores in order;
 * only "publish, then look whether to notify" needs a real fence.
 */
#include "tests/guests/rt/virtio.h"

static void fill_chain(struct vring_desc *desc, uint16_t first,
	const struct buffer *buf, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		bool last = i + 1 == count;

		desc[i] = (struct vring_desc){
			.addr = (uint64_t)buf[i].data,
			.len = buf[i].len,
			.flags = (uint16_t)((last ? 0 : VRING_DESC_F_NEXT) |
					    (buf[i].device_writes
							    ? VRING_DESC_F_WRITE
							    : 0)),
			.next = (uint16_t)(last ? 0 : first + i + 1),
		};
	}
}

/* Descriptors of a slot. */
static unsigned stride(const struct virtq *vq)
{
	return vq->indirect ? 1 : CHAIN_MAX;
}

void virtq_put(struct virtq *vq, unsigned slot, const struct buffer *buf,
	unsigned count)
{
	uint16_t head = (uint16_t)(slot * stride(vq));

	CHECK(head + stride(vq) <= vq->size);
	if (vq->indirect) {
		fill_chain(vq->table[slot], 0, buf, count);
		vq->desc[head] = (struct vring_desc){
			.addr = (uint64_t)vq->table[slot],
			.len = count * (uint32_t)sizeof(struct vring_desc),
			.flags = VRING_DESC_F_INDIRECT,
		};
	} else {
		fill_chain(vq->desc + head, head, buf, count);
	}
	virtq_offer(vq, head);
}

void virtq_offer(struct virtq *vq, uint16_t head)
{
	vq->avail->ring[vq->avail_idx % vq->size] = head;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	vq->avail->idx = ++vq->avail_idx;
}

static bool wants_kick(const struct virtq *vq)
{
	const volatile void *ring_end = &vq->used->ring[vq->size];

	if (!vq->event_idx)
		return !(vq->used->flags & VRING_USED_F_NO_NOTIFY);
	return vring_need_event(*(const volatile uint16_t *)ring_end,
		vq->avail_idx, vq->kicked);
}

void virtq_kick(struct virtq *vq)
{
	/* Pairs with the device's fence between avail_event and avail->idx. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	bool kick = wants_kick(vq);

	vq->kicked = vq->avail_idx;
	if (kick)
		write32(vq->notify, vq->index);
}

bool virtq_poll(struct virtq *vq, struct vring_used_elem *ret)
{
	const volatile vring_used_elem_t *elem;

	if (vq->used->idx == vq->used_idx)
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	elem = &vq->used->ring[vq->used_idx++ % vq->size];
	ret->id = elem->id;
	ret->len = elem->len;
	return true;
}

bool virtq_wait(struct virtq *vq, struct vring_used_elem *ret)
{
	return wait_for(virtq_poll(vq, ret));
}

unsigned virtq_slot(const struct virtq *vq, const struct vring_used_elem *used)
{
	CHECK(used->id < vq->size && used->id % stride(vq) == 0);
	return used->id / stride(vq);
}

static void set_used_event(struct virtq *vq, uint16_t v)
{
	vq->avail->ring[vq->size] = v;
}

/* Behind by half the range: the device does not come there in our lifetime. */
void virtq_mute(struct virtq *vq)
{
	vq->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	set_used_event(vq, (uint16_t)(vq->used_idx - 0x8000));
}

void virtq_unmute(struct virtq *vq)
{
	vq->avail->flags = 0;
	set_used_event(vq, vq->used_idx);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
