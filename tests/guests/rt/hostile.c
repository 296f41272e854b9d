// SPDX-License-Identifier: Apache-2.0
/* hostile.c - run attacks and judge what is left of the device */
#include "tests/guests/rt/hostile.h"

#define HOST_PATTERN 0x686f7374
#define A_MOMENT     2000000 /* ticks, for what may or may not happen */

struct virtio_blk_outhdr raw_header;
uint8_t raw_data[4096] ALIGNED(4096);
volatile uint8_t raw_status;

struct vring_desc raw_desc(
	const volatile void *p, uint32_t len, unsigned flags, unsigned next)
{
	return (struct vring_desc){
		.addr = (uint64_t)p,
		.len = len,
		.flags = (uint16_t)flags,
		.next = (uint16_t)next,
	};
}

void raw_request(struct vring_desc *desc)
{
	raw_header = (struct virtio_blk_outhdr){ .type = VIRTIO_BLK_T_IN };
	raw_status = NO_STATUS;
	desc[0] = raw_desc(
		&raw_header, sizeof(raw_header), VRING_DESC_F_NEXT, 1);
	desc[1] = raw_desc(raw_data, sizeof(raw_data),
		VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 2);
	desc[2] = raw_desc(&raw_status, 1, VRING_DESC_F_WRITE, 0);
}

void raw_go(struct blk *blk)
{
	virtq_offer(&blk->dev.queue[0], 0);
	write32(blk->dev.queue[0].notify, 0);
}

uint64_t ram_end(void)
{
	const struct memmap_entry *map;
	unsigned count = memmap(&map);
	uint64_t end = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t e = map[i].start + map[i].size;

		if (map[i].type == MEMMAP_RAM && e > end && e < 4 * GIB)
			end = e;
	}
	return end;
}

static bool is_broken(const struct blk *blk)
{
	return vdev_status(&blk->dev) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static bool broken_or_done(struct blk *blk)
{
	struct vring_used_elem used;

	return virtq_poll(&blk->dev.queue[0], &used) || is_broken(blk);
}

static void judge(struct blk *blk, enum expect expect)
{
	uint64_t start = rdtsc();

	switch (expect) {
	case BROKEN:
		CHECK(wait_for(is_broken(blk)));
		CHECK(wait_for(
			vdev_read(&blk->dev, VIRTIO_MMIO_INTERRUPT_STATUS) &
			VIRTIO_MMIO_INT_CONFIG));
		break;
	case REFUSED:
		CHECK(wait_for(broken_or_done(blk)));
		CHECK(raw_status != VIRTIO_BLK_S_OK);
		break;
	case HARMLESS:
		while (rdtsc() - start < A_MOMENT)
			relax();
		break;
	}
}

static void works_again(struct blk *blk)
{
	blk_reopen(blk, HOSTILE_FEATURES);
	memset(raw_data, 0, sizeof(raw_data));
	CHECK(blk_do(blk, 0, VIRTIO_BLK_T_IN, 0, raw_data, sizeof(raw_data)) ==
		VIRTIO_BLK_S_OK);
	CHECK(pattern_is(raw_data, 0, sizeof(raw_data), HOST_PATTERN));
}

void attack_all(const struct attack *attacks, unsigned count)
{
	static struct blk blk;

	blk_open(&blk, HOSTILE_FEATURES);
	works_again(&blk);
	for (unsigned i = 0; i < count; i++) {
		print("%s\n", attacks[i].name);
		raw_request(blk.dev.queue[0].desc);
		attacks[i].run(&blk);
		judge(&blk, attacks[i].expect);
		works_again(&blk);
	}
}
