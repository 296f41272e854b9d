// SPDX-License-Identifier: Apache-2.0
/*
 * irqfd.c - each completion raises the device's interrupt once, and none when
 * the driver asked for silence
 */
#include "tests/guests/rt/blk.h"

#define VECTOR   0x40
#define REQUESTS 50

static struct blk blk;
static uint8_t data[SECTOR] ALIGNED(4096);

static void read_one(void)
{
	CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_IN, 0, data, SECTOR) == 0);
}

static void interrupts_arrive(uint64_t features)
{
	uint32_t before = irq_count[VECTOR];

	blk_reopen(&blk, features);
	for (unsigned i = 1; i <= REQUESTS; i++) {
		virtq_unmute(&blk.dev.queue[0]);
		read_one();
		CHECK(wait_for(irq_count[VECTOR] == before + i));
		CHECK(vdev_read(&blk.dev, VIRTIO_MMIO_INTERRUPT_STATUS) ==
			VIRTIO_MMIO_INT_VRING);
		vdev_write(&blk.dev, VIRTIO_MMIO_INTERRUPT_ACK,
			VIRTIO_MMIO_INT_VRING);
		CHECK(!vdev_read(&blk.dev, VIRTIO_MMIO_INTERRUPT_STATUS));
	}
	virtq_mute(&blk.dev.queue[0]);
	for (unsigned i = 0; i < REQUESTS; i++)
		read_one();
	CHECK(irq_count[VECTOR] == before + REQUESTS);
}

void payload(void)
{
	lapic_enable();
	blk_open(&blk, 0);
	ioapic_route(blk.dev.gsi, VECTOR);
	interrupts_arrive(0);
	interrupts_arrive(FEATURE(VIRTIO_RING_F_EVENT_IDX));
}
