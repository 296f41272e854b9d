/* SPDX-License-Identifier: Apache-2.0 */
/* devices_state.c - machines that move, and files that do not fit the machine */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/devkit.h"
#include "vmm/base/err.h"

#define SERIAL_IER 1

static void assert_refused(const char *sentence)
{
	assert_int_equal(devkit_move(), -EBADMSG);
	assert_string_equal(err_text(), sentence);
}

static void a_machine_that_moved_saves_the_same_file(void **state)
{
	struct buf before, after;

	(void)state;
	devkit_start_disk();
	devkit_offer_read(3);
	fake_loop_settle(devkit.loop);
	before = devkit_save();
	assert_int_equal(devkit_move(), 0);
	after = devkit_save();
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, after.len);
	buf_fini(&before);
	buf_fini(&after);
}

static void a_disk_goes_on_in_the_midst_of_traffic(void **state)
{
	(void)state;
	devkit_start_disk();
	devkit_offer_read(3);
	fake_loop_settle(devkit.loop);
	devkit_assert_read(3);
	devkit_offer_read(7);
	assert_int_equal(devkit_move(), 0);
	fake_loop_settle(devkit.loop);
	devkit_assert_read(7);
	devkit_offer_read(9);
	fake_loop_settle(devkit.loop);
	devkit_assert_read(9);
}

static void pending_interrupts_are_raised_where_they_belong(void **state)
{
	const uint8_t thri = 0x02;

	(void)state;
	devkit_start_disk();
	devkit_offer_read(3);
	fake_loop_settle(devkit.loop);
	serial_bus_ops.write(&devkit.devices.serial, SERIAL_IER, &thri, 1);
	(void)fake_irq_edges(DEVKIT_DISK_GSI);
	(void)fake_irq_edges(MACHINE_SERIAL_GSI);
	assert_int_equal(devkit_move(), 0);
	assert_int_equal(fake_irq_edges(DEVKIT_DISK_GSI), 0);
	devices_raise(&devkit.devices);
	assert_int_equal(fake_irq_edges(DEVKIT_DISK_GSI), 1);
	assert_int_equal(fake_irq_edges(DEVKIT_DISK_GSI + 1), 0);
	assert_int_equal(fake_irq_edges(MACHINE_SERIAL_GSI), 1);
}

static void another_set_of_devices_is_refused_by_names(void **state)
{
	(void)state;
	devkit.config.rng = false;
	assert_refused("the snapshot has the virtio devices (blk, rng), this "
		       "machine has (blk); give the disks and the rng that it "
		       "was taken with");
}

static void more_devices_than_were_saved_are_refused(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	snapshot_file_begin(&b);
	snapshot_file_end(&b);
	assert_int_equal(devkit_load(&b), -EBADMSG);
	assert_string_equal(err_text(),
		"the snapshot has the virtio devices (), this machine has "
		"(blk, rng); give the disks and the rng that it was taken "
		"with");
	buf_fini(&b);
}

static void a_transport_without_a_model_is_refused(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	snapshot_file_begin(&b);
	devices_save(&devkit.devices, &b);
	snapshot_file_add(&b, "virtio", 7, 1, NULL, 0);
	snapshot_file_end(&b);
	assert_int_equal(devkit_load(&b), -EBADMSG);
	assert_string_equal(err_text(), "sections of a virtio device that "
					"no model belongs to");
	buf_fini(&b);
}

static void a_disk_of_another_size_is_refused_with_both(void **state)
{
	char want[200];

	(void)state;
	assert_int_equal(truncate(image_path, IMAGE_BYTES / 2), 0);
	snprintf(want, sizeof(want),
		"disk %s: 128 sectors of 512 bytes in the snapshot and 64 "
		"here; give the image that it was taken with, or a copy",
		image_path);
	assert_refused(want);
}

static void a_disk_that_is_now_read_only_is_refused(void **state)
{
	char want[200];

	(void)state;
	devkit.config.disk[0].readonly = true;
	snprintf(want, sizeof(want),
		"disk %s: section blk 0: blk.readonly is 0 in the snapshot "
		"and 1 here",
		image_path);
	assert_refused(want);
}

static void another_number_of_queues_is_refused(void **state)
{
	(void)state;
	devkit.config.cpus = 1;
	assert_int_equal(devkit_move(), -EBADMSG);
	assert_non_null(strstr(err_text(),
		"blk.config.num_queues is 2 in the snapshot and 1 here"));
}

static void other_ports_are_refused(void **state)
{
	(void)state;
	devkit.config.debug_exit = true;
	assert_refused("platform: section platform 0: platform.debug_exit "
		       "is 0 in the snapshot and 1 here");
}

static void what_a_check_refuses_names_the_device(void **state)
{
	(void)state;
	devkit.devices.rng.dev.status = DRIVER;
	assert_refused("rng: virtio.status is 0x2, which no driver can reach");
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
	devkit_start_disk();
	b = devkit_save();
	assert_int_equal(snapshot_file_parse("F", b.data, b.len, &whole), 0);
	for (unsigned i = 0; i + 1 < whole.count; i++) {
		for (size_t len = 0; len < whole.section[i].len; len++) {
			struct buf less = cut_section(&whole, i, len);

			devkit_power_off();
			assert_int_equal(devkit_power_on(), 0);
			assert_int_equal(devkit_load(&less), -EBADMSG);
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
	struct buf b = devkit_save(), text = BUF_INIT;
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

#define TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, devkit_setup, devkit_teardown)

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
	};

	return cmocka_run_group_tests_name("devices_state", tests, NULL, NULL);
}
