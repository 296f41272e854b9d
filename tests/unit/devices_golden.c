/* SPDX-License-Identifier: Apache-2.0 */
/* devices_golden.c - a file that the first version wrote loads for ever */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "tests/unit/devkit.h"
#include "vmm/base/err.h"

enum { SERIAL_DATA = 0, SERIAL_IER = 1, SERIAL_FCR = 2, SERIAL_SCR = 7 };

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

	devkit_start_disk();
	devkit_offer_read(3);
	fake_loop_settle(devkit.loop);
	devkit_offer_read(7);
	serial_bus_ops.write(&devkit.devices.serial, SERIAL_FCR, &fcr, 1);
	serial_bus_ops.write(&devkit.devices.serial, SERIAL_IER, &ier, 1);
	serial_bus_ops.write(&devkit.devices.serial, SERIAL_SCR, &scr, 1);
	serial_input(&devkit.devices.serial, (const uint8_t *)"typed", 5);
}

static void the_first_version_still_loads(void **state)
{
	struct buf b = read_golden();
	uint8_t byte;

	(void)state;
	bring_about_golden_state();
	devkit_power_off();
	assert_int_equal(devkit_power_on(), 0);
	if (devkit_load(&b))
		fail_msg("%s", err_text());
	fake_loop_settle(devkit.loop);
	assert_int_equal(virtio_status_read(devkit.devices.virtio[0]), RUNNING);
	assert_int_equal(devkit.ring.used->idx, 2);
	serial_bus_ops.read(&devkit.devices.serial, SERIAL_DATA, &byte, 1);
	assert_int_equal(byte, 't');
	buf_fini(&b);
}

static void a_table_that_changes_takes_a_new_version(void **state)
{
	struct buf golden = read_golden(), b;
	static struct snapshot_file then, now;

	(void)state;
	bring_about_golden_state();
	b = devkit_save();
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

#define TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, devkit_setup, devkit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_version_still_loads),
		TEST(a_table_that_changes_takes_a_new_version),
	};

	return cmocka_run_group_tests_name("devices_golden", tests, NULL, NULL);
}
