/* SPDX-License-Identifier: Apache-2.0 */
/* device_regs.c - the virtio core's registers that only hold values, on vCPU threads */
#include <linux/virtio_config.h>
#include <string.h>

#include "devices/virtio/device.h"

/* What the driver may write now, by the status byte. */
bool virtio_in_status(
	const struct virtio_device *dev, unsigned set, unsigned clear)
{
	unsigned status = atomic_load(&dev->status);

	return (status & set) == set && !(status & clear);
}

uint32_t virtio_features_read(const struct virtio_device *dev, unsigned select)
{
	return select < 2 ? (uint32_t)(dev->offered >> (32 * select)) : 0;
}

void virtio_features_write(
	struct virtio_device *dev, unsigned select, uint32_t value)
{
	unsigned shift = 32 * (select & 1);

	pthread_mutex_lock(&dev->lock);
	if (select < 2 && virtio_in_status(dev, VIRTIO_CONFIG_S_DRIVER,
				  VIRTIO_CONFIG_S_FEATURES_OK))
		dev->accepted = (dev->accepted & ~(0xffffffffull << shift)) |
				(uint64_t)value << shift;
	pthread_mutex_unlock(&dev->lock);
}

bool virtio_queue_read(
	struct virtio_device *dev, unsigned index, struct virtq_config *ret)
{
	if (index >= dev->queue_count)
		return false;
	pthread_mutex_lock(&dev->lock);
	*ret = dev->queues[index].config;
	pthread_mutex_unlock(&dev->lock);
	return true;
}

void virtio_queue_write(struct virtio_device *dev, unsigned index,
	const struct virtq_config *config)
{
	struct virtq_config *mine;

	if (index >= dev->queue_count)
		return;
	mine = &dev->queues[index].config;
	pthread_mutex_lock(&dev->lock);
	if (virtio_in_status(dev, VIRTIO_CONFIG_S_FEATURES_OK,
		    VIRTIO_CONFIG_S_DRIVER_OK)) {
		if (!mine->ready)
			*mine = *config;
		else
			mine->ready = config->ready;
		/* Refused when the device is activated (virtq_init). */
		if (mine->size > dev->queue_size)
			mine->size = 0;
	}
	pthread_mutex_unlock(&dev->lock);
}

void virtio_config_read(const struct virtio_device *dev, uint64_t offset,
	void *data, unsigned len)
{
	memset(data, 0, len);
	if (offset >= dev->config_bytes)
		return;
	memcpy(data, (const uint8_t *)dev->config + offset,
		MIN(len, dev->config_bytes - offset));
}

uint32_t virtio_config_generation(const struct virtio_device *dev)
{
	return dev->config_generation;
}

void virtio_config_changed(struct virtio_device *dev)
{
	dev->config_generation++;
	if (virtio_in_status(dev, VIRTIO_CONFIG_S_DRIVER_OK, 0))
		dev->transport->interrupt(dev->transport_priv, true);
}
