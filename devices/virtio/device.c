/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - the virtio core: status machine, features, queues, reset */
#include "devices/virtio/device.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"

#define BUDGET VIRTQ_SIZE_MAX

#define CORE_FEATURES                                                     \
	(BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_RING_F_INDIRECT_DESC) | \
		BIT64(VIRTIO_RING_F_EVENT_IDX))

/* What must be set before a status bit may be: the order of 3.1.1. */
static const struct {
	uint8_t bit;
	uint8_t needs;
} status_order[] = {
	{ VIRTIO_CONFIG_S_ACKNOWLEDGE, 0 },
	{ VIRTIO_CONFIG_S_DRIVER, VIRTIO_CONFIG_S_ACKNOWLEDGE },
	{ VIRTIO_CONFIG_S_FEATURES_OK, VIRTIO_CONFIG_S_DRIVER },
	{ VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_FEATURES_OK },
	{ VIRTIO_CONFIG_S_FAILED, 0 },
};

#define STATUS_KNOWN                                                      \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |           \
		VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK | \
		VIRTIO_CONFIG_S_FAILED)

/* ---- calls from a vCPU thread onto the loop ---- */

struct visit {
	struct loop_call call;
	struct completion done;
	struct virtio_device *dev;
};

static int visit_loop(
	struct virtio_device *dev, void (*fn)(struct loop_call *call))
{
	struct visit v = {
		.call = { .fn = fn },
		.done = COMPLETION_INIT,
		.dev = dev,
	};

	loop_call(dev->loop, &v.call);
	return completion_wait(&v.done);
}

/* ---- used buffers and doorbells, on the loop ---- */

static void flush(struct loop_defer *defer) ON_LOOP
{
	struct virtio_device *dev = container_of(
		defer, struct virtio_device, flush);
	bool interrupt = false;

	/* Reset since the batch began: the rings are the driver's again. */
	if (!dev->active)
		return;
	for (unsigned i = 0; i < dev->queue_count; i++) {
		struct virtio_queue *q = &dev->queues[i];

		if (!q->unpublished)
			continue;
		q->unpublished = false;
		interrupt |= virtq_publish(&q->ring);
	}
	if (interrupt)
		dev->transport->interrupt(dev->transport_priv, false);
}

/* The driver's kicks stay disabled: it is looked at when the time is over. */
void virtio_wait(struct virtio_device *dev, unsigned queue, uint64_t delay_ns)
{
	virtq_put_back(&dev->queues[queue].ring);
	dev->waiting = true;
	loop_timer_set(&dev->timer, delay_ns);
}

static void waited(struct loop_timer *timer)
{
	struct virtio_device *dev = container_of(
		timer, struct virtio_device, timer);

	claim_loop_thread();
	dev->waiting = false;
	virtio_kicked(dev);
}

void virtio_complete(struct virtio_device *dev, unsigned queue, uint16_t head,
	uint32_t written)
{
	struct virtio_queue *q = &dev->queues[queue];

	/* A reset is under way: the rings are the driver's again. */
	if (!dev->active)
		return;
	virtq_push(&q->ring, head, written);
	q->unpublished = true;
	loop_defer(dev->loop, &dev->flush);
}

static bool serving(const struct virtio_device *dev)
{
	return dev->active && !dev->paused;
}

static void deactivate(struct virtio_device *dev) ON_LOOP
{
	if (serving(dev))
		loop_poller_del(dev->loop, &dev->poller);
	dev->active = false;
}

void virtio_failed(struct virtio_device *dev, const char *why)
{
	if (dev->failed)
		dev->failed(dev->owner, dev->name, why);
}

void virtio_needs_reset(struct virtio_device *dev, const char *why)
{
	unsigned before = atomic_fetch_or(
		&dev->status, VIRTIO_CONFIG_S_NEEDS_RESET);

	if (before & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	deactivate(dev);
	log_limited(LOG_WARN, "%s: %s; the guest must reset the device",
		dev->name, why);
	virtio_failed(dev, why);
	if (before & VIRTIO_CONFIG_S_DRIVER_OK)
		dev->transport->interrupt(dev->transport_priv, true);
}

bool virtio_pop(
	struct virtio_device *dev, unsigned queue, struct virtq_chain *ret)
{
	int rc;

	if (!dev->active || !dev->budget)
		return false;
	rc = virtq_pop(&dev->queues[queue].ring, ret);
	if (rc < 0)
		virtio_needs_reset(dev, err_text());
	if (rc > 0)
		dev->budget--;
	return rc > 0;
}

/*
 * A driver that adds chains as fast as they are served must not keep the loop
 * from other devices: after BUDGET chains of a queue the rest waits for its turn.
 */
static void serve(struct virtio_device *dev, unsigned index) ON_LOOP
{
	dev->budget = BUDGET;
	virtq_disable_kick(&dev->queues[index].ring);
	dev->model->kick(dev->priv, index);
	if (!dev->budget)
		loop_call(dev->loop, &dev->again);
}

static bool serve_pending(struct virtio_device *dev) ON_LOOP
{
	bool found = false;

	for (unsigned i = 0; i < dev->queue_count; i++) {
		if (!serving(dev) || dev->waiting)
			break;
		if (!virtq_pending(&dev->queues[i].ring))
			continue;
		serve(dev, i);
		found = true;
	}
	return found;
}

static void serve_again(struct loop_call *call)
{
	claim_loop_thread();
	serve_pending(container_of(call, struct virtio_device, again));
}

static bool poll_queues(struct loop_poller *poller)
{
	claim_loop_thread();
	return serve_pending(
		container_of(poller, struct virtio_device, poller));
}

/* The loop is about to sleep: kicks are wanted again. */
static bool arm_queues(struct loop_poller *poller)
{
	struct virtio_device *dev = container_of(
		poller, struct virtio_device, poller);
	bool pending = false;

	claim_loop_thread();
	if (dev->waiting)
		return false;
	for (unsigned i = 0; i < dev->queue_count; i++)
		pending |= virtq_enable_kick(&dev->queues[i].ring);
	return pending && serve_pending(dev);
}

void virtio_kicked(struct virtio_device *dev)
{
	serve_pending(dev);
}

/* ---- life ---- */

int virtio_device_init(
	struct virtio_device *dev, const struct virtio_device_args *args)
{
	*dev = (struct virtio_device){
		.model = args->model,
		.priv = args->priv,
		.name = args->name,
		.mem = args->mem,
		.loop = args->loop,
		.supported = args->features | CORE_FEATURES,
		.offered = args->features | CORE_FEATURES,
		.config = args->config,
		.config_bytes = args->config_bytes,
		.queue_count = args->queue_count,
		.queue_size = args->queue_size ? args->queue_size
					       : VIRTQ_SIZE_MAX,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.flush = { .fn = flush },
		.again = { .fn = serve_again },
		.poller = { .poll = poll_queues, .arm = arm_queues },
	};
	dev->queues = calloc(dev->queue_count, sizeof(*dev->queues));
	if (!dev->queues)
		return err_set(-ENOMEM, "%s: no memory for %u queues",
			dev->name, dev->queue_count);
	return loop_timer_init(dev->loop, &dev->timer, waited);
}

void virtio_device_fini(struct virtio_device *dev)
{
	if (dev->queues)
		loop_timer_fini(dev->loop, &dev->timer);
	free(dev->queues);
	dev->queues = NULL;
}

static int init_rings(struct virtio_device *dev) ON_LOOP
{
	for (unsigned i = 0; i < dev->queue_count; i++) {
		struct virtio_queue *q = &dev->queues[i];
		int rc = virtq_init(
			&q->ring, dev->mem, &q->config, dev->accepted);

		if (rc)
			return err_wrap(rc, "queue %u", i);
		q->unpublished = false;
	}
	return dev->model->activate(dev->priv, dev->accepted);
}

/* The vCPU holds `lock` and waits, so that reading the registers is safe here. */
static void activate(struct loop_call *call) ON_LOOP
{
	struct visit *v = container_of(call, struct visit, call);
	struct virtio_device *dev = v->dev;
	int rc = init_rings(dev);

	if (rc) {
		virtio_needs_reset(dev, err_describe(rc));
	} else {
		dev->active = true;
		dev->waiting = false;
		loop_poller_add(dev->loop, &dev->poller);
	}
	completion_signal(&v->done, rc);
}

static void reset(struct loop_call *call) ON_LOOP
{
	struct visit *v = container_of(call, struct visit, call);
	struct virtio_device *dev = v->dev;
	int rc;

	deactivate(dev);
	rc = dev->model->ops.reset(dev->priv);
	if (rc == -EINPROGRESS)
		dev->resetting = &v->done;
	else
		completion_signal(&v->done, rc);
}

static void end_reset(struct virtio_device *dev, int result)
{
	struct completion *waiter = steal_ptr(&dev->resetting);

	if (waiter)
		completion_signal(waiter, result);
}

/* What is done is published first: an idle device touches no ring. */
static void report_idle(struct virtio_device *dev) ON_LOOP
{
	void (*idle)(void *owner) = steal_ptr(&dev->idle);

	if (!idle)
		return;
	flush(&dev->flush);
	atomic_store(&dev->draining, false);
	idle(dev->idle_owner);
}

void virtio_drained(struct virtio_device *dev)
{
	end_reset(dev, 0);
	report_idle(dev);
}

/* ---- the machine stands still ---- */

void virtio_pause(
	struct virtio_device *dev, void (*idle)(void *owner), void *owner)
{
	if (serving(dev))
		loop_poller_del(dev->loop, &dev->poller);
	dev->paused = true;
	dev->idle = idle;
	dev->idle_owner = owner;
	atomic_store(&dev->draining, true);
	if (dev->model->ops.pause(dev->priv) != -EINPROGRESS)
		report_idle(dev);
}

/* Kicks that came meanwhile have left their chains in the rings. */
void virtio_resume(struct virtio_device *dev)
{
	if (!dev->paused)
		return;
	dev->paused = false;
	dev->waiting = false;
	dev->idle = NULL;
	atomic_store(&dev->draining, false);
	if (!dev->active)
		return;
	loop_poller_add(dev->loop, &dev->poller);
	serve_pending(dev);
}

void virtio_abandon_reset(struct virtio_device *dev)
{
	end_reset(dev, -ECANCELED);
}

/* ---- registers, on vCPU threads ---- */

uint8_t virtio_status_read(const struct virtio_device *dev)
{
	return (uint8_t)atomic_load(&dev->status);
}

static void do_reset(struct virtio_device *dev)
{
	visit_loop(dev, reset);
	dev->accepted = 0;
	for (unsigned i = 0; i < dev->queue_count; i++)
		dev->queues[i] = (struct virtio_queue){ 0 };
	atomic_store(&dev->status, 0);
}

/* 3.1.1 step 5: a subset of what was offered, and no legacy driver. */
static bool features_fit(const struct virtio_device *dev)
{
	return !(dev->accepted & ~dev->offered) &&
	       (dev->accepted & BIT64(VIRTIO_F_VERSION_1));
}

static void set_status_bit(struct virtio_device *dev, uint8_t bit)
{
	if (bit == VIRTIO_CONFIG_S_FEATURES_OK && !features_fit(dev))
		return;
	atomic_fetch_or(&dev->status, bit);
	if (bit == VIRTIO_CONFIG_S_DRIVER_OK)
		visit_loop(dev, activate);
}

static void advance_status(struct virtio_device *dev, uint8_t value)
{
	for (unsigned i = 0; i < ARRAY_SIZE(status_order); i++) {
		uint8_t bit = status_order[i].bit;

		if ((value & bit) &&
			virtio_in_status(dev, status_order[i].needs, bit))
			set_status_bit(dev, bit);
	}
}

void virtio_status_write(struct virtio_device *dev, uint8_t value)
{
	unsigned held;

	pthread_mutex_lock(&dev->lock);
	held = atomic_load(&dev->status) & STATUS_KNOWN;
	/* 2.1.1: a driver does not clear bits, except all of them. */
	if (!value)
		do_reset(dev);
	else if ((held & value) == held &&
		 !virtio_in_status(dev, VIRTIO_CONFIG_S_FAILED, 0))
		advance_status(dev, value);
	pthread_mutex_unlock(&dev->lock);
}
