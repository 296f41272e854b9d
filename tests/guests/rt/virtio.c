// SPDX-License-Identifier: Apache-2.0
/* virtio.c - virtio-mmio: find, negotiate, set up queues */
#include "tests/guests/rt/virtio.h"

#define MAGIC   0x74726976 /* "virt" */
#define VERSION 2

/* Where windows may lie, and the GSI of each. */
static const struct windows {
	uint64_t base;
	uint64_t stride;
	unsigned count;
	uint8_t gsi[16];
} windows[] = {
	{ 0xd0000000, 0x1000, 16,
		{ 5, 6, 7, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21,
			22 } }, /* muster */
	{ 0xfeb00000, 0x200, 8,
		{ 16, 17, 18, 19, 20, 21, 22,
			23 } }, /* QEMU's microvm,ioapic2=off */
};

/* Page-aligned parts: nothing of one queue shares a page with another. */
static struct queue_memory {
	struct vring_desc desc[QUEUE_SIZE_MAX] ALIGNED(4096);
	uint16_t avail[2 + QUEUE_SIZE_MAX + 1] ALIGNED(4096);
	uint32_t used[1 + 2 * QUEUE_SIZE_MAX + 1] ALIGNED(4096);
	struct vring_desc table[SLOTS_MAX][CHAIN_MAX] ALIGNED(4096);
} memory[QUEUES_MAX];

static bool find_in(
	const struct windows *w, struct vdev *dev, unsigned id, unsigned *nth)
{
	for (unsigned i = 0; i < w->count; i++) {
		dev->base = w->base + i * w->stride;
		dev->gsi = w->gsi[i];
		if (vdev_read(dev, VIRTIO_MMIO_MAGIC_VALUE) != MAGIC)
			return false;
		if (vdev_read(dev, VIRTIO_MMIO_VERSION) != VERSION ||
			vdev_read(dev, VIRTIO_MMIO_DEVICE_ID) != id)
			continue;
		if ((*nth)-- == 0)
			return true;
	}
	return false;
}

bool vdev_find(struct vdev *dev, unsigned device_id, unsigned nth)
{
	for (unsigned i = 0; i < ARRAY_SIZE(windows); i++) {
		if (find_in(&windows[i], dev, device_id, &nth))
			return true;
	}
	return false;
}

uint32_t vdev_status(const struct vdev *dev)
{
	return vdev_read(dev, VIRTIO_MMIO_STATUS);
}

bool vdev_reset(struct vdev *dev)
{
	vdev_write(dev, VIRTIO_MMIO_STATUS, 0);
	return wait_for(vdev_status(dev) == 0);
}

static void status_add(struct vdev *dev, uint32_t bits)
{
	vdev_write(dev, VIRTIO_MMIO_STATUS, vdev_status(dev) | bits);
}

static uint64_t offered(struct vdev *dev)
{
	uint64_t high;

	vdev_write(dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	high = vdev_read(dev, VIRTIO_MMIO_DEVICE_FEATURES);
	vdev_write(dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	return high << 32 | vdev_read(dev, VIRTIO_MMIO_DEVICE_FEATURES);
}

bool vdev_negotiate(struct vdev *dev, uint64_t features)
{
	if (!vdev_reset(dev))
		return false;
	status_add(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	status_add(dev, VIRTIO_CONFIG_S_DRIVER);
	dev->features = offered(dev) & (features | FEATURE(VIRTIO_F_VERSION_1));
	for (unsigned i = 0; i < 2; i++) {
		vdev_write(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		vdev_write(dev, VIRTIO_MMIO_DRIVER_FEATURES,
			(uint32_t)(dev->features >> 32 * i));
	}
	status_add(dev, VIRTIO_CONFIG_S_FEATURES_OK);
	return vdev_status(dev) & VIRTIO_CONFIG_S_FEATURES_OK;
}

static void write_address(struct vdev *dev, unsigned reg_low, const void *p)
{
	vdev_write(dev, reg_low, (uint32_t)(uint64_t)p);
	vdev_write(dev, reg_low + 4, (uint32_t)((uint64_t)p >> 32));
}

void vdev_queue(struct vdev *dev, unsigned index)
{
	struct virtq *vq = &dev->queue[index];
	struct queue_memory *m = &memory[index];

	CHECK(index < QUEUES_MAX);
	vdev_write(dev, VIRTIO_MMIO_QUEUE_SEL, index);
	uint32_t max = vdev_read(dev, VIRTIO_MMIO_QUEUE_NUM_MAX);
	CHECK(max > 0);
	CHECK(vdev_read(dev, VIRTIO_MMIO_QUEUE_READY) == 0);

	memset(m, 0, sizeof(*m));
	*vq = (struct virtq){
		.index = index,
		.size = max < QUEUE_SIZE_MAX ? max : QUEUE_SIZE_MAX,
		.notify = dev->base + VIRTIO_MMIO_QUEUE_NOTIFY,
		.indirect = dev->features &
			    FEATURE(VIRTIO_RING_F_INDIRECT_DESC),
		.event_idx = dev->features & FEATURE(VIRTIO_RING_F_EVENT_IDX),
		.desc = m->desc,
		.avail = (void *)m->avail,
		.used = (void *)m->used,
		.table = m->table,
	};
	vdev_write(dev, VIRTIO_MMIO_QUEUE_NUM, vq->size);
	write_address(dev, VIRTIO_MMIO_QUEUE_DESC_LOW, m->desc);
	write_address(dev, VIRTIO_MMIO_QUEUE_AVAIL_LOW, m->avail);
	write_address(dev, VIRTIO_MMIO_QUEUE_USED_LOW, m->used);
	vdev_write(dev, VIRTIO_MMIO_QUEUE_READY, 1);
}

void vdev_go(struct vdev *dev)
{
	status_add(dev, VIRTIO_CONFIG_S_DRIVER_OK);
}
