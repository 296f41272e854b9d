/* SPDX-License-Identifier: Apache-2.0 */
/* guest.c - a driver behind virtio-mmio registers */
#include "tests/unit/guest.h"

#include <stdlib.h>

int guest_init(struct guest *guest, enum loop_engine engine)
{
	int rc;

	*guest = (struct guest){ 0 };
	rc = mem_init(&guest->mem, GUEST_RAM);
	return rc ? rc : loop_new(engine, &guest->loop);
}

int guest_attach(struct guest *guest, struct virtio_device *dev)
{
	const struct machine_virtio window = {
		.gpa = GPA(0xd0000000),
		.size_bytes = VIRTIO_MMIO_BYTES,
		.gsi = GUEST_GSI,
	};

	(void)fake_irq_edges(GUEST_GSI);
	return virtio_mmio_init(&guest->mmio, dev, -1, &window);
}

void guest_fini(struct guest *guest)
{
	virtio_mmio_fini(&guest->mmio);
	loop_free(guest->loop);
	mem_fini(&guest->mem);
}

uint32_t guest_read(struct guest *guest, uint64_t reg)
{
	uint32_t value;

	virtio_mmio_bus_ops.read(&guest->mmio, reg, &value, sizeof(value));
	return value;
}

void guest_write(struct guest *guest, uint64_t reg, uint32_t value)
{
	virtio_mmio_bus_ops.write(&guest->mmio, reg, &value, sizeof(value));
}

uint8_t guest_status(struct guest *guest)
{
	return (uint8_t)guest_read(guest, VIRTIO_MMIO_STATUS);
}

void guest_set_status(struct guest *guest, uint8_t status)
{
	guest_write(guest, VIRTIO_MMIO_STATUS, status);
}

void guest_accept(struct guest *guest, uint64_t features)
{
	for (unsigned i = 0; i < 2; i++) {
		guest_write(guest, VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		guest_write(guest, VIRTIO_MMIO_DRIVER_FEATURES,
			(uint32_t)(features >> (32 * i)));
	}
}

static void write_address(struct guest *guest, uint64_t low_reg, gpa_t gpa)
{
	guest_write(guest, low_reg, (uint32_t)gpa.v);
	guest_write(guest, low_reg + 4, (uint32_t)(gpa.v >> 32));
}

void guest_set_queue(
	struct guest *guest, unsigned index, const struct virtq_config *config)
{
	guest_write(guest, VIRTIO_MMIO_QUEUE_SEL, index);
	guest_write(guest, VIRTIO_MMIO_QUEUE_NUM, config->size);
	write_address(guest, VIRTIO_MMIO_QUEUE_DESC_LOW, config->desc);
	write_address(guest, VIRTIO_MMIO_QUEUE_AVAIL_LOW, config->avail);
	write_address(guest, VIRTIO_MMIO_QUEUE_USED_LOW, config->used);
	guest_write(guest, VIRTIO_MMIO_QUEUE_READY, config->ready);
}

void guest_negotiate(struct guest *guest, uint64_t features)
{
	guest_set_status(guest, 0);
	guest_set_status(guest, ACK);
	guest_set_status(guest, ACK | DRIVER);
	guest_accept(guest, features);
	guest_set_status(guest, ACK | DRIVER | FEATURES_OK);
}

void guest_start(struct guest *guest, uint64_t features, unsigned queues,
	uint16_t ring_size)
{
	guest_negotiate(guest, features);
	for (unsigned i = 0; i < queues; i++) {
		ring_init(&guest->ring[i], &guest->mem, ring_size,
			GUEST_RINGS + i * GUEST_RING_STEP);
		guest_set_queue(guest, i, &guest->ring[i].config);
	}
	guest_set_status(guest, RUNNING);
}

void *guest_ptr(const struct guest *guest, uint64_t gpa, size_t len)
{
	void *p = mem_ptr(&guest->mem, GPA(gpa), len);

	if (!p)
		abort();
	return p;
}
