/* SPDX-License-Identifier: Apache-2.0 */
/* blk_config.h - what a disk shows its driver; parts of blk.c */
#ifndef MUSTER_DEVICES_VIRTIO_BLK_CONFIG_H
#define MUSTER_DEVICES_VIRTIO_BLK_CONFIG_H

#include "devices/virtio/blk.h"

#define BLK_DISCARD_SECTORS_MAX (1u << 22) /* 2 GiB in one request */

uint64_t blk_features(const struct disk *disk);

struct virtio_blk_config blk_config(
	const struct disk *disk, unsigned queue_count);

/* The model's loaded(). */
int blk_loaded(void *model);

#endif
