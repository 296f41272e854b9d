/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - the virtio core: status machine, features, queues, reset
 *
 * One core serves every model and every transport.  Transports call the
 * "register" functions from vCPU threads; models are called on the device's
 * loop.  The two meet in three places only:
 *
 *  - setting DRIVER_OK and writing 0 to the status run on the loop, while the vCPU
 *    waits (a loop_call and a completion), so that a queue is never touched by
 *    two threads;
 *  - the status byte and the interrupt status are atomics;
 *  - everything else that a driver writes is protected by `lock`, which the
 *    loop never takes.
 */
#ifndef MUSTER_DEVICES_VIRTIO_DEVICE_H
#define MUSTER_DEVICES_VIRTIO_DEVICE_H

#include <stdatomic.h>

#include "devices/device.h"
#include "devices/virtio/virtqueue.h"
#include "vmm/core/loop.h"
#include "vmm/core/mem.h"

struct virtio_device;

/* static const, one per model. */
struct virtio_model {
	struct device_ops ops;
	uint32_t id; /* virtio 1.2, 5 */
	/* The driver is ready; `features` were agreed on.  0 or -errno. */
	int (*activate)(void *model, uint64_t features);
	/* There may be chains in queue `index`. */
	void (*kick)(void *model, unsigned index);
};

/* static const, one per transport. */
struct virtio_transport {
	/* Tell the driver: a used buffer, or a changed configuration.  Any thread. */
	void (*interrupt)(void *transport, bool config_changed);
};

struct virtio_queue {
	struct virtq_config config; /* protected by lock */
	struct virtq ring;          /* the loop's */
	bool unpublished;           /* the loop's: has elements to publish */
};

struct virtio_device {
	const struct virtio_model *model;
	void *priv;       /* the model's object */
	const char *name; /* for messages: "disk /srv/a.img" */
	const struct mem *mem;
	struct loop *loop;
	uint64_t supported; /* features, the core's included */
	uint64_t offered;   /* all of them, but what an older snapshot lacks */
	const void *config;
	unsigned config_bytes;
	uint32_t config_generation; /* changes with it, while no vCPU runs */
	uint32_t queue_count;
	uint16_t queue_size; /* the most descriptors that a queue may have */
	struct virtio_queue *queues; /* owned */

	const struct virtio_transport *transport;
	void *transport_priv;

	atomic_uint status;
	pthread_mutex_t lock; /* protects accepted and queues[].config */
	uint64_t accepted;

	/* The loop's. */
	bool active;
	unsigned budget; /* chains that may still be popped in this round */
	struct loop_call again;
	struct loop_defer flush;
	struct loop_poller poller;
	struct completion *resetting; /* the vCPU that waits for drained() */
	bool paused;
	bool waiting; /* no chain is taken until the timer expires */
	struct loop_timer timer;
	void (*idle)(void *owner); /* waits for drained(); or NULL */
	void *idle_owner;

	atomic_bool draining; /* paused, but requests are in flight */

	/* Who is told of errors, on the loop; NULL: only the log. */
	void (*failed)(void *owner, const char *device, const char *why);
	void *owner;
};

/* What a model hands to the core; all pointers are borrowed for good. */
struct virtio_device_args {
	const struct virtio_model *model;
	void *priv;
	const char *name;
	const struct mem *mem;
	struct loop *loop;
	uint64_t features; /* the model's own */
	const void *config;
	unsigned config_bytes;
	unsigned queue_count;
	uint16_t queue_size; /* a power of two up to VIRTQ_SIZE_MAX; 0: that */
};

/* 0 or -errno with a sentence.  Before the loop runs. */
int virtio_device_init(
	struct virtio_device *dev, const struct virtio_device_args *args);

/* After the loop has ended; a zeroed one is fine. */
void virtio_device_fini(struct virtio_device *dev);

/* ---- for models, on the loop ---- */

/*
 * The next chain of a queue: true and *ret, or false if there is none.  A ring
 * that breaks the rules puts the device into NEEDS_RESET and gives false.
 */
bool virtio_pop(struct virtio_device *dev, unsigned queue,
	struct virtq_chain *ret) ON_LOOP;

/*
 * Give a chain back with `written` bytes.  The driver hears of all chains of a
 * batch together, before the loop sleeps.
 */
void virtio_complete(struct virtio_device *dev, unsigned queue, uint16_t head,
	uint32_t written) ON_LOOP;

/*
 * Put the chain of `queue` that was popped last back, and take none of any queue for
 * `delay_ns`; then kick() is called for those that have some.
 */
void virtio_wait(
	struct virtio_device *dev, unsigned queue, uint64_t delay_ns) ON_LOOP;

/* 2.1.2: say that the device cannot go on until the driver resets it. */
void virtio_needs_reset(struct virtio_device *dev, const char *why) ON_LOOP;

/* Tell the machine of a failure; the log and the guest are told by others. */
void virtio_failed(struct virtio_device *dev, const char *why) ON_LOOP;

/* The requests that kept reset() or pause() from finishing are done. */
void virtio_drained(struct virtio_device *dev) ON_LOOP;

/* ---- for transports, on a vCPU thread ---- */

/* Are all bits of `set` in the status byte now, and none of `clear`? */
bool virtio_in_status(
	const struct virtio_device *dev, unsigned set, unsigned clear);

/* Half `select` (0 or 1) of the offered features; other halves are 0. */
uint32_t virtio_features_read(const struct virtio_device *dev, unsigned select);

/* Ignored outside the time between DRIVER and FEATURES_OK (3.1.1). */
void virtio_features_write(
	struct virtio_device *dev, unsigned select, uint32_t value);

uint8_t virtio_status_read(const struct virtio_device *dev);

/* The whole status machine: order, freeze of features, activation, reset. */
void virtio_status_write(struct virtio_device *dev, uint8_t value);

/* The registers of one queue: a copy; false if there is no such queue. */
bool virtio_queue_read(
	struct virtio_device *dev, unsigned index, struct virtq_config *ret);

/*
 * Replace them.  Ignored outside the time between FEATURES_OK and DRIVER_OK,
 * and while the queue is ready (except for clearing `ready`).
 */
void virtio_queue_write(struct virtio_device *dev, unsigned index,
	const struct virtq_config *config);

/* Device configuration; what lies outside reads as 0. */
void virtio_config_read(const struct virtio_device *dev, uint64_t offset,
	void *data, unsigned len);

/* ---- for transports, on the loop ---- */

/* The driver rang the doorbell: look at every queue. */
void virtio_kicked(struct virtio_device *dev) ON_LOOP;

/* ---- state, while the device is held ---- */

/* Of a struct virtio_device, its queues included; not of the model. */
extern const struct state_desc virtio_device_state;

/*
 * After the model's state and this one have been loaded, before the loop runs: a
 * device that was running runs again, and finds the chains that wait.  -EBADMSG
 * with a sentence for what no driver can have brought about.
 */
int virtio_device_loaded(void *dev);

/* Of the device configuration: the same before and after means that none changed. */
uint32_t virtio_config_generation(const struct virtio_device *dev);

/* ---- for the machine, while the device is paused and no vCPU runs ---- */

/* The configuration has changed: the driver is told, if there is one (2.5.2). */
void virtio_config_changed(struct virtio_device *dev);

/* ---- for the machine, on the loop ---- */

/*
 * Touch no ring any more.  idle(owner) is called when nothing is in flight, at once
 * or later, and not after virtio_resume().
 */
void virtio_pause(struct virtio_device *dev, void (*idle)(void *owner),
	void *owner) ON_LOOP;

/* Go on, with whatever the driver offered last.  No-op if not paused. */
void virtio_resume(struct virtio_device *dev) ON_LOOP;

/*
 * At the end: let a vCPU that waits for its reset go, though requests may be in
 * flight still.  The device must not be used again.
 */
void virtio_abandon_reset(struct virtio_device *dev) ON_LOOP;

#endif
