/* SPDX-License-Identifier: Apache-2.0 */
/* counter.c - a virtio model that counts */
#include "tests/unit/counter.h"

#include "tests/unit/unit.h"

#define FITTING (VERSION_1 | BIT64(3))

struct counter counter;

static int activate(void *priv, uint64_t features)
{
	struct counter *c = priv;

	c->activations++;
	c->features = features;
	return c->activate_rc;
}

static int reset(void *priv)
{
	((struct counter *)priv)->resets++;
	return 0;
}

static void kick(void *priv, unsigned queue)
{
	struct counter *c = priv;

	c->kicks++;
	while (virtio_pop(&c->dev, queue, &c->chain)) {
		c->chains++;
		virtio_complete(&c->dev, queue, c->chain.head, 1);
		if (c->refill)
			ring_offer(c->refill, c->chain.head);
	}
}

static const struct virtio_model model = {
	.ops = { .name = "counter", .reset = reset, .pause = reset },
	.id = 99,
	.activate = activate,
	.kick = kick,
};

/* A device after power-on, on the guest's memory and a loop of its own. */
static int power_on(unsigned queues)
{
	struct virtio_device_args args = {
		.model = &model,
		.priv = &counter,
		.name = "counter",
		.mem = &counter.guest.mem,
		.features = COUNTER_OFFERED,
		.config = COUNTER_CONFIG,
		.config_bytes = sizeof(COUNTER_CONFIG),
		.queue_count = queues,
		.loop = counter.guest.loop,
	};

	return virtio_device_init(&counter.dev, &args) ||
	       guest_attach(&counter.guest, &counter.dev);
}

int counter_setup(void **state)
{
	(void)state;
	counter = (struct counter){ 0 };
	assert_int_equal(guest_init(&counter.guest, LOOP_AUTO), 0);
	return power_on(COUNTER_QUEUES);
}

void counter_replace(unsigned queues)
{
	struct guest *guest = &counter.guest;

	virtio_mmio_fini(&guest->mmio);
	virtio_device_fini(&counter.dev);
	loop_free(guest->loop);
	guest->loop = fake_loop_new();
	assert_int_equal(power_on(queues), 0);
}

int counter_teardown(void **state)
{
	(void)state;
	guest_fini(&counter.guest);
	virtio_device_fini(&counter.dev);
	return 0;
}

void counter_start(uint64_t features, uint16_t ring_size)
{
	guest_start(&counter.guest, VERSION_1 | features, COUNTER_QUEUES,
		ring_size);
	assert_int_equal(guest_status(&counter.guest), RUNNING);
	(void)fake_irq_edges(GUEST_GSI);
}

void counter_offer(struct ring *ring, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint16_t head = (uint16_t)(i % ring->config.size);

		ring_set(ring->desc, head, GUEST_DATA, 1, WRITE, 0);
		ring_offer(ring, head);
	}
}

unsigned counter_reap(struct ring *ring)
{
	struct vring_used_elem e;
	unsigned n = 0;

	while (ring_reap(ring, &e))
		n++;
	return n;
}
