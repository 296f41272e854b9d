/* SPDX-License-Identifier: Apache-2.0 */
/* platform.c - which port accesses mean something for the whole machine */
#include "tests/unit/unit.h"

#include "devices/platform.h"
#include "vmm/core/machine.h"

struct heard {
	unsigned count;
	enum machine_event event;
	uint8_t value;
};

static void hear(void *owner, enum machine_event event, uint8_t value)
{
	struct heard *heard = owner;

	heard->count++;
	heard->event = event;
	heard->value = value;
}

struct box {
	struct bus pio;
	struct platform platform;
	struct heard heard;
};

static void box_init(struct box *box, bool debug_exit)
{
	memset(box, 0, sizeof(*box));
	assert_int_equal(platform_init(&box->platform, &box->pio, debug_exit,
				 hear, &box->heard),
		0);
}

static void write_byte(struct box *box, uint64_t port, uint8_t value)
{
	bus_write(&box->pio, port, &value, 1);
}

static uint8_t read_byte(struct box *box, uint64_t port)
{
	uint8_t value = 0xee;

	bus_read(&box->pio, port, &value, 1);
	return value;
}

static void each_port_reports_its_own_event(void **state)
{
	static const struct {
		uint64_t port;
		uint8_t value;
		enum machine_event event;
	} cases[] = {
		{ MACHINE_PVPANIC_PORT, 0x01, MACHINE_PANIC },
		{ MACHINE_PVPANIC_PORT, 0x03, MACHINE_PANIC },
		{ MACHINE_SLEEP_PORT, 0x34, MACHINE_POWER_OFF },
		{ PLATFORM_DEBUG_EXIT_PORT, 0x00, MACHINE_DEBUG_EXIT },
		{ PLATFORM_DEBUG_EXIT_PORT, 0x2a, MACHINE_DEBUG_EXIT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct box box;

		box_init(&box, true);
		write_byte(&box, cases[i].port, cases[i].value);
		assert_int_equal(box.heard.count, 1);
		assert_int_equal(box.heard.event, cases[i].event);
		assert_int_equal(box.heard.value, cases[i].value);
	}
}

static void other_writes_are_ignored(void **state)
{
	static const struct {
		uint64_t port;
		uint8_t value;
	} cases[] = {
		{ MACHINE_PVPANIC_PORT, 0x02 },   /* a crash kernel runs */
		{ MACHINE_SLEEP_PORT, 0x14 },     /* type, not enabled */
		{ MACHINE_SLEEP_PORT, 0x24 },     /* enabled, S1 */
		{ MACHINE_SLEEP_PORT + 1, 0x34 }, /* status */
		{ PLATFORM_DEBUG_EXIT_PORT + 1, 1 },
	};
	struct box box;

	(void)state;
	box_init(&box, true);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		write_byte(&box, cases[i].port, cases[i].value);
	assert_int_equal(box.heard.count, 0);
}

static void sleep_ignores_the_bits_that_acpi_ignores(void **state)
{
	struct box box;

	(void)state;
	box_init(&box, false);
	write_byte(&box, MACHINE_SLEEP_PORT, 0x34 | 0x02 | 0x80);
	assert_int_equal(box.heard.event, MACHINE_POWER_OFF);
	assert_int_equal(box.heard.count, 1);
}

static void debug_exit_takes_the_low_byte_of_a_word(void **state)
{
	const uint32_t word = 0x01020307;
	struct box box;

	(void)state;
	box_init(&box, true);
	assert_true(bus_write(&box.pio, PLATFORM_DEBUG_EXIT_PORT, &word, 4));
	assert_int_equal(box.heard.count, 1);
	assert_int_equal(box.heard.value, 7);
}

static void debug_exit_is_absent_unless_asked_for(void **state)
{
	struct box box;

	(void)state;
	box_init(&box, false);
	write_byte(&box, PLATFORM_DEBUG_EXIT_PORT, 1);
	assert_int_equal(box.heard.count, 0);
	assert_int_equal(read_byte(&box, PLATFORM_DEBUG_EXIT_PORT), 0xff);
}

static void the_ports_read_as_their_drivers_expect(void **state)
{
	struct box box;

	(void)state;
	box_init(&box, true);
	assert_int_equal(read_byte(&box, MACHINE_PVPANIC_PORT), 0x03);
	assert_int_equal(read_byte(&box, MACHINE_SLEEP_PORT), 0);
	assert_int_equal(read_byte(&box, MACHINE_SLEEP_PORT + 1), 0);
	/* The kernel's PIT has port 0x61. */
	assert_int_equal(read_byte(&box, 0x61), 0xff);
	assert_int_equal(box.heard.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_port_reports_its_own_event),
		cmocka_unit_test(other_writes_are_ignored),
		cmocka_unit_test(sleep_ignores_the_bits_that_acpi_ignores),
		cmocka_unit_test(debug_exit_takes_the_low_byte_of_a_word),
		cmocka_unit_test(debug_exit_is_absent_unless_asked_for),
		cmocka_unit_test(the_ports_read_as_their_drivers_expect),
	};

	return cmocka_run_group_tests_name("platform", tests, NULL, NULL);
}
