/* SPDX-License-Identifier: Apache-2.0 */
/* devices.c - the devices of a machine, from its configuration */
#include "vmm/devices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/irq.h"
#include "vmm/outfile.h"

#define VIRTIO_GPA 0xd0000000u

/*
 * Free I/O APIC pins: 0 to 4, 8 and 12 have owners that kernels assume, 23 is
 * MACHINE_VMGENID_GSI.
 */
static const uint8_t virtio_gsi[MACHINE_VIRTIO_MAX] = { 5, 6, 7, 9, 10, 11, 13,
	14, 15, 16, 17, 18, 19, 20, 21, 22 };

/* ---- opening and planning ---- */

static int open_disk(const struct disk_config *config, const char *label,
	const struct disk *instead_of, struct device_swap *ret)
{
	const struct disk_options options = {
		.path = config->path,
		.readonly = config->readonly,
		.direct = config->direct,
		.label = label,
		.instead_of = instead_of,
	};
	int rc;

	*ret = (struct device_swap){ 0 };
	rc = disk_open(&options, &ret->disk);
	if (!rc && asprintf(&ret->name, "disk %s", config->path) < 0) {
		ret->name = NULL;
		rc = err_set(-ENOMEM, "--disk: no memory");
	}
	if (rc)
		device_swap_fini(ret);
	return rc;
}

int devices_open(struct devices *devices, const struct vm_config *config)
{
	*devices = (struct devices){
		.console_fd = -1,
		.serial_irq = { .fd = -1 },
	};
	for (unsigned i = 0; i < config->disk_count; i++) {
		struct device_disk *d = &devices->disk[i];
		struct device_swap opened;
		int rc = open_disk(&config->disk[i], NULL, NULL, &opened);

		if (rc)
			return rc;
		d->disk = opened.disk;
		d->name = opened.name;
		devices->disk_count = i + 1;
	}
	return 0;
}

int devices_open_swap(const struct devices *devices, unsigned index,
	const struct disk_config *config, const char *label,
	struct device_swap *ret)
{
	return open_disk(config, label, devices->disk[index].disk, ret);
}

void devices_swap(
	struct devices *devices, unsigned index, struct device_swap *swap)
{
	struct device_disk *d = &devices->disk[index];
	const struct device_swap old = { d->disk, d->name };

	d->disk = swap->disk;
	d->name = swap->name;
	virtio_blk_replace(&d->blk, d->disk, d->name);
	*swap = old;
}

void devices_limit(struct devices *devices, unsigned index,
	const struct rate *bandwidth, const struct rate *ops)
{
	virtio_blk_limit(&devices->disk[index].blk, bandwidth, ops);
}

void device_swap_fini(struct device_swap *swap)
{
	swap->disk = disk_close(swap->disk);
	free(swap->name);
	swap->name = NULL;
}

void devices_plan(const struct vm_config *config, struct machine *machine)
{
	machine->virtio_count = config->disk_count + config->rng;
	for (unsigned i = 0; i < machine->virtio_count; i++)
		machine->virtio[i] = (struct machine_virtio){
			.gpa = GPA(VIRTIO_GPA + i * VIRTIO_MMIO_BYTES),
			.size_bytes = VIRTIO_MMIO_BYTES,
			.gsi = virtio_gsi[i],
		};
}

/* ---- the console ---- */

static int open_console_file(struct devices *devices, const char *path)
{
	int rc = outfile_open("--console file=", path, &devices->console_fd);

	if (!rc)
		(void)!ftruncate(devices->console_fd, 0); /* not a FIFO's */
	return rc;
}

static int open_console(struct devices *devices, const struct devices_env *env)
{
	const struct vm_config *config = env->config;
	int rc;

	switch ((enum console_kind)config->console) {
	case CONSOLE_SERIAL:
		return tty_new(
			env->loop, STDIN_FILENO, STDOUT_FILENO, &devices->tty);
	case CONSOLE_FILE:
		rc = open_console_file(devices, config->console_path);
		if (rc)
			return rc;
		return tty_new(
			env->loop, -1, devices->console_fd, &devices->tty);
	case CONSOLE_NONE:
		break;
	}
	return 0;
}

static void escape(void *owner)
{
	struct devices *devices = owner;

	devices->escape(devices->owner);
}

static int build_serial(struct devices *devices, const struct devices_env *env)
{
	static const struct tty_events events = {
		.room = serial_room,
		.input = serial_input,
		.escape = escape,
	};
	int rc = irq_line_init(
		&devices->serial_irq, env->vm_fd, MACHINE_SERIAL_GSI);

	if (!rc)
		rc = open_console(devices, env);
	if (rc)
		return rc;
	devices->escape = env->escape;
	devices->owner = env->owner;
	serial_init(&devices->serial, &devices->serial_irq, devices->tty);
	if (devices->tty)
		tty_limit(devices->tty, &env->config->console_rate);
	if (devices->tty)
		tty_attach(devices->tty, &events, &devices->serial, devices);
	return bus_add(env->ports, MACHINE_SERIAL_PORT, SERIAL_PORTS,
		&serial_bus_ops, &devices->serial);
}

/* ---- virtio ---- */

/* Put an initialised device into the next planned window. */
static int connect_virtio(struct devices *devices,
	const struct devices_env *env, struct virtio_device *dev)
{
	unsigned i = devices->virtio_count;
	const struct machine_virtio *window = &env->machine->virtio[i];
	int rc;

	dev->failed = env->failed;
	dev->owner = env->owner;
	devices->virtio[i] = dev;
	devices->virtio_count++;
	rc = virtio_mmio_init(&devices->mmio[i], dev, env->vm_fd, window);
	if (rc)
		return err_wrap(rc, "%s", dev->name);
	return bus_add(env->mmio, window->gpa.v, window->size_bytes,
		&virtio_mmio_bus_ops, &devices->mmio[i]);
}

static int build_disk(struct device_disk *d, const struct disk_config *config,
	struct devices *devices, const struct devices_env *env)
{
	int rc = virtio_blk_init(&d->blk, env->machine->mem, env->loop, d->disk,
		d->name, config->id, env->machine->cpus);

	virtio_blk_limit(
		&d->blk, &config->limits.bandwidth, &config->limits.ops);
	return rc ? rc : connect_virtio(devices, env, &d->blk.dev);
}

static int build_rng(struct devices *devices, const struct devices_env *env)
{
	int rc = virtio_rng_init(&devices->rng, env->machine->mem, env->loop);

	virtio_rng_limit(&devices->rng, &env->config->rng_limits);
	return rc ? rc : connect_virtio(devices, env, &devices->rng.dev);
}

int devices_build(struct devices *devices, const struct devices_env *env)
{
	const struct vm_config *config = env->config;
	int rc = platform_init(&devices->platform, env->ports,
		config->debug_exit, env->event, env->owner);

	devices->loop = env->loop;
	devices_hold_init(devices);
	if (!rc)
		rc = i8042_init(&devices->i8042, env->ports, env->vm_fd,
			env->event, env->owner);
	devices->boot_timer = config->boot_timer;
	if (!rc && config->boot_timer.asked_ns)
		rc = boot_timer_init(&devices->boot_timer, env->mmio);
	if (!rc)
		rc = vmgenid_init(
			&devices->vmgenid, env->machine->mem, env->vm_fd);
	for (unsigned i = 0; !rc && i < devices->disk_count; i++)
		rc = build_disk(
			&devices->disk[i], &config->disk[i], devices, env);
	if (!rc && config->rng)
		rc = build_rng(devices, env);
	if (!rc)
		rc = build_serial(devices, env);
	return rc;
}

void devices_fini(struct devices *devices)
{
	for (unsigned i = 0; i < devices->virtio_count; i++)
		virtio_mmio_fini(&devices->mmio[i]);
	virtio_device_fini(&devices->rng.dev);
	for (unsigned i = 0; i < devices->disk_count; i++) {
		virtio_blk_fini(&devices->disk[i].blk);
		disk_close(devices->disk[i].disk);
		free(devices->disk[i].name);
	}
	serial_fini(&devices->serial);
	i8042_fini(&devices->i8042);
	tty_free(devices->tty);
	irq_line_fini(&devices->serial_irq);
	close_fd(devices->console_fd);
}
