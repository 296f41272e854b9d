/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices.h - the devices of a machine, from its configuration
 *
 * Three steps, so that nothing on the host is created before everything that the
 * user can get wrong has been checked: open what must exist (disks), plan where
 * each device will be (boot/ and firmware/ read the plan), build.
 */
#ifndef MUSTER_VMM_DEVICES_H
#define MUSTER_VMM_DEVICES_H

#include "devices/backend/disk.h"
#include "devices/backend/tty.h"
#include "devices/device.h"
#include "devices/i8042.h"
#include "devices/platform.h"
#include "devices/serial.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/rng.h"
#include "devices/vmgenid.h"
#include "vmm/config.h"
#include "vmm/core/machine.h"
#include "vmm/snapshot_file.h"

struct device_disk {
	struct disk *disk;
	char *name; /* "disk PATH", for messages */
	struct virtio_blk blk;
};

/* A file that takes the place of a disk's: opened, but not the guest's yet. */
struct device_swap {
	struct disk *disk;
	char *name;
};

/* How the control thread has the devices held, on the loop. */
struct devices_hold {
	struct loop_call call, abandon;
	_Atomic uint32_t wanted; /* grows with each change of mind; odd: held */
	_Atomic uint32_t idle;   /* the last hold in which all came to rest */
	uint32_t applied;        /* the loop's: what was wanted last */
	unsigned busy;           /* the loop's: not idle yet */
};

struct devices {
	struct loop *loop; /* borrowed */
	bool served;       /* the loop has a thread of its own by now */
	struct devices_hold hold;
	struct platform platform;
	struct i8042 i8042;
	struct boot_timer boot_timer;
	struct vmgenid vmgenid;
	struct irq_line serial_irq;
	struct serial serial;
	int console_fd; /* owned; CONSOLE_FILE */
	struct tty *tty;
	void (*escape)(void *owner);
	void *owner;
	unsigned disk_count;
	struct device_disk disk[MACHINE_VIRTIO_MAX];
	struct virtio_rng rng;
	unsigned virtio_count;
	struct virtio_device *virtio[MACHINE_VIRTIO_MAX];
	struct virtio_mmio mmio[MACHINE_VIRTIO_MAX];
};

/* Who the devices are built for; all borrowed. */
struct devices_env {
	const struct vm_config *config;
	const struct machine *machine;
	struct loop *loop;
	int vm_fd;
	struct bus *ports;
	struct bus *mmio;
	machine_event_fn event;
	void (*escape)(void *owner); /* on the loop */
	void (*failed)(void *owner, const char *device,
		const char *why); /* on the loop */
	void *owner;
};

/* Open and lock the disks; changes nothing on the host. */
int devices_open(struct devices *devices, const struct vm_config *config);

/*
 * Open another file for a disk, in its modes: `path` may be the file that it has.
 * `label` stands in front of the path in sentences.  0 or -errno with a sentence.
 */
int devices_open_swap(const struct devices *devices, unsigned index,
	const struct disk_config *config, const char *label,
	struct device_swap *ret);

/* Put it in place; *swap is what was there.  While no vCPU runs and all is held. */
void devices_swap(
	struct devices *devices, unsigned index, struct device_swap *swap);

/* NULL in the place of a rate leaves it.  While all is held. */
void devices_limit(struct devices *devices, unsigned index,
	const struct rate *bandwidth, const struct rate *ops);

/* A zeroed one is fine. */
void device_swap_fini(struct device_swap *swap);

/* Fill in the virtio windows of `machine`: the disks in order, then the rng. */
void devices_plan(const struct vm_config *config, struct machine *machine);

/* Make the devices; the only file that this creates is --console file=. */
int devices_build(struct devices *devices, const struct devices_env *env);

/*
 * Append a section for each part of each device.  While the devices are held.
 */
void devices_save(const struct devices *devices, struct buf *file);

/*
 * The opposite, into devices that have just been built over the memory that was
 * saved; before the loop runs.  0, or -EBADMSG with a sentence that names the
 * device and what does not fit: another set of devices, another disk, a state that
 * no guest can bring about.  The caller names the file.
 */
int devices_load(struct devices *devices, const struct snapshot_file *file);

/*
 * Raise the interrupt of every device that a driver has yet to look at, once more.
 * When nothing sets the interrupt controllers any more, while the devices are held,
 * or before the loop runs, and before a vCPU does.
 */
void devices_raise(const struct devices *devices);

/* The table of a device's section, NULL if it is not a device's. */
const struct state_desc *devices_state(const char *section);

/* A part of devices_build(). */
void devices_hold_init(struct devices *devices);

/*
 * Bring all devices to rest: nothing in flight, no ring touched, no console input
 * delivered.  While no vCPU runs.  -ETIMEDOUT if one is not idle by `until_ns`, and
 * in *ret_late its name, NULL if it is the loop itself that does not answer; call
 * devices_resume() then too.
 */
int devices_pause(
	struct devices *devices, uint64_t until_ns, const char **ret_late);

/* Serve what came meanwhile, and go on.  Before the vCPUs do; no-op if not paused. */
void devices_resume(struct devices *devices);

/* At the end: let vCPUs go that wait for a device's reset. */
void devices_abandon_resets(struct devices *devices);

/* After the loop has ended; half-built is fine. */
void devices_fini(struct devices *devices);

#endif
