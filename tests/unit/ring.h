/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - the driver's side of a split virtqueue, as honest or hostile as a
 * test wants it: nothing is checked but that the ring itself lies in RAM
 */
#ifndef MUSTER_TESTS_UNIT_RING_H
#define MUSTER_TESTS_UNIT_RING_H

#include "devices/virtio/virtqueue.h"

#define NEXT     VRING_DESC_F_NEXT
#define WRITE    VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT

struct ring {
	const struct mem *mem;
	struct virtq_config config; /* for the device; `ready` */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t seen; /* used elements that ring_reap() has given */
};

/* Lay a zeroed ring of `size` out at `gpa`; it needs less than 0x2000 bytes. */
void ring_init(
	struct ring *ring, const struct mem *mem, uint16_t size, uint64_t gpa);

void ring_set(struct vring_desc *table, unsigned index, uint64_t gpa,
	uint32_t len, uint16_t flags, uint16_t next);

/* Put a head into the available ring and move the index on. */
void ring_offer(struct ring *ring, uint16_t head);

/* The next used element; false if there is none. */
bool ring_reap(struct ring *ring, struct vring_used_elem *ret);

uint16_t *ring_used_event(const struct ring *ring);
uint16_t *ring_avail_event(const struct ring *ring);

#endif
