/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtqueue.h - the split virtqueue (virtio 1.2, 2.7), device side
 *
 * virtqueue.c is the only file that touches a ring.  Each descriptor is copied
 * once into a local, checked, and turned into iovecs inside guest RAM; a ring that
 * breaks the rules turns the queue `broken` until the device is reset.
 *
 * A virtqueue belongs to the loop that serves its device.
 */
#ifndef MUSTER_DEVICES_VIRTIO_VIRTQUEUE_H
#define MUSTER_DEVICES_VIRTIO_VIRTQUEUE_H

#include <linux/virtio_ring.h>
#include <sys/uio.h>

#include "vmm/core/mem.h"

#define VIRTQ_SIZE_MAX 256
/* The longest chain that a model takes: what blk offers as seg_max, and two. */
#define VIRTQ_IOV_MAX  128

/* What the driver wrote into the transport's registers. */
struct virtq_config {
	uint16_t size;
	bool ready;
	gpa_t desc;
	gpa_t avail;
	gpa_t used;
};

struct virtq {
	const struct mem *mem;
	uint16_t size; /* 0: the driver does not use this queue */
	uint16_t next_avail;
	uint16_t next_used;
	uint16_t published_used;
	bool indirect;  /* VIRTIO_F_INDIRECT_DESC negotiated */
	bool event_idx; /* VIRTIO_F_EVENT_IDX negotiated */
	bool broken;
	const struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
};

/* One request: device-readable elements first, then device-writable ones. */
struct virtq_chain {
	uint16_t head;
	uint16_t out_count;
	uint16_t in_count;
	struct iovec iov[VIRTQ_IOV_MAX];
};

/*
 * Take the configuration over; -EINVAL with a sentence if the size is not a power of
 * two in range, or a ring is misaligned or not wholly in RAM (2.7: 16, 2, 4).
 */
int virtq_init(struct virtq *q, const struct mem *mem,
	const struct virtq_config *config, uint64_t features);

/* Is there something to pop?  One load; for polling. */
bool virtq_pending(const struct virtq *q);

/* 1 and a chain, 0 if there is none, or -EBADMSG with a sentence; then broken. */
int virtq_pop(struct virtq *q, struct virtq_chain *ret);

/* Let the chain that was popped last be the next one again. */
void virtq_put_back(struct virtq *q);

/* Put a used element into the ring; the driver sees it after virtq_publish(). */
void virtq_push(struct virtq *q, uint16_t head, uint32_t written);

/* Make pushed elements visible; true if the driver wants an interrupt for them. */
bool virtq_publish(struct virtq *q);

/* Ask the driver not to kick, a hint only (2.7.10). */
void virtq_disable_kick(struct virtq *q);

/* Ask for a kick at the next chain; true if one has come meanwhile: pop again. */
bool virtq_enable_kick(struct virtq *q);

#endif
