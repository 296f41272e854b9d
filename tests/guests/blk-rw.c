// SPDX-License-Identifier: Apache-2.0
/*
 * blk-rw.c - read, write, flush and GET_ID on every queue
 *
 * Command line: cpus=N (one queue each) and sectors=N, the disk's size.  The host
 * has filled sectors 0 to 7 with the pattern of seed HOST; it finds ours from
 * sector 128 * (queue + 1) on with seed queue.
 */
#include "tests/guests/rt/blk.h"

#define HOST  0x686f7374
#define BYTES (32u << 10)
#define ID    "payload-disk"

static struct blk blk;
static uint8_t data[BYTES] ALIGNED(4096);

static void queue_works(unsigned queue)
{
	uint64_t sector = 128 * (queue + 1);

	pattern_fill(data, sector, BYTES, queue);
	CHECK(blk_do(&blk, queue, VIRTIO_BLK_T_OUT, sector, data, BYTES) == 0);
	CHECK(blk_do(&blk, queue, VIRTIO_BLK_T_FLUSH, 0, NULL, 0) == 0);
	memset(data, 0, BYTES);
	CHECK(blk_do(&blk, queue, VIRTIO_BLK_T_IN, sector, data, BYTES) == 0);
	CHECK(pattern_is(data, sector, BYTES, queue));
}

static void errors_are_told(void)
{
	uint64_t end = blk.sectors;

	CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_IN, end, data, SECTOR) ==
		VIRTIO_BLK_S_IOERR);
	CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_OUT, end - 1, data, 2 * SECTOR) ==
		VIRTIO_BLK_S_IOERR);
	CHECK(blk_do(&blk, 0, 0x7777, 0, data, SECTOR) == VIRTIO_BLK_S_UNSUPP);
	CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_IN, end - 1, data, SECTOR) == 0);
}

void payload(void)
{
	char id[VIRTIO_BLK_ID_BYTES] = "?";
	unsigned cpus = cmdline_number("cpus", 1);

	blk_open(&blk, BLK_FEATURES);
	CHECK(blk.queues == cpus);
	CHECK(blk.sectors == cmdline_number("sectors", 0));
	CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_IN, 0, data, 8 * SECTOR) == 0);
	CHECK(pattern_is(data, 0, 8 * SECTOR, HOST));
	CHECK(blk_do(&blk, 0, VIRTIO_BLK_T_GET_ID, 0, id, sizeof(id)) == 0);
	CHECK(memcmp(id, ID, sizeof(ID)) == 0);
	for (unsigned queue = 0; queue < blk.queues; queue++)
		queue_works(queue);
	errors_are_told();
}
