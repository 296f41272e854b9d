/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.h - a driver that works a device through its virtio-mmio registers, on fake
 * interrupts and whatever loop loop_new() gives
 *
 * Low memory is laid out as: rings from GUEST_RINGS, one each GUEST_RING_STEP;
 * from GUEST_DATA on all is the test's.
 */
#ifndef MUSTER_TESTS_UNIT_GUEST_H
#define MUSTER_TESTS_UNIT_GUEST_H

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "devices/virtio/mmio.h"
#include "tests/unit/fake_irq.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/ring.h"

#define GUEST_RAM       (1 * MIB)
#define GUEST_RINGS     0x10000
#define GUEST_RING_STEP 0x2000
#define GUEST_DATA      0x40000
#define GUEST_GSI       5
#define GUEST_QUEUES    4

#define ACK             VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER          VIRTIO_CONFIG_S_DRIVER
#define FEATURES_OK     VIRTIO_CONFIG_S_FEATURES_OK
#define DRIVER_OK       VIRTIO_CONFIG_S_DRIVER_OK
#define NEEDS_RESET     VIRTIO_CONFIG_S_NEEDS_RESET
#define FAILED          VIRTIO_CONFIG_S_FAILED
#define RUNNING         (ACK | DRIVER | FEATURES_OK | DRIVER_OK)

#define VERSION_1       BIT64(VIRTIO_F_VERSION_1)
#define INDIRECT_F      BIT64(VIRTIO_RING_F_INDIRECT_DESC)
#define EVENT_IDX_F     BIT64(VIRTIO_RING_F_EVENT_IDX)

struct guest {
	struct mem mem;
	struct loop *loop;
	struct virtio_mmio mmio;
	struct ring ring[GUEST_QUEUES];
};

/* Memory and loop; then a device is made with them, and attached. */
int guest_init(struct guest *guest, enum loop_engine engine);
int guest_attach(struct guest *guest, struct virtio_device *dev);
void guest_fini(struct guest *guest);

uint32_t guest_read(struct guest *guest, uint64_t reg);
void guest_write(struct guest *guest, uint64_t reg, uint32_t value);

uint8_t guest_status(struct guest *guest);
void guest_set_status(struct guest *guest, uint8_t status);
void guest_accept(struct guest *guest, uint64_t features);
void guest_set_queue(
	struct guest *guest, unsigned index, const struct virtq_config *config);

/* From any state to FEATURES_OK, and to DRIVER_OK with `queues` fresh rings. */
void guest_negotiate(struct guest *guest, uint64_t features);
void guest_start(struct guest *guest, uint64_t features, unsigned queues,
	uint16_t ring_size);

/* On the fake loop: ring the doorbell, and do what there is to do. */
static inline void guest_kick(struct guest *guest)
{
	fake_loop_ring(guest->loop, &guest->mmio.doorbell);
	fake_loop_settle(guest->loop);
}

/* The `len` bytes at `gpa`. */
void *guest_ptr(const struct guest *guest, uint64_t gpa, size_t len);

#endif
