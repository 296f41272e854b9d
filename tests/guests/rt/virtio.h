/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio.h - a driver for virtio-mmio devices (virtio 1.2, 4.2) and split queues
 *
 * The friendly half (vdev_open, virtq_put, virtq_wait) speaks correct virtio;
 * the members are public so that hostile payloads can do otherwise.
 */
#ifndef MUSTER_GUESTS_VIRTIO_H
#define MUSTER_GUESTS_VIRTIO_H

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#include "tests/guests/rt/rt.h"

#define FEATURE(bit)   (1ull << (bit))
#define QUEUES_MAX     4
#define QUEUE_SIZE_MAX 256
#define CHAIN_MAX      4              /* buffers of one request of ours */
#define SLOTS_MAX      QUEUE_SIZE_MAX /* a CHAIN_MAX-th without indirect tables */

struct virtq {
	unsigned index;
	unsigned size;
	uint64_t notify; /* address of the doorbell */
	bool indirect;
	bool event_idx;
	uint16_t avail_idx;
	uint16_t kicked; /* avail_idx at the last kick */
	uint16_t used_idx;
	struct vring_desc *desc;
	volatile struct vring_avail *avail;
	volatile struct vring_used *used;
	struct vring_desc (*table)[CHAIN_MAX]; /* indirect, one per slot */
};

struct vdev {
	uint64_t base;
	unsigned gsi;
	uint64_t features; /* negotiated */
	struct virtq queue[QUEUES_MAX];
};

struct buffer {
	const void *data;
	uint32_t len;
	bool device_writes;
};

static inline uint32_t vdev_read(const struct vdev *dev, unsigned reg)
{
	return read32(dev->base + reg);
}

static inline void vdev_write(const struct vdev *dev, unsigned reg, uint32_t v)
{
	write32(dev->base + reg, v);
}

/* The `nth` device with this id, at muster's windows or QEMU's; false if none. */
bool vdev_find(struct vdev *dev, unsigned device_id, unsigned nth);

/* Write 0 to the status and wait until it reads 0. */
bool vdev_reset(struct vdev *dev);

/*
 * Reset, then negotiate `features` and VERSION_1 as far as they are offered, up
 * to FEATURES_OK.  The queues can then be set up.
 */
bool vdev_negotiate(struct vdev *dev, uint64_t features);

/* Give queue `index` memory of ours, empty, and make it ready. */
void vdev_queue(struct vdev *dev, unsigned index);

/* Add DRIVER_OK. */
void vdev_go(struct vdev *dev);

uint32_t vdev_status(const struct vdev *dev);

/* Offer the chain as request `slot`, which is not in flight. */
void virtq_put(struct virtq *vq, unsigned slot, const struct buffer *buf,
	unsigned count);

/* Offer whatever begins at descriptor `head`. */
void virtq_offer(struct virtq *vq, uint16_t head);

/* Tell the device, if it wants to be told. */
void virtq_kick(struct virtq *vq);

/* Take one used element; false if there is none (virtq_wait: in PATIENCE). */
bool virtq_poll(struct virtq *vq, struct vring_used_elem *ret);
bool virtq_wait(struct virtq *vq, struct vring_used_elem *ret);

/* The slot that a used element's id belongs to. */
unsigned virtq_slot(const struct virtq *vq, const struct vring_used_elem *used);

/* Ask for no interrupts; without this, for one at every used element. */
void virtq_mute(struct virtq *vq);
void virtq_unmute(struct virtq *vq);

#endif
