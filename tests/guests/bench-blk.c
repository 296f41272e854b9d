// SPDX-License-Identifier: Apache-2.0
/*
 * bench-blk.c - 4 KiB random reads, the used ring polled, interrupts suppressed
 *
 * Command line: depth=N requests in flight, requests=N in all.  The host takes the
 * time between the two lines that frame them; a tenth as many go before to warm up.
 */
#include "tests/guests/rt/blk.h"

#define BYTES 4096

static struct blk blk;
static uint8_t data[SLOTS_MAX][BYTES] ALIGNED(4096);
static uint32_t seed = 1;

static void put_one(unsigned slot)
{
	uint64_t page = lcg(&seed) % (blk.sectors * SECTOR / BYTES);

	blk_put(&blk, 0, slot, VIRTIO_BLK_T_IN, page * (BYTES / SECTOR),
		data[slot], BYTES);
}

/* Replace each request as it comes back, and kick once for all that came. */
static void run(unsigned depth, unsigned requests)
{
	struct virtq *vq = &blk.dev.queue[0];
	struct vring_used_elem used;
	unsigned put = 0, done = 0;

	for (; put < depth && put < requests; put++)
		put_one(put);
	virtq_kick(vq);
	while (done < requests) {
		unsigned before = put;

		CHECK(virtq_wait(vq, &used));
		do {
			unsigned slot = virtq_slot(vq, &used);

			CHECK(blk_status(&blk, 0, slot) == VIRTIO_BLK_S_OK);
			done++;
			if (put < requests) {
				put_one(slot);
				put++;
			}
		} while (virtq_poll(vq, &used));
		if (put != before)
			virtq_kick(vq);
	}
}

void payload(void)
{
	unsigned depth = cmdline_number("depth", 1);
	unsigned requests = cmdline_number("requests", 0);

	CHECK(depth >= 1 && depth <= SLOTS_MAX);
	blk_open(&blk, BLK_FEATURES | FEATURE(VIRTIO_RING_F_INDIRECT_DESC) |
			       FEATURE(VIRTIO_RING_F_EVENT_IDX));
	run(depth, requests / 10);
	print("begin\n");
	run(depth, requests);
	print("end\n");
}
