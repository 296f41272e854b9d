/* SPDX-License-Identifier: Apache-2.0 */
/* rng.c - virtio entropy device */
#include "devices/virtio/rng.h"

#include <linux/virtio_ids.h>
#include <sys/random.h>

/* One request gets at most this much: a loop turn serves 256, beside the disks. */
#define REQUEST_BYTES_MAX (4 * KIB)

enum { REQUESTS, BYTES, THROTTLED };

static struct metric metrics[] = {
	[REQUESTS] = { "requests", "requests served", 0 },
	[BYTES] = { "bytes", "random bytes given to the guest", 0 },
	[THROTTLED] = { "throttled", "times that the rate limiter said to wait",
		0 },
};

const struct metric_group virtio_rng_metrics = {
	.name = "rng", .metrics = metrics, .count = ARRAY_SIZE(metrics)
};

static uint64_t wanted(const struct virtq_chain *chain)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < chain->in_count; i++)
		bytes += chain->iov[chain->out_count + i].iov_len;
	return MIN(bytes, REQUEST_BYTES_MAX);
}

/* The bytes given; a generator that gives fewer than asked gives no more. */
static uint32_t fill(const struct virtq_chain *chain)
{
	const struct iovec *iov = chain->iov + chain->out_count;
	size_t given = 0;

	for (unsigned i = 0; i < chain->in_count; i++) {
		size_t want = MIN(iov[i].iov_len, REQUEST_BYTES_MAX - given);
		ssize_t n = getrandom(iov[i].iov_base, want, GRND_NONBLOCK);

		if (n > 0)
			given += (size_t)n;
		if (n < (ssize_t)iov[i].iov_len)
			break;
	}
	return (uint32_t)given;
}

static void kick(void *model, unsigned queue) ON_LOOP
{
	struct virtio_rng *rng = model;

	while (virtio_pop(&rng->dev, queue, &rng->chain)) {
		uint64_t wait_ns = limiter_charge(
			&rng->limiter, wanted(&rng->chain));
		uint32_t bytes;

		if (wait_ns) {
			virtio_wait(&rng->dev, queue, wait_ns);
			metric_add(&metrics[THROTTLED], 1);
			return;
		}
		bytes = fill(&rng->chain);
		virtio_complete(&rng->dev, queue, rng->chain.head, bytes);
		metric_add(&metrics[REQUESTS], 1);
		metric_add(&metrics[BYTES], bytes);
	}
}

static int activate(void *model, uint64_t features) ON_LOOP
{
	(void)model;
	(void)features;
	return 0;
}

/* Requests are served in kick(): none is ever in flight. */
static int drain(void *model) ON_LOOP
{
	(void)model;
	return 0;
}

static const struct state_field fields[] = {
	STATE_OBJECT(struct virtio_rng, limiter, &limiter_state, .since = 2),
};

const struct state_desc virtio_rng_state = STATE_DESC(
	"rng", 2, struct virtio_rng, fields);

static int loaded(void *model)
{
	const struct virtio_rng *rng = model;

	return limiter_loaded(&rng->limiter);
}

static const struct virtio_model model = {
	.ops = { .name = "rng",
		.reset = drain,
		.pause = drain,
		.state = &virtio_rng_state,
		.loaded = loaded },
	.id = VIRTIO_ID_RNG,
	.activate = activate,
	.kick = kick,
};

void virtio_rng_limit(struct virtio_rng *rng, const struct limits *limits)
{
	limiter_change(&rng->limiter, &limits->bandwidth, &limits->ops);
}

int virtio_rng_init(
	struct virtio_rng *rng, const struct mem *mem, struct loop *loop)
{
	return virtio_device_init(&rng->dev, &(struct virtio_device_args){
						     .model = &model,
						     .priv = rng,
						     .name = "rng",
						     .mem = mem,
						     .loop = loop,
						     .queue_count = 1,
					     });
}
