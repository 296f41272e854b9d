// SPDX-License-Identifier: Apache-2.0
/* rng.c - virtio-rng fills what it says it fills, with bytes that differ */
#include "tests/guests/rt/virtio.h"

#define BIG (128u << 10)

static struct vdev rng;
static uint8_t big[BIG + 8] ALIGNED(8);

static uint32_t ask(void *data, uint32_t len)
{
	struct buffer buf = { data, len, true };
	struct vring_used_elem used;

	virtq_put(&rng.queue[0], 0, &buf, 1);
	virtq_kick(&rng.queue[0]);
	CHECK(virtq_wait(&rng.queue[0], &used));
	CHECK(virtq_slot(&rng.queue[0], &used) == 0);
	CHECK(used.len >= 1 && used.len <= len);
	return used.len;
}

static bool all_zero(const uint8_t *p, uint32_t len)
{
	while (len && *p == 0)
		p++, len--;
	return len == 0;
}

void payload(void)
{
	static uint8_t a[64], b[64];

	CHECK(vdev_find(&rng, VIRTIO_ID_RNG, 0));
	CHECK(vdev_negotiate(&rng, 0));
	vdev_queue(&rng, 0);
	vdev_go(&rng);

	CHECK(ask(a, sizeof(a)) == sizeof(a));
	CHECK(ask(b, sizeof(b)) == sizeof(b));
	CHECK(!all_zero(a, sizeof(a)));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	ask(a, 1);

	uint32_t len = ask(big, BIG);
	CHECK(!all_zero(big + len - 16, 16));
	CHECK(all_zero(big + len, sizeof(big) - len));
}
