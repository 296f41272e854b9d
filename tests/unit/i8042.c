/* SPDX-License-Identifier: Apache-2.0 */
/* i8042.c - the keyboard controller as Linux probes it, and a key press as it reads it */
#include "tests/unit/unit.h"

#include <errno.h>

#include "devices/i8042.h"
#include "tests/unit/fake_irq.h"
#include "vmm/base/err.h"
#include "vmm/core/machine.h"

enum { DATA = 0x60, COMMAND = 0x64 };
enum { OBF = 0x01, SYSTEM = 0x04, CMD = 0x08, UNLOCKED = 0x10 };
enum { ACK = 0xfa, NO = 0xfe };

static struct bus pio;
static struct i8042 i8042;
static unsigned resets;

static void hear(void *owner, enum machine_event event, uint8_t value)
{
	(void)value;
	assert_ptr_equal(owner, &resets);
	assert_int_equal(event, MACHINE_RESET);
	resets++;
}

static int power_on(void **state)
{
	(void)state;
	(void)fake_irq_edges(MACHINE_KEYBOARD_GSI);
	resets = 0;
	pio = (struct bus){ 0 };
	return i8042_init(&i8042, &pio, -1, hear, &resets);
}

static int power_off(void **state)
{
	(void)state;
	i8042_fini(&i8042);
	return 0;
}

static uint8_t in(uint64_t port)
{
	uint8_t value = 0xee;

	assert_true(bus_read(&pio, port, &value, 1));
	return value;
}

static void out(uint64_t port, uint8_t value)
{
	assert_true(bus_write(&pio, port, &value, 1));
}

static unsigned edges(void)
{
	return fake_irq_edges(MACHINE_KEYBOARD_GSI);
}

/* Without a wait: the answer must be there. */
static uint8_t get(void)
{
	assert_true(in(COMMAND)&OBF);
	return in(DATA);
}

static uint8_t ask(uint8_t command)
{
	out(COMMAND, command);
	return get();
}

static void set_control(uint8_t value)
{
	out(COMMAND, 0x60);
	out(DATA, value);
}

/* What Linux leaves: interrupts, translation, no mouse. */
static void listen(void)
{
	set_control(0x65);
	(void)edges();
}

static void expect(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(get(), bytes[i]);
	assert_false(in(COMMAND)&OBF);
}

#define EXPECT(...)                              \
	expect((const uint8_t[]){ __VA_ARGS__ }, \
		sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void tell_keyboard(uint8_t byte)
{
	out(DATA, byte);
}

/* ---- the controller ---- */

static void nothing_is_there_after_power_on(void **state)
{
	(void)state;
	assert_int_equal(in(COMMAND), SYSTEM | UNLOCKED);
	assert_int_equal(edges(), 0);
}

/* drivers/input/serio/i8042.c: i8042_controller_selftest(), _init() */
static void linux_finds_a_controller_that_translates(void **state)
{
	uint8_t control;

	(void)state;
	assert_int_equal(ask(0xaa), 0x55);
	control = ask(0x20);
	assert_int_equal(ask(0x20), control);
	assert_true(control & 0x40);
	assert_true(in(COMMAND)&UNLOCKED);
	assert_int_equal(ask(0xab), 0);
	set_control(0x54);
	assert_int_equal(ask(0x20), 0x54);
}

/* The same file, i8042_check_aux(): each answer at once, and it is no. */
static void linux_finds_no_mouse_without_waiting(void **state)
{
	(void)state;
	out(COMMAND, 0xd3);
	out(DATA, 0x5a);
	assert_int_equal(in(COMMAND) & (OBF | 0x20), OBF);
	assert_int_equal(ask(0xa9), 0x01);
	assert_false(in(COMMAND)&OBF);
}

/* OSDev's way to tell: a second port would clear bit 5. */
static void the_second_port_cannot_be_enabled(void **state)
{
	(void)state;
	out(COMMAND, 0xa8);
	assert_true(ask(0x20) & 0x20);
}

static void the_status_tells_a_command_from_data(void **state)
{
	(void)state;
	out(COMMAND, 0xae);
	assert_true(in(COMMAND)&CMD);
	tell_keyboard(0xee);
	assert_false(in(COMMAND)&CMD);
}

static void the_reset_line_is_pulled_in_each_way(void **state)
{
	(void)state;
	out(COMMAND, 0xfe);
	assert_int_equal(resets, 1);
	out(COMMAND, 0xd1);
	out(DATA, 0x02);
	assert_int_equal(resets, 2);
}

static void other_writes_pull_no_line(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 0xf0; i++)
		out(COMMAND, (uint8_t)i);
	out(COMMAND, 0xff);
	out(COMMAND, 0xd1);
	out(DATA, 0x03); /* A20 on */
	out(DATA, 0xfe);
	assert_int_equal(ask(0xd0), 0x03);
	assert_int_equal(resets, 0);
}

static void a_reply_goes_before_a_key_and_loses_none(void **state)
{
	(void)state;
	listen();
	assert_int_equal(i8042_ctrl_alt_del(&i8042), 0);
	assert_int_equal(ask(0x20), 0x65);
	assert_int_equal(get(), 0x1d);
}

static void data_that_was_read_is_read_again(void **state)
{
	(void)state;
	assert_int_equal(ask(0xaa), 0x55);
	assert_int_equal(in(DATA), 0x55);
	assert_false(in(COMMAND)&OBF);
}

/* ---- the keyboard ---- */

/* drivers/input/keyboard/atkbd.c: atkbd_probe(), _activate() and what follows */
static void linux_finds_an_at_keyboard(void **state)
{
	(void)state;
	listen();
	tell_keyboard(0xf2);
	EXPECT(ACK, 0xab, 0x41);
	tell_keyboard(0xf5);
	EXPECT(ACK);
	tell_keyboard(0xf3);
	EXPECT(ACK);
	tell_keyboard(0x00);
	EXPECT(ACK);
	tell_keyboard(0xed);
	EXPECT(ACK);
	tell_keyboard(0x02);
	EXPECT(ACK);
	tell_keyboard(0xf4);
	EXPECT(ACK);
	tell_keyboard(0xff);
	EXPECT(ACK, 0xaa);
}

static void scan_code_set_2_is_the_only_one(void **state)
{
	(void)state;
	tell_keyboard(0xf0);
	EXPECT(ACK);
	tell_keyboard(0);
	EXPECT(ACK, 2);
	tell_keyboard(0xf0);
	EXPECT(ACK);
	tell_keyboard(2);
	EXPECT(ACK);
	tell_keyboard(0xf0);
	EXPECT(ACK);
	tell_keyboard(1);
	EXPECT(NO);
}

static void what_it_does_not_know_it_asks_for_again(void **state)
{
	(void)state;
	tell_keyboard(0x42);
	EXPECT(NO);
	tell_keyboard(0xee);
	EXPECT(0xee);
	tell_keyboard(0xfe);
	EXPECT(0xee);
}

static void a_command_takes_the_place_of_a_parameter(void **state)
{
	(void)state;
	tell_keyboard(0xed);
	EXPECT(ACK);
	tell_keyboard(0xff);
	EXPECT(ACK, 0xaa);
}

static void a_byte_for_the_keyboard_turns_it_on(void **state)
{
	(void)state;
	out(COMMAND, 0xad);
	assert_true(ask(0x20) & 0x10);
	tell_keyboard(0xee);
	EXPECT(0xee);
	assert_false(ask(0x20) & 0x10);
}

/* ---- keys ---- */

static void ctrl_alt_del_is_pressed_and_let_go_in_set_1(void **state)
{
	(void)state;
	listen();
	assert_int_equal(i8042_ctrl_alt_del(&i8042), 0);
	EXPECT(0x1d, 0x38, 0xe0, 0x53, 0xe0, 0xd3, 0xb8, 0x9d);
}

static void without_translation_it_is_in_set_2(void **state)
{
	(void)state;
	set_control(0x25);
	assert_int_equal(i8042_ctrl_alt_del(&i8042), 0);
	EXPECT(0x14, 0x11, 0xe0, 0x71, 0xe0, 0xf0, 0x71, 0xf0, 0x11, 0xf0,
		0x14);
}

static void each_byte_is_an_interrupt(void **state)
{
	unsigned bytes = 0;

	(void)state;
	listen();
	assert_int_equal(i8042_ctrl_alt_del(&i8042), 0);
	while (edges() == 1) {
		get();
		bytes++;
	}
	assert_int_equal(bytes, 8);
	assert_false(in(COMMAND)&OBF);
}

static void an_interrupt_waits_until_it_is_wanted(void **state)
{
	(void)state;
	set_control(0x64);
	tell_keyboard(0xee);
	assert_int_equal(edges(), 0);
	set_control(0x65);
	assert_int_equal(edges(), 1);
	EXPECT(0xee);
	assert_int_equal(edges(), 0);
}

static void a_keyboard_that_is_off_holds_its_keys_back(void **state)
{
	(void)state;
	listen();
	assert_int_equal(i8042_ctrl_alt_del(&i8042), 0);
	out(COMMAND, 0xad);
	assert_false(in(COMMAND)&OBF);
	(void)edges();
	out(COMMAND, 0xae);
	assert_int_equal(edges(), 1);
	assert_int_equal(get(), 0x1d);
}

static void refused(const char *says)
{
	assert_int_equal(i8042_ctrl_alt_del(&i8042), -EAGAIN);
	assert_non_null(strstr(err_text(), says));
}

static void a_guest_that_does_not_listen_is_not_told(void **state)
{
	(void)state;
	refused("no driver");
	set_control(0x75);
	refused("no driver");
	listen();
	tell_keyboard(0xf5);
	EXPECT(ACK);
	refused("turned its keyboard off");
	assert_false(in(COMMAND)&OBF);
}

static void keys_wait_for_those_before(void **state)
{
	(void)state;
	listen();
	assert_int_equal(i8042_ctrl_alt_del(&i8042), 0);
	refused("has not read");
	EXPECT(0x1d, 0x38, 0xe0, 0x53, 0xe0, 0xd3, 0xb8, 0x9d);
	assert_int_equal(i8042_ctrl_alt_del(&i8042), 0);
}

/* ---- state ---- */

static int move(void)
{
	struct buf b = BUF_INIT;
	int rc;

	state_save(&i8042_state, &i8042, &b);
	power_off(NULL);
	assert_int_equal(power_on(NULL), 0);
	rc = state_load(&i8042_state, 1, b.data, b.len, &i8042);
	if (!rc)
		rc = i8042_loaded(&i8042);
	buf_fini(&b);
	return rc;
}

static void it_goes_on_in_the_midst_of_keys(void **state)
{
	(void)state;
	listen();
	assert_int_equal(i8042_ctrl_alt_del(&i8042), 0);
	assert_int_equal(get(), 0x1d);
	tell_keyboard(0xed);
	out(COMMAND, 0x60);
	assert_int_equal(move(), 0);
	out(DATA, 0x25);
	assert_int_equal(get(), ACK);
	tell_keyboard(0x07);
	EXPECT(ACK, 0x11, 0xe0, 0x71, 0xe0, 0xf0, 0x71, 0xf0, 0x11, 0xf0, 0x14);
}

/* The edge may have been lost on its way. */
static void a_byte_that_waits_interrupts_once_more(void **state)
{
	(void)state;
	listen();
	i8042_raise(&i8042);
	assert_int_equal(edges(), 0);
	assert_int_equal(i8042_ctrl_alt_del(&i8042), 0);
	assert_int_equal(move(), 0);
	assert_int_equal(edges(), 0);
	i8042_raise(&i8042);
	assert_int_equal(edges(), 1);
	get();
	assert_int_equal(edges(), 1);
}

static void no_parameter_is_awaited_of_what_takes_none(void **state)
{
	(void)state;
	i8042.command = 0x20;
	assert_int_equal(move(), -EBADMSG);
	assert_string_equal(
		err_text(), "i8042.command is 0x20, which takes no parameter");
	i8042.command = 0;
	i8042.keyboard.command = 0xf2;
	assert_int_equal(move(), -EBADMSG);
	assert_string_equal(err_text(),
		"keyboard.command is 0xf2, which takes no parameter");
}

/* A release code with nothing behind it: no press leaves that. */
static void keys_that_end_early_are_harmless(void **state)
{
	(void)state;
	listen();
	i8042.keyboard.keys = (struct keyboard_buffer){ { 0xf0 }, 1 };
	assert_int_equal(move(), 0);
	get();
	assert_false(in(COMMAND)&OBF);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, power_on, power_off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_there_after_power_on),
		TEST(linux_finds_a_controller_that_translates),
		TEST(linux_finds_no_mouse_without_waiting),
		TEST(the_second_port_cannot_be_enabled),
		TEST(the_status_tells_a_command_from_data),
		TEST(the_reset_line_is_pulled_in_each_way),
		TEST(other_writes_pull_no_line),
		TEST(a_reply_goes_before_a_key_and_loses_none),
		TEST(data_that_was_read_is_read_again),
		TEST(linux_finds_an_at_keyboard),
		TEST(scan_code_set_2_is_the_only_one),
		TEST(what_it_does_not_know_it_asks_for_again),
		TEST(a_command_takes_the_place_of_a_parameter),
		TEST(a_byte_for_the_keyboard_turns_it_on),
		TEST(ctrl_alt_del_is_pressed_and_let_go_in_set_1),
		TEST(without_translation_it_is_in_set_2),
		TEST(each_byte_is_an_interrupt),
		TEST(an_interrupt_waits_until_it_is_wanted),
		TEST(a_keyboard_that_is_off_holds_its_keys_back),
		TEST(a_guest_that_does_not_listen_is_not_told),
		TEST(keys_wait_for_those_before),
		TEST(it_goes_on_in_the_midst_of_keys),
		TEST(a_byte_that_waits_interrupts_once_more),
		TEST(no_parameter_is_awaited_of_what_takes_none),
		TEST(keys_that_end_early_are_harmless),
	};

	return cmocka_run_group_tests_name("i8042", tests, NULL, NULL);
}
