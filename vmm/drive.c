/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drive.c - change a disk of a VM while its guest uses it
 *
 * Theory of operation: whatever can fail is done first, while the guest runs: the
 * new file is opened and locked beside the old one.  Then the machine is held for
 * the moment in which one takes the place of the other, so that no request is in
 * flight on either, and no vCPU reads a capacity that is half old and half new.
 * Closing the old file may take the host long; that comes last.
 */
#include "vmm/drive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/base/text.h"
#include "vmm/vm_parts.h"

struct change {
	struct vm *vm;
	const struct vm_drive_change *wish;
	unsigned index;
	struct disk_config *config;
	struct device_swap swap;
	char *path; /* owned */
};

/* A snapshot of a VM with one file in two drives would be refused. */
static int check_others(
	const struct vm_config *config, unsigned index, const char *path)
{
	for (unsigned i = 0; i < config->disk_count; i++)
		if (i != index && !strcmp(config->disk[i].path, path))
			return err_set(-EINVAL,
				"path_on_host %s: another drive has it; attach "
				"each file once",
				text_shown(path).s);
	return 0;
}

static int open_next(struct change *c, const struct vm_config *config)
{
	const char *path = c->wish->path;
	struct disk_config next = *c->config;
	int rc = check_others(config, c->index, path);

	if (rc)
		return rc;
	c->path = strdup(path);
	if (!c->path)
		return err_set(-ENOMEM, "no memory for a drive");
	next.path = c->path;
	return devices_open_swap(
		&c->vm->devices, c->index, &next, "path_on_host ", &c->swap);
}

static void swap_file(struct change *c)
{
	char *old = c->config->path;

	devices_swap(&c->vm->devices, c->index, &c->swap);
	c->config->path = c->path;
	c->path = old;
}

static void set_limits(struct change *c)
{
	const struct rate *bandwidth = c->wish->bandwidth;
	const struct rate *ops = c->wish->ops;

	devices_limit(&c->vm->devices, c->index, bandwidth, ops);
	if (bandwidth)
		c->config->limits.bandwidth = *bandwidth;
	if (ops)
		c->config->limits.ops = *ops;
}

static int apply_held(struct change *c)
{
	struct pause *pause = &c->vm->pause;
	int rc = pause_hold(pause, PAUSE_DRIVE, PAUSE_DEADLINE_NS);

	if (rc)
		return rc;
	if (c->path)
		swap_file(c);
	set_limits(c);
	rc = pause_release(pause, PAUSE_DRIVE);
	if (rc)
		log_warn("after the change of a drive: %s", err_describe(rc));
	return 0;
}

int vm_change_drive(struct vm *vm, struct vm_config *config,
	const struct vm_drive_change *change)
{
	int index = vm_config_find_disk(config, change->id);
	struct change c = { .vm = vm, .wish = change };
	int rc = 0;

	if (index < 0)
		return err_set(-ENOENT, "drive_id %s: there is no such drive",
			text_shown(change->id).s);
	c.index = (unsigned)index;
	c.config = &config->disk[index];
	if (change->path)
		rc = open_next(&c, config);
	if (!rc)
		rc = apply_held(&c);
	device_swap_fini(&c.swap);
	free(c.path);
	return rc;
}
