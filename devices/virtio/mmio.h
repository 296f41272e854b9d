/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmio.h - virtio over MMIO, version 2 (virtio 1.2, 4.2)
 *
 * Registers are 32 bits wide and aligned; other accesses outside the device
 * configuration read as 0 and write nothing.  Legacy registers do not exist.
 */
#ifndef MUSTER_DEVICES_VIRTIO_MMIO_H
#define MUSTER_DEVICES_VIRTIO_MMIO_H

#include "devices/virtio/device.h"
#include "vmm/core/bus.h"
#include "vmm/core/irq.h"
#include "vmm/core/machine.h"

#define VIRTIO_MMIO_BYTES 0x1000

struct virtio_mmio {
	struct virtio_device *dev; /* borrowed */
	struct irq_line irq;
	struct loop_watch doorbell;   /* watches an eventfd, owned */
	atomic_uint interrupt_status; /* set by the loop, cleared by vCPUs */
	/* The driver's selectors: only one driver thread sets up a device. */
	atomic_uint features_select;
	atomic_uint driver_features_select;
	atomic_uint queue_select;
};

/*
 * Connect an initialised device to a window of the machine: its interrupt line and
 * its doorbell.  0 or -errno with a sentence.  Before the loop runs.
 */
int virtio_mmio_init(struct virtio_mmio *mmio, struct virtio_device *dev,
	int vm_fd, const struct machine_virtio *window);

/* After the loop has ended; half-built is fine. */
void virtio_mmio_fini(struct virtio_mmio *mmio);

/* The transport's part of a device's state. */
extern const struct state_desc virtio_mmio_state;

/* After this state and the device's own have been loaded.  0 or -EBADMSG. */
int virtio_mmio_loaded(void *mmio);

/*
 * Interrupt the driver once more if it has something to look at: the edge may have
 * been on its way when the snapshot was taken.
 */
void virtio_mmio_raise(const struct virtio_mmio *mmio);

/* For bus_add() with the virtio_mmio; any vCPU thread. */
extern const struct bus_ops virtio_mmio_bus_ops;

#endif
