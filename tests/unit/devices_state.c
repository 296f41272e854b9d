/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices_state.c - the devices of a whole machine move through a snapshot's file
 * to another machine over the same memory
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/guest.h"
#include "tests/unit/image.h"
#include "vmm/base/err.h"
#include "vmm/devices.h"

#define DISK_GSI 5 /* the first window's */

enum { SERIAL_DATA = 0, SERIAL_IER = 1, SERIAL_FCR = 2, SERIAL_SCR = 7 };

/* One machine; it is built again and again over `mem`. */
static struct mem mem;
static struct vm_config config;
static struct machine machine;
static struct devices devices;
static struct bus ports, mmio;
static struct loop *loop;

static void event(void *owner, enum machine_event e, uint8_t value)
{
	(void)owner;
	(void)e;
	(void)value;
}

static int power_on(void)
{
	const struct devices_env env = {
		.config = &config,
		.machine = &machine,
		.loop = loop = fake_loop_new(),
		.vm_fd = -1,
		.ports = &ports,
		.mmio = &mmio,
		.event = event,
	};
	int rc;

	machine = (struct machine){ .mem = &mem, .cpus = config.cpus };
	ports = mmio = (struct bus){ 0 };
	devices_plan(&config, &machine);
	rc = devices_open(&devices, &config);
	return rc ? rc : devices_build(&devices, &env);
}

static void power_off(void)
{
	devices_fini(&devices);
	loop = loop_free(loop);
}

/* A disk and an entropy device. */
static int setup(void **state)
{
	image_setup(state);
	(void)fake_irq_edges(DISK_GSI);
	(void)fake_irq_edges(MACHINE_SERIAL_GSI);
	config = (struct vm_config){
		.cpus = 2,
		.disk_count = 1,
		.disk = { { .path = image_path, .id = "root" } },
		.rng = true,
		.console = CONSOLE_NONE,
	};
	return mem_init(&mem, GUEST_RAM) || power_on();
}

static int teardown(void **state)
{
	power_off();
	mem_fini(&mem);
	return image_teardown(state);
}

/* ---- moving ---- */

static struct buf save(void)
{
	struct buf b = BUF_INIT;

	snapshot_file_begin(&b);
	devices_save(&devices, &b);
	snapshot_file_end(&b);
	assert_false(b.failed);
	return b;
}

static int load(const struct buf *b)
{
	struct snapshot_file file;

	assert_int_equal(snapshot_file_parse("F", b->data, b->len, &file), 0);
	err_clear();
	return devices_load(&devices, &file);
}

/* To a machine of what is in `config` now. */
static int move(void)
{
	struct buf b = save();
	int rc;

	power_off();
	assert_int_equal(power_on(), 0);
	rc = load(&b);
	buf_fini(&b);
	return rc;
}

static void assert_refused(const char *sentence)
{
	assert_int_equal(move(), -EBADMSG);
	assert_string_equal(err_text(), sentence);
}

/* ---- a driver of the disk, in the first window ---- */

static void write_disk(uint64_t reg, uint32_t value)
{
	virtio_mmio_bus_ops.write(&devices.mmio[0], reg, &value, sizeof(value));
}

static struct ring ring;

static void start_disk(void)
{
	static const uint8_t steps[] = { ACK, ACK | DRIVER };

	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++)
		write_disk(VIRTIO_MMIO_STATUS, steps[i]);
	write_disk(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	write_disk(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(VERSION_1 >> 32));
	write_disk(VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK);
	ring_init(&ring, &mem, 8, GUEST_RINGS);
	write_disk(VIRTIO_MMIO_QUEUE_NUM, ring.config.size);
	write_disk(VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)ring.config.desc.v);
	write_disk(VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)ring.config.avail.v);
	write_disk(VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)ring.config.used.v);
	write_disk(VIRTIO_MMIO_QUEUE_READY, 1);
	write_disk(VIRTIO_MMIO_STATUS, RUNNING);
	assert_int_equal(virtio_status_read(devices.virtio[0]), RUNNING);
}

/* Ask for one sector. */
static void offer_read(uint64_t sector)
{
	const struct virtio_blk_outhdr header = { VIRTIO_BLK_T_IN, 0, sector };

	assert_int_equal(
		mem_write(&mem, GPA(GUEST_DATA), &header, sizeof(header)), 0);
	ring_set(ring.desc, 0, GUEST_DATA, sizeof(header), NEXT, 1);
	ring_set(ring.desc, 1, GUEST_DATA + 0x1000, DISK_SECTOR_BYTES,
		NEXT | WRITE, 2);
	ring_set(ring.desc, 2, GUEST_DATA + 0x2000, 1, WRITE, 0);
	ring_offer(&ring, 0);
}

static void assert_read(uint64_t sector)
{
	const uint8_t *data = mem_ptr(
		&mem, GPA(GUEST_DATA + 0x1000), DISK_SECTOR_BYTES);
	struct vring_used_elem e;

	assert_true(ring_reap(&ring, &e));
	assert_int_equal(e.len, DISK_SECTOR_BYTES + 1);
	assert_int_equal(data[0], sector + 1);
	assert_false(ring_reap(&ring, &e));
}

/* ---- tests ---- */

static void a_machine_that_moved_saves_the_same_file(void **state)
{
	struct buf before, after;

	(void)state;
	start_disk();
	offer_read(3);
	fake_loop_settle(loop);
	before = save();
	assert_int_equal(move(), 0);
	after = save();
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, after.len);
	buf_fini(&before);
	buf_fini(&after);
}

static void a_disk_goes_on_in_the_midst_of_traffic(void **state)
{
	(void)state;
	start_disk();
	offer_read(3);
	fake_loop_settle(loop);
	assert_read(3);
	offer_read(7);
	assert_int_equal(move(), 0);
	fake_loop_settle(loop);
	assert_read(7);
	offer_read(9);
	fake_loop_settle(loop);
	assert_read(9);
}

static void pending_interrupts_are_raised_where_they_belong(void **state)
{
	const uint8_t thri = 0x02;

	(void)state;
	start_disk();
	offer_read(3);
	fake_loop_settle(loop);
	serial_bus_ops.write(&devices.serial, SERIAL_IER, &thri, 1);
	(void)fake_irq_edges(DISK_GSI);
	(void)fake_irq_edges(MACHINE_SERIAL_GSI);
	assert_int_equal(move(), 0);
	assert_int_equal(fake_irq_edges(DISK_GSI), 0);
	devices_raise(&devices);
	assert_int_equal(fake_irq_edges(DISK_GSI), 1);
	assert_int_equal(fake_irq_edges(DISK_GSI + 1), 0);
	assert_int_equal(fake_irq_edges(MACHINE_SERIAL_GSI), 1);
}

static void another_set_of_devices_is_refused_by_names(void **state)
{
	(void)state;
	config.rng = false;
	assert_refused(
		"F: the snapshot has the virtio devices (blk, rng), this "
		"machine has (blk); give the disks and the rng that it "
		"was taken with");
}

static void more_devices_than_were_saved_are_refused(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	snapshot_file_begin(&b);
	snapshot_file_end(&b);
	assert_int_equal(load(&b), -EBADMSG);
	assert_string_equal(err_text(),
		"F: the snapshot has the virtio devices (), this machine has "
		"(blk, rng); give the disks and the rng that it was taken "
		"with");
	buf_fini(&b);
}

static void a_transport_without_a_model_is_refused(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	snapshot_file_begin(&b);
	devices_save(&devices, &b);
	snapshot_file_add(&b, "virtio", 7, 1, NULL, 0);
	snapshot_file_end(&b);
	assert_int_equal(load(&b), -EBADMSG);
	assert_string_equal(err_text(), "F: sections of a virtio device that "
					"no model belongs to");
	buf_fini(&b);
}

static void a_disk_of_another_size_is_refused_with_both(void **state)
{
	char want[200];

	(void)state;
	assert_int_equal(truncate(image_path, IMAGE_BYTES / 2), 0);
	snprintf(want, sizeof(want),
		"disk %s: F: 128 sectors of 512 bytes in the snapshot and 64 "
		"here; give the image that it was taken with, or a copy",
		image_path);
	assert_refused(want);
}

static void a_disk_that_is_now_read_only_is_refused(void **state)
{
	char want[200];

	(void)state;
	config.disk[0].readonly = true;
	snprintf(want, sizeof(want),
		"disk %s: F: section blk 0: blk.readonly is 0 in the snapshot "
		"and 1 here",
		image_path);
	assert_refused(want);
}

static void another_number_of_queues_is_refused(void **state)
{
	(void)state;
	config.cpus = 1;
	assert_int_equal(move(), -EBADMSG);
	assert_non_null(strstr(err_text(),
		"blk.config.num_queues is 2 in the snapshot and 1 here"));
}

static void other_ports_are_refused(void **state)
{
	(void)state;
	config.debug_exit = true;
	assert_refused("platform: F: section platform 0: platform.debug_exit "
		       "is 0 in the snapshot and 1 here");
}

static void what_a_check_refuses_names_the_device(void **state)
{
	(void)state;
	devices.rng.dev.status = DRIVER;
	assert_refused(
		"rng: F: virtio.status is 0x2, which no driver can reach");
}

/* The file with `len` bytes of section `cut`, its checksums right. */
static struct buf cut_section(
	const struct snapshot_file *file, unsigned cut, size_t len)
{
	struct buf b = BUF_INIT;

	snapshot_file_begin(&b);
	for (unsigned i = 0; i + 1 < file->count; i++) {
		const struct snapshot_section *s = &file->section[i];

		snapshot_file_add(&b, s->name, s->instance, s->version, s->data,
			i == cut ? len : s->len);
	}
	snapshot_file_end(&b);
	return b;
}

static void every_truncation_of_a_section_names_section_and_field(void **state)
{
	static struct snapshot_file whole;
	struct buf b;

	(void)state;
	start_disk();
	b = save();
	assert_int_equal(snapshot_file_parse("F", b.data, b.len, &whole), 0);
	for (unsigned i = 0; i + 1 < whole.count; i++) {
		for (size_t len = 0; len < whole.section[i].len; len++) {
			struct buf less = cut_section(&whole, i, len);

			power_off();
			assert_int_equal(power_on(), 0);
			assert_int_equal(load(&less), -EBADMSG);
			assert_non_null(
				strstr(err_text(), whole.section[i].name));
			assert_non_null(
				strstr(err_text(), ": the data ends here"));
			buf_fini(&less);
		}
	}
	buf_fini(&b);
}

static void every_section_has_a_table(void **state)
{
	struct buf b = save(), text = BUF_INIT;
	struct snapshot_file file;

	(void)state;
	assert_int_equal(snapshot_file_parse("F", b.data, b.len, &file), 0);
	for (unsigned i = 0; i + 1 < file.count; i++) {
		const struct snapshot_section *s = &file.section[i];
		const struct state_desc *desc = devices_state(s->name);

		assert_non_null(desc);
		assert_int_equal(
			state_print(desc, s->version, s->data, s->len, &text),
			0);
	}
	assert_null(devices_state("vcpu"));
	buf_fini(&text);
	buf_fini(&b);
}

/* ---- a file of the first version ---- */

#define GOLDEN "tests/data/snapshot/devices-1"

static struct buf read_golden(void)
{
	struct buf b = BUF_INIT;
	uint8_t bytes[4096];
	FILE *f = fopen(GOLDEN, "rb");

	assert_non_null(f);
	buf_append(&b, bytes, fread(bytes, 1, sizeof(bytes), f));
	fclose(f);
	return b;
}

/* What the golden file was saved from. */
static void bring_about_golden_state(void)
{
	static const uint8_t fcr = 0x81, ier = 0x05, scr = 0x5a;

	start_disk();
	offer_read(3);
	fake_loop_settle(loop);
	offer_read(7);
	serial_bus_ops.write(&devices.serial, SERIAL_FCR, &fcr, 1);
	serial_bus_ops.write(&devices.serial, SERIAL_IER, &ier, 1);
	serial_bus_ops.write(&devices.serial, SERIAL_SCR, &scr, 1);
	serial_input(&devices.serial, (const uint8_t *)"typed", 5);
}

static void the_first_version_still_loads(void **state)
{
	struct buf b = read_golden();
	uint8_t byte;

	(void)state;
	bring_about_golden_state();
	power_off();
	assert_int_equal(power_on(), 0);
	if (load(&b))
		fail_msg("%s", err_text());
	fake_loop_settle(loop);
	assert_int_equal(virtio_status_read(devices.virtio[0]), RUNNING);
	assert_int_equal(ring.used->idx, 2);
	serial_bus_ops.read(&devices.serial, SERIAL_DATA, &byte, 1);
	assert_int_equal(byte, 't');
	buf_fini(&b);
}

static void a_table_that_changes_takes_a_new_version(void **state)
{
	struct buf golden = read_golden(), b;
	static struct snapshot_file then, now;

	(void)state;
	bring_about_golden_state();
	b = save();
	assert_int_equal(
		snapshot_file_parse(GOLDEN, golden.data, golden.len, &then), 0);
	assert_int_equal(snapshot_file_parse("F", b.data, b.len, &now), 0);
	for (unsigned i = 0; i + 1 < then.count; i++) {
		const struct snapshot_section *a = &then.section[i];
		const struct snapshot_section *z = snapshot_file_find(
			&now, a->name, a->instance);

		assert_non_null(z);
		if (a->version != z->version)
			continue;
		assert_int_equal(a->len, z->len);
		if (a->len)
			assert_memory_equal(a->data, z->data, a->len);
	}
	buf_fini(&golden);
	buf_fini(&b);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_machine_that_moved_saves_the_same_file),
		TEST(a_disk_goes_on_in_the_midst_of_traffic),
		TEST(pending_interrupts_are_raised_where_they_belong),
		TEST(another_set_of_devices_is_refused_by_names),
		TEST(more_devices_than_were_saved_are_refused),
		TEST(a_transport_without_a_model_is_refused),
		TEST(a_disk_of_another_size_is_refused_with_both),
		TEST(a_disk_that_is_now_read_only_is_refused),
		TEST(another_number_of_queues_is_refused),
		TEST(other_ports_are_refused),
		TEST(what_a_check_refuses_names_the_device),
		TEST(every_truncation_of_a_section_names_section_and_field),
		TEST(every_section_has_a_table),
		TEST(the_first_version_still_loads),
		TEST(a_table_that_changes_takes_a_new_version),
	};

	return cmocka_run_group_tests_name("devices_state", tests, NULL, NULL);
}
