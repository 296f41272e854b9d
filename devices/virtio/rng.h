/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rng.h - virtio entropy device (virtio 1.2, 5.4)
 *
 * The exemplary model: a new one starts as a copy of rng.c.  The only queue gives
 * us writable buffers and we fill them from the host kernel's generator.
 */
#ifndef MUSTER_DEVICES_VIRTIO_RNG_H
#define MUSTER_DEVICES_VIRTIO_RNG_H

#include "devices/backend/limiter.h"
#include "devices/virtio/device.h"
#include "vmm/base/metrics.h"

struct virtio_rng {
	struct virtio_device dev;
	struct virtq_chain chain; /* the request under way; never two at once */
	struct limiter limiter;
};

/* 0 or -errno with a sentence. */
int virtio_rng_init(
	struct virtio_rng *rng, const struct mem *mem, struct loop *loop);

/* Before the loop runs. */
void virtio_rng_limit(struct virtio_rng *rng, const struct limits *limits);

extern const struct metric_group virtio_rng_metrics;

/* Of a struct virtio_rng. */
extern const struct state_desc virtio_rng_state;

#endif
