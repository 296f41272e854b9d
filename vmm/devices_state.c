/* SPDX-License-Identifier: Apache-2.0 */
/* devices_state.c - the devices of a machine to and from a snapshot's sections */
#include <errno.h>
#include <string.h>

#include "vmm/base/err.h"
#include "vmm/devices.h"

/* ---- the parts of a machine's devices, each with a section ---- */

/* Platform, keyboard, serial port; model, core, transport of each virtio device. */
#define PARTS_MAX (3 + 3 * MACHINE_VIRTIO_MAX)

struct part {
	const char *device; /* for messages */
	unsigned instance;  /* of a virtio device: the number of its window */
	const struct state_desc *desc;
	void *obj;
	int (*loaded)(void *obj);
};

struct parts {
	unsigned count;
	struct part part[PARTS_MAX];
};

static void add(struct parts *parts, struct part part)
{
	parts->part[parts->count++] = part;
}

/* The model first: what it says of a disk is the plainest. */
static void add_virtio(
	struct parts *parts, const struct devices *devices, unsigned i)
{
	struct virtio_device *dev = devices->virtio[i];
	const struct device_ops *ops = &dev->model->ops;
	const char *name = dev->name;

	add(parts,
		(struct part){ name, i, ops->state, dev->priv, ops->loaded });
	add(parts, (struct part){ name, i, &virtio_device_state, dev,
			   virtio_device_loaded });
	add(parts, (struct part){ name, i, &virtio_mmio_state,
			   dev->transport_priv, virtio_mmio_loaded });
}

static struct parts list_parts(const struct devices *devices)
{
	struct parts parts = { 0 };

	add(&parts, (struct part){ "platform", 0, &platform_state,
			    (void *)&devices->platform, NULL });
	add(&parts, (struct part){ "serial port", 0, &serial_state,
			    (void *)&devices->serial, serial_loaded });
	add(&parts, (struct part){ "keyboard", 0, &i8042_state,
			    (void *)&devices->i8042, i8042_loaded });
	for (unsigned i = 0; i < devices->virtio_count; i++)
		add_virtio(&parts, devices, i);
	return parts;
}

void devices_save(const struct devices *devices, struct buf *file)
{
	struct parts parts = list_parts(devices);

	for (unsigned i = 0; i < parts.count; i++)
		snapshot_file_save(file, parts.part[i].instance,
			parts.part[i].desc, parts.part[i].obj);
}

/* ---- are they the same devices? ---- */

static const struct state_desc *const models[] = {
	&virtio_blk_state,
	&virtio_rng_state,
};

static const struct state_desc *const others[] = {
	&platform_state,
	&serial_state,
	&i8042_state,
	&virtio_device_state,
	&virtio_mmio_state,
};

static const struct state_desc *find_desc(
	const struct state_desc *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i]->name, name))
			return list[i];
	return NULL;
}

const struct state_desc *devices_state(const char *section)
{
	const struct state_desc *model = find_desc(
		models, ARRAY_SIZE(models), section);

	return model ? model : find_desc(others, ARRAY_SIZE(others), section);
}

static void append_name(struct buf *list, const char *name)
{
	buf_printf(list, "%s%s", list->len ? ", " : "", name);
}

/* "blk, blk, rng": what is in each window, in their order; owned by *ret. */
static void list_saved(const struct snapshot_file *file, struct buf *ret)
{
	for (unsigned i = 0; i < MACHINE_VIRTIO_MAX; i++)
		for (size_t m = 0; m < ARRAY_SIZE(models); m++)
			if (snapshot_file_find(file, models[m]->name, i))
				append_name(ret, models[m]->name);
}

static void list_here(const struct devices *devices, struct buf *ret)
{
	for (unsigned i = 0; i < devices->virtio_count; i++)
		append_name(ret, devices->virtio[i]->model->ops.name);
}

static int compare_sets(const struct devices *devices,
	const struct snapshot_file *file, struct buf *saved, struct buf *here)
{
	list_saved(file, saved);
	list_here(devices, here);
	buf_u8(saved, 0);
	buf_u8(here, 0);
	if (saved->failed || here->failed)
		return err_set(-ENOMEM, "no memory for a list of devices");
	if (!strcmp((char *)saved->data, (char *)here->data))
		return 0;
	return err_set(-EBADMSG,
		"the snapshot has the virtio devices (%s), this machine has "
		"(%s); give the disks and the rng that it was taken with",
		saved->data, here->data);
}

/* The loading itself misses a section that is not there; these are in excess. */
static int check_counts(
	const struct devices *devices, const struct snapshot_file *file)
{
	const unsigned want = devices->virtio_count;

	if (snapshot_file_count(file, virtio_device_state.name) == want &&
		snapshot_file_count(file, virtio_mmio_state.name) == want)
		return 0;
	return err_set(-EBADMSG,
		"sections of a virtio device that no model belongs to");
}

/* ---- load ---- */

/* The first snapshots are of machines without it: then it is as after power-on. */
static bool is_younger(const struct part *part)
{
	return part->desc == &i8042_state;
}

static int load_part(const struct snapshot_file *file, const struct part *part)
{
	int rc;

	if (is_younger(part) && !snapshot_file_find(file, part->desc->name, 0))
		return 0;
	rc = snapshot_file_load(file, part->instance, part->desc, part->obj);
	if (!rc && part->loaded)
		rc = part->loaded(part->obj);
	return rc ? err_wrap(rc, "%s", part->device) : 0;
}

int devices_load(struct devices *devices, const struct snapshot_file *file)
{
	struct parts parts = list_parts(devices);
	struct buf saved = BUF_INIT, here = BUF_INIT;
	int rc = compare_sets(devices, file, &saved, &here);

	buf_fini(&saved);
	buf_fini(&here);
	if (!rc)
		rc = check_counts(devices, file);
	for (unsigned i = 0; !rc && i < parts.count; i++)
		rc = load_part(file, &parts.part[i]);
	return rc;
}

void devices_raise(const struct devices *devices)
{
	serial_raise(&devices->serial);
	i8042_raise(&devices->i8042);
	for (unsigned i = 0; i < devices->virtio_count; i++)
		virtio_mmio_raise(&devices->mmio[i]);
}
