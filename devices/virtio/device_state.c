/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_state.c - the virtio core's state, and what of it a driver can reach
 *
 * A device is saved while it is held: nothing is in flight, and what was used has
 * been published.  The rings themselves are in guest memory; only how far we have
 * come in them is kept here.
 */
#include <errno.h>
#include <linux/virtio_config.h>

#include "devices/virtio/device.h"
#include "vmm/base/err.h"

#define ACKNOWLEDGED VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVING      (ACKNOWLEDGED | VIRTIO_CONFIG_S_DRIVER)
#define AGREED       (DRIVING | VIRTIO_CONFIG_S_FEATURES_OK)
#define RUNNING      (AGREED | VIRTIO_CONFIG_S_DRIVER_OK)

static const struct state_field queue_fields[] = {
	STATE_U16(struct virtio_queue, config.size),
	STATE_BOOL(struct virtio_queue, config.ready),
	STATE_GPA(struct virtio_queue, config.desc),
	STATE_GPA(struct virtio_queue, config.avail),
	STATE_GPA(struct virtio_queue, config.used),
	STATE_U16(struct virtio_queue, ring.next_avail),
	STATE_U16(struct virtio_queue, ring.next_used),
	STATE_U16(struct virtio_queue, ring.published_used),
};

static const struct state_desc queue_state = STATE_DESC(
	"queue", 1, struct virtio_queue, queue_fields);

static const struct state_field device_fields[] = {
	STATE_U64(struct virtio_device, offered),
	STATE_U64(struct virtio_device, accepted),
	STATE_U32(struct virtio_device, status),
	STATE_U16(struct virtio_device, queue_size, .same = true),
	STATE_EACH(struct virtio_device, queues, queue_count, &queue_state),
	STATE_U32(struct virtio_device, config_generation, .since = 2),
};

const struct state_desc virtio_device_state = STATE_DESC(
	"virtio", 2, struct virtio_device, device_fields);

/* ---- what a driver can reach ---- */

/* How far the driver has come; the bits are set in this order and no other. */
static const uint8_t stages[] = { 0, ACKNOWLEDGED, DRIVING, AGREED, RUNNING };

static int check_status(unsigned status)
{
	unsigned stage = status & RUNNING;
	unsigned beside = VIRTIO_CONFIG_S_FAILED;

	if (stage == RUNNING)
		beside |= VIRTIO_CONFIG_S_NEEDS_RESET;
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		if (stage == stages[i] && !(status & ~(stage | beside)))
			return 0;
	return err_set(-EBADMSG,
		"virtio.status is %#x, which no driver can reach", status);
}

static int check_features(const struct virtio_device *dev, unsigned status)
{
	uint64_t unknown = dev->offered & ~dev->supported;
	uint64_t allowed = UINT64_MAX, required = 0;

	if (unknown)
		return err_set(-EBADMSG,
			"virtio.offered has features %#llx that this device "
			"does not have",
			(unsigned long long)unknown);
	if (!(status & VIRTIO_CONFIG_S_DRIVER))
		allowed = 0;
	if (status & VIRTIO_CONFIG_S_FEATURES_OK) {
		allowed = dev->offered;
		required = BIT64(VIRTIO_F_VERSION_1);
	}
	if ((dev->accepted & ~allowed) ||
		(dev->accepted & required) != required)
		return err_set(-EBADMSG,
			"virtio.accepted is %#llx, where %#llx was offered and "
			"the status is %#x",
			(unsigned long long)dev->accepted,
			(unsigned long long)dev->offered, status);
	return 0;
}

static bool is_unset(const struct virtq_config *c)
{
	return !c->size && !c->ready && !c->desc.v && !c->avail.v && !c->used.v;
}

static int check_queue(
	const struct virtio_device *dev, unsigned index, unsigned status)
{
	const struct virtq_config *c = &dev->queues[index].config;

	if (c->size > dev->queue_size)
		return err_set(-EBADMSG,
			"virtio.queues[%u].config.size is %u, at most %u can "
			"be",
			index, c->size, dev->queue_size);
	if (!(status & VIRTIO_CONFIG_S_FEATURES_OK) && !is_unset(c))
		return err_set(-EBADMSG,
			"virtio.queues[%u].config is set before features were "
			"agreed on",
			index);
	return 0;
}

/* ---- run again ---- */

static bool far(uint16_t ahead, uint16_t behind, uint16_t size)
{
	return (uint16_t)(ahead - behind) > size;
}

/* Used can never be ahead of available, nor published of used. */
static int check_positions(const struct virtq *q)
{
	if (far(q->next_avail, q->next_used, q->size))
		return err_set(-EBADMSG,
			"ring.next_avail is %u and ring.next_used is %u in a "
			"ring of %u",
			q->next_avail, q->next_used, q->size);
	if (far(q->next_used, q->published_used, q->size))
		return err_set(-EBADMSG,
			"ring.next_used is %u and ring.published_used is %u in "
			"a ring of %u",
			q->next_used, q->published_used, q->size);
	return 0;
}

/* Find the ring in guest memory, and go on in it where we were. */
static int resume_queue(const struct virtio_device *dev, struct virtio_queue *q)
{
	const struct virtq was = q->ring;
	int rc = virtq_init(&q->ring, dev->mem, &q->config, dev->accepted);

	if (rc)
		return rc;
	q->ring.next_avail = was.next_avail;
	q->ring.next_used = was.next_used;
	q->ring.published_used = was.published_used;
	q->unpublished = was.published_used != was.next_used;
	return check_positions(&q->ring);
}

/* The poller looks at all queues before the loop first sleeps: no kick is lost. */
static int resume(struct virtio_device *dev)
{
	int rc;

	for (unsigned i = 0; i < dev->queue_count; i++) {
		rc = resume_queue(dev, &dev->queues[i]);
		if (rc)
			return err_wrap(-EBADMSG, "virtio.queues[%u]", i);
	}
	rc = dev->model->activate(dev->priv, dev->accepted);
	if (rc)
		return rc;
	claim_loop_thread(); /* which does not run yet */
	loop_defer(dev->loop, &dev->flush);
	if (!dev->paused)
		loop_poller_add(dev->loop, &dev->poller);
	dev->active = true;
	return 0;
}

int virtio_device_loaded(void *device)
{
	struct virtio_device *dev = device;
	unsigned status = atomic_load(&dev->status);
	int rc = check_status(status);

	if (!rc)
		rc = check_features(dev, status);
	for (unsigned i = 0; !rc && i < dev->queue_count; i++)
		rc = check_queue(dev, i, status);
	if (!rc && (status & VIRTIO_CONFIG_S_DRIVER_OK) &&
		!(status & VIRTIO_CONFIG_S_NEEDS_RESET))
		rc = resume(dev);
	return rc;
}
