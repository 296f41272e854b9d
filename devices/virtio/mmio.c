/* SPDX-License-Identifier: Apache-2.0 */
/* mmio.c - virtio over MMIO: registers mapped to the virtio core */
#include "devices/virtio/mmio.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define MAGIC     0x74726976 /* "virt" */
#define VERSION   2
#define VENDOR_ID 0x5453554d /* "MUST" */

/* ---- the queue registers: each is a part of a struct virtq_config ---- */

static void set_half(gpa_t *gpa, bool high, uint32_t value)
{
	if (high)
		gpa->v = (gpa->v & 0xffffffffull) | (uint64_t)value << 32;
	else
		gpa->v = (gpa->v & ~0xffffffffull) | value;
}

static void set_queue_register(
	struct virtq_config *q, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM:
		q->size = (uint16_t)MIN(value, UINT16_MAX);
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		q->ready = value & 1;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_half(
			&q->desc, offset == VIRTIO_MMIO_QUEUE_DESC_HIGH, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_half(&q->avail, offset == VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
			value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		set_half(
			&q->used, offset == VIRTIO_MMIO_QUEUE_USED_HIGH, value);
		break;
	}
}

static void write_queue(
	struct virtio_mmio *mmio, uint64_t offset, uint32_t value)
{
	unsigned index = mmio->queue_select;
	struct virtq_config config;

	if (!virtio_queue_read(mmio->dev, index, &config))
		return;
	set_queue_register(&config, offset, value);
	virtio_queue_write(mmio->dev, index, &config);
}

static uint32_t read_queue(const struct virtio_mmio *mmio, uint64_t offset)
{
	struct virtq_config config;

	if (!virtio_queue_read(mmio->dev, mmio->queue_select, &config))
		return 0;
	return offset == VIRTIO_MMIO_QUEUE_READY ? config.ready
						 : mmio->dev->queue_size;
}

/* ---- the others ---- */

static uint32_t read_register(struct virtio_mmio *mmio, uint64_t offset)
{
	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MAGIC;
	case VIRTIO_MMIO_VERSION:
		return VERSION;
	case VIRTIO_MMIO_DEVICE_ID:
		return mmio->dev->model->id;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR_ID;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return virtio_features_read(mmio->dev, mmio->features_select);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
	case VIRTIO_MMIO_QUEUE_READY:
		return read_queue(mmio, offset);
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return mmio->interrupt_status;
	case VIRTIO_MMIO_STATUS:
		return virtio_status_read(mmio->dev);
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return UINT32_MAX; /* 4.2.2: no such shared memory region */
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return virtio_config_generation(mmio->dev);
	default:
		return 0;
	}
}

static void write_status(struct virtio_mmio *mmio, uint32_t value)
{
	/* Bits that no status has: cut off, they might look like a reset. */
	if (value > UINT8_MAX)
		return;
	virtio_status_write(mmio->dev, (uint8_t)value);
	if (!value)
		mmio->interrupt_status = 0;
}

static void write_register(
	struct virtio_mmio *mmio, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		mmio->features_select = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		virtio_features_write(
			mmio->dev, mmio->driver_features_select, value);
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		mmio->driver_features_select = value;
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		mmio->queue_select = value;
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		atomic_fetch_and(&mmio->interrupt_status, ~value);
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(mmio, value);
		break;
	default:
		/* QUEUE_NOTIFY never comes here: KVM signals the doorbell. */
		write_queue(mmio, offset, value);
		break;
	}
}

static void bus_read_fn(void *dev, uint64_t offset, void *data, unsigned len)
{
	struct virtio_mmio *mmio = dev;
	uint32_t value;

	if (offset >= VIRTIO_MMIO_CONFIG) {
		virtio_config_read(
			mmio->dev, offset - VIRTIO_MMIO_CONFIG, data, len);
		return;
	}
	memset(data, 0, len);
	if (len != sizeof(value) || offset % sizeof(value))
		return;
	value = htole32(read_register(mmio, offset));
	memcpy(data, &value, sizeof(value));
}

static void bus_write_fn(
	void *dev, uint64_t offset, const void *data, unsigned len)
{
	uint32_t value;

	/* No model has a configuration field that the driver may write. */
	if (offset >= VIRTIO_MMIO_CONFIG || len != sizeof(value) ||
		offset % sizeof(value))
		return;
	memcpy(&value, data, sizeof(value));
	write_register(dev, offset, le32toh(value));
}

const struct bus_ops virtio_mmio_bus_ops = {
	.read = bus_read_fn,
	.write = bus_write_fn,
};

/* ---- the transport's side of the core ---- */

static void interrupt(void *transport, bool config_changed)
{
	struct virtio_mmio *mmio = transport;

	atomic_fetch_or(&mmio->interrupt_status,
		config_changed ? VIRTIO_MMIO_INT_CONFIG
			       : VIRTIO_MMIO_INT_VRING);
	irq_line_raise(&mmio->irq);
}

static const struct virtio_transport transport = { .interrupt = interrupt };

static void doorbell_rang(struct loop_watch *watch, uint32_t events)
{
	claim_loop_thread();
	(void)events;
	virtio_kicked(container_of(watch, struct virtio_mmio, doorbell)->dev);
}

int virtio_mmio_init(struct virtio_mmio *mmio, struct virtio_device *dev,
	int vm_fd, const struct machine_virtio *window)
{
	int rc;

	*mmio = (struct virtio_mmio){
		.dev = dev,
		.irq.fd = -1,
		.doorbell = { .events = POLLIN, .ready = doorbell_rang },
	};
	dev->transport = &transport;
	dev->transport_priv = mmio;
	mmio->doorbell.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mmio->doorbell.fd < 0)
		return err_set(-errno, "eventfd: %s", strerror(errno));
	rc = irq_line_init(&mmio->irq, vm_fd, window->gsi);
	if (!rc)
		rc = irq_doorbell(vm_fd, mmio->doorbell.fd,
			gpa_add(window->gpa, VIRTIO_MMIO_QUEUE_NOTIFY));
	if (!rc)
		rc = loop_watch_add(dev->loop, &mmio->doorbell);
	return rc;
}

void virtio_mmio_fini(struct virtio_mmio *mmio)
{
	if (!mmio->dev)
		return;
	loop_watch_del(mmio->dev->loop, &mmio->doorbell);
	close_fd(mmio->doorbell.fd);
	irq_line_fini(&mmio->irq);
}

/* ---- state ---- */

/* The selectors are whatever the driver wrote; an unknown one selects nothing. */
static const struct state_field fields[] = {
	STATE_U32(struct virtio_mmio, interrupt_status,
		.max = VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG),
	STATE_U32(struct virtio_mmio, features_select),
	STATE_U32(struct virtio_mmio, driver_features_select),
	STATE_U32(struct virtio_mmio, queue_select),
};

const struct state_desc virtio_mmio_state = STATE_DESC(
	"virtio-mmio", 1, struct virtio_mmio, fields);

int virtio_mmio_loaded(void *transport_priv)
{
	const struct virtio_mmio *mmio = transport_priv;
	uint8_t status = virtio_status_read(mmio->dev);

	if (mmio->interrupt_status && !(status & VIRTIO_CONFIG_S_DRIVER_OK))
		return err_set(-EBADMSG,
			"virtio-mmio.interrupt_status is %#x before the driver "
			"was ready",
			mmio->interrupt_status);
	return 0;
}

void virtio_mmio_raise(const struct virtio_mmio *mmio)
{
	if (mmio->interrupt_status)
		irq_line_raise(&mmio->irq);
}
