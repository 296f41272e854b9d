/* SPDX-License-Identifier: Apache-2.0 */
/* blk_config.c - what a disk shows its driver, and a snapshot keeps of it */
#include "devices/virtio/blk_config.h"

#include <endian.h>
#include <errno.h>

#include "vmm/base/err.h"

#define SEGMENTS_MAX (VIRTQ_IOV_MAX - 2) /* beside header and status */

uint64_t blk_features(const struct disk *disk)
{
	uint64_t features = BIT64(VIRTIO_BLK_F_SEG_MAX) |
			    BIT64(VIRTIO_BLK_F_BLK_SIZE) |
			    BIT64(VIRTIO_BLK_F_FLUSH) | BIT64(VIRTIO_BLK_F_MQ);

	if (disk_is_readonly(disk))
		return features | BIT64(VIRTIO_BLK_F_RO);
	return features | BIT64(VIRTIO_BLK_F_DISCARD) |
	       BIT64(VIRTIO_BLK_F_WRITE_ZEROES);
}

struct virtio_blk_config blk_config(
	const struct disk *disk, unsigned queue_count)
{
	return (struct virtio_blk_config){
		.capacity = htole64(disk_sectors(disk)),
		.seg_max = htole32(SEGMENTS_MAX),
		.blk_size = htole32(DISK_SECTOR_BYTES),
		.num_queues = htole16((uint16_t)queue_count),
		.max_discard_sectors = htole32(BLK_DISCARD_SECTORS_MAX),
		.max_discard_seg = htole32(1),
		.discard_sector_alignment = htole32(4096 / DISK_SECTOR_BYTES),
		.max_write_zeroes_sectors = htole32(BLK_DISCARD_SECTORS_MAX),
		.max_write_zeroes_seg = htole32(1),
		.write_zeroes_may_unmap = 1,
	};
}

/* ---- state ---- */

/* What the guest saw of its disk it must see again: another one is refused. */
static const struct state_field fields[] = {
	STATE_U64(struct virtio_blk, config.capacity),
	STATE_BOOL(struct virtio_blk, readonly, .same = true),
	STATE_U16(struct virtio_blk, config.num_queues, .same = true),
	STATE_U32(struct virtio_blk, config.seg_max, .same = true),
	STATE_U32(struct virtio_blk, config.blk_size, .same = true),
	STATE_U32(struct virtio_blk, config.max_discard_sectors, .same = true),
	STATE_U32(struct virtio_blk, config.discard_sector_alignment,
		.same = true),
	STATE_U32(struct virtio_blk, config.max_write_zeroes_sectors,
		.same = true),
	STATE_BYTES(struct virtio_blk, id),
	STATE_OBJECT(struct virtio_blk, limiter, &limiter_state, .since = 2),
};

const struct state_desc virtio_blk_state = STATE_DESC(
	"blk", 2, struct virtio_blk, fields);

int blk_loaded(void *model)
{
	struct virtio_blk *blk = model;
	uint64_t then = le64toh(blk->config.capacity);
	uint64_t now = disk_sectors(blk->disk);

	if (then == now)
		return limiter_loaded(&blk->limiter);
	return err_set(-EBADMSG,
		"%llu sectors of %d bytes in the snapshot and %llu here; give "
		"the image that it was taken with, or a copy",
		(unsigned long long)then, DISK_SECTOR_BYTES,
		(unsigned long long)now);
}
