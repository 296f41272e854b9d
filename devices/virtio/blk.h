/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blk.h - virtio block device (virtio 1.2, 5.2)
 *
 * Requests are checked here and carried out by a disk; each one in flight owns
 * its chain.  Whatever the host file does to a request, the guest gets a status.
 */
#ifndef MUSTER_DEVICES_VIRTIO_BLK_H
#define MUSTER_DEVICES_VIRTIO_BLK_H

#include <linux/virtio_blk.h>

#include "devices/backend/disk.h"
#include "devices/backend/limiter.h"
#include "devices/virtio/device.h"
#include "vmm/base/metrics.h"

struct blk_request;

struct virtio_blk {
	struct virtio_device dev;
	struct disk *disk; /* borrowed */
	bool readonly;
	char id[VIRTIO_BLK_ID_BYTES];
	struct virtio_blk_config config;
	struct limiter limiter;
	bool write_through; /* the driver cannot flush: every change is durable */

	/* The loop's.  Requests are used lowest first, so that few are touched. */
	struct blk_request *requests;
	unsigned request_count;
	unsigned fresh; /* requests[fresh…] have never been used */
	struct blk_request *idle;
	unsigned in_flight;
};

/*
 * `name` is for messages and outlives the device; `id` may be NULL.  0 or -errno
 * with a sentence.
 */
int virtio_blk_init(struct virtio_blk *blk, const struct mem *mem,
	struct loop *loop, struct disk *disk, const char *name, const char *id,
	unsigned queue_count);

/*
 * Another disk of the same mode, whose capacity the driver is told of; and how the
 * device is called now.  While it is paused and no vCPU runs.
 */
void virtio_blk_replace(
	struct virtio_blk *blk, struct disk *disk, const char *name);

/*
 * How fast it may be used; NULL in the place of a rate leaves it as it is.  Before the
 * loop runs, or while the device is paused.
 */
void virtio_blk_limit(struct virtio_blk *blk, const struct rate *bandwidth,
	const struct rate *ops);

/* When nothing is in flight and the loop has ended; half-built is fine. */
void virtio_blk_fini(struct virtio_blk *blk);

extern const struct metric_group virtio_blk_metrics;

/* Of a struct virtio_blk. */
extern const struct state_desc virtio_blk_state;

#endif
