/* SPDX-License-Identifier: Apache-2.0 */
/* ring.c - the driver's side of a split virtqueue */
#include "tests/unit/ring.h"

#include <stdlib.h>
#include <string.h>

#define RING_BYTES 0x2000
#define AVAIL_AT   0x1000 /* 256 descriptors fill what is before */
#define USED_AT    0x1400

void ring_init(
	struct ring *ring, const struct mem *mem, uint16_t size, uint64_t gpa)
{
	uint8_t *base = mem_ptr(mem, GPA(gpa), RING_BYTES);

	if (!base)
		abort();
	memset(base, 0, RING_BYTES);
	*ring = (struct ring){
		.mem = mem,
		.config = {
			.size = size,
			.ready = true,
			.desc = GPA(gpa),
			.avail = GPA(gpa + AVAIL_AT),
			.used = GPA(gpa + USED_AT),
		},
		.desc = (void *)base,
		.avail = (void *)(base + AVAIL_AT),
		.used = (void *)(base + USED_AT),
	};
}

void ring_set(struct vring_desc *table, unsigned index, uint64_t gpa,
	uint32_t len, uint16_t flags, uint16_t next)
{
	table[index] = (struct vring_desc){
		.addr = gpa,
		.len = len,
		.flags = flags,
		.next = next,
	};
}

void ring_offer(struct ring *ring, uint16_t head)
{
	uint16_t idx = ring->avail->idx;

	ring->avail->ring[idx % ring->config.size] = head;
	__atomic_store_n(&ring->avail->idx, idx + 1, __ATOMIC_RELEASE);
}

bool ring_reap(struct ring *ring, struct vring_used_elem *ret)
{
	if (ring->seen == __atomic_load_n(&ring->used->idx, __ATOMIC_ACQUIRE))
		return false;
	*ret = ring->used->ring[ring->seen++ % ring->config.size];
	return true;
}

uint16_t *ring_used_event(const struct ring *ring)
{
	return &ring->avail->ring[ring->config.size];
}

uint16_t *ring_avail_event(const struct ring *ring)
{
	return (uint16_t *)(void *)&ring->used->ring[ring->config.size];
}
