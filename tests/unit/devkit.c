/* SPDX-License-Identifier: Apache-2.0 */
/* devkit.c - power a machine's devices on and off, move them, and drive the disk */
#include "tests/unit/devkit.h"

#include "tests/unit/unit.h"
#include "vmm/base/err.h"

struct devkit devkit;

/* ---- the machine ---- */

static void event(void *owner, enum machine_event e, uint8_t value)
{
	(void)owner;
	(void)e;
	(void)value;
}

int devkit_power_on(void)
{
	const struct devices_env env = {
		.config = &devkit.config,
		.machine = &devkit.machine,
		.loop = devkit.loop = fake_loop_new(),
		.vm_fd = -1,
		.ports = &devkit.ports,
		.mmio = &devkit.mmio,
		.event = event,
	};
	int rc;

	devkit.machine = (struct machine){
		.mem = &devkit.mem,
		.cpus = devkit.config.cpus,
	};
	devkit.ports = devkit.mmio = (struct bus){ 0 };
	devices_plan(&devkit.config, &devkit.machine);
	rc = devices_open(&devkit.devices, &devkit.config);
	return rc ? rc : devices_build(&devkit.devices, &env);
}

void devkit_power_off(void)
{
	devices_fini(&devkit.devices);
	devkit.loop = loop_free(devkit.loop);
}

int devkit_setup(void **state)
{
	image_setup(state);
	(void)fake_irq_edges(DEVKIT_DISK_GSI);
	(void)fake_irq_edges(MACHINE_SERIAL_GSI);
	devkit = (struct devkit){ .config = {
					  .cpus = 2,
					  .disk_count = 1,
					  .disk = { { .path = image_path,
						  .id = "root" } },
					  .rng = true,
					  .console = CONSOLE_NONE,
				  } };
	return mem_init(&devkit.mem, GUEST_RAM) || devkit_power_on();
}

int devkit_teardown(void **state)
{
	devkit_power_off();
	mem_fini(&devkit.mem);
	return image_teardown(state);
}

/* ---- moving ---- */

struct buf devkit_save(void)
{
	struct buf b = BUF_INIT;

	snapshot_file_begin(&b);
	devices_save(&devkit.devices, &b);
	snapshot_file_end(&b);
	assert_false(b.failed);
	return b;
}

int devkit_load(const struct buf *b)
{
	static struct snapshot_file file;

	assert_int_equal(snapshot_file_parse("F", b->data, b->len, &file), 0);
	err_clear();
	return devices_load(&devkit.devices, &file);
}

int devkit_move(void)
{
	struct buf b = devkit_save();
	int rc;

	devkit_power_off();
	assert_int_equal(devkit_power_on(), 0);
	rc = devkit_load(&b);
	buf_fini(&b);
	return rc;
}

/* ---- a driver of the disk, in the first window ---- */

static void write_disk(uint64_t reg, uint32_t value)
{
	virtio_mmio_bus_ops.write(
		&devkit.devices.mmio[0], reg, &value, sizeof(value));
}

void devkit_start_disk(void)
{
	static const uint8_t steps[] = { ACK, ACK | DRIVER };
	const struct virtq_config *config = &devkit.ring.config;

	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++)
		write_disk(VIRTIO_MMIO_STATUS, steps[i]);
	write_disk(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	write_disk(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(VERSION_1 >> 32));
	write_disk(VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK);
	ring_init(&devkit.ring, &devkit.mem, 8, GUEST_RINGS);
	write_disk(VIRTIO_MMIO_QUEUE_NUM, config->size);
	write_disk(VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)config->desc.v);
	write_disk(VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)config->avail.v);
	write_disk(VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)config->used.v);
	write_disk(VIRTIO_MMIO_QUEUE_READY, 1);
	write_disk(VIRTIO_MMIO_STATUS, RUNNING);
	assert_int_equal(virtio_status_read(devkit.devices.virtio[0]), RUNNING);
}

void devkit_offer_read(uint64_t sector)
{
	const struct virtio_blk_outhdr header = { VIRTIO_BLK_T_IN, 0, sector };
	struct vring_desc *desc = devkit.ring.desc;

	assert_int_equal(mem_write(&devkit.mem, GPA(GUEST_DATA), &header,
				 sizeof(header)),
		0);
	ring_set(desc, 0, GUEST_DATA, sizeof(header), NEXT, 1);
	ring_set(desc, 1, GUEST_DATA + 0x1000, DISK_SECTOR_BYTES, NEXT | WRITE,
		2);
	ring_set(desc, 2, GUEST_DATA + 0x2000, 1, WRITE, 0);
	ring_offer(&devkit.ring, 0);
}

void devkit_assert_read(uint64_t sector)
{
	const uint8_t *data = mem_ptr(
		&devkit.mem, GPA(GUEST_DATA + 0x1000), DISK_SECTOR_BYTES);
	struct vring_used_elem e;

	assert_true(ring_reap(&devkit.ring, &e));
	assert_int_equal(e.len, DISK_SECTOR_BYTES + 1);
	assert_int_equal(data[0], sector + 1);
	assert_false(ring_reap(&devkit.ring, &e));
}
