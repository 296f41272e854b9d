/* SPDX-License-Identifier: Apache-2.0 */
/*
 * i8042.c - a state with its length in front, then random accesses: two bytes an
 * operation, what to do and a value.  A state that is accepted saves as the same
 * bytes; all that can be read is read in the end, and Ctrl-Alt-Del can be pressed.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "devices/i8042.h"
#include "tests/fuzz/input.h"
#include "vmm/base/err.h"
#include "vmm/core/machine.h"

enum { OP_READ_DATA, OP_READ_STATUS, OP_WRITE_DATA, OP_COMMAND, OP_PRESS, OPS };

/* More than a reply, and both buffers of the keyboard. */
#define BYTES_MAX (1 + 2 * KEYBOARD_BUFFER_BYTES)

static struct bus pio;

static void reset(void *owner, enum machine_event event, uint8_t value)
{
	(void)owner;
	must(event == MACHINE_RESET);
	must(!(value & 1));
}

static uint8_t in(uint64_t port)
{
	uint8_t value = 0;

	must(bus_read(&pio, port, &value, 1));
	return value;
}

static void out(uint64_t port, uint8_t value)
{
	must(bus_write(&pio, port, &value, 1));
}

static bool load(struct i8042 *s, const struct input *data)
{
	struct buf saved = BUF_INIT;
	bool ok;

	err_clear();
	ok = !state_load(&i8042_state, 1, data->at, data->left, s) &&
	     !i8042_loaded(s);
	if (ok) {
		state_save(&i8042_state, s, &saved);
		must(saved.len == data->left);
		must(!memcmp(saved.data, data->at, saved.len));
	} else {
		must(*err_text());
	}
	buf_fini(&saved);
	return ok;
}

static void operate(struct i8042 *s, uint8_t op, uint8_t value)
{
	switch (op % OPS) {
	case OP_READ_DATA:
		in(MACHINE_KEYBOARD_PORT);
		break;
	case OP_READ_STATUS:
		must(!(in(MACHINE_RESET_PORT)&0xe2));
		break;
	case OP_WRITE_DATA:
		out(MACHINE_KEYBOARD_PORT, value);
		break;
	case OP_COMMAND:
		out(MACHINE_RESET_PORT, value);
		break;
	default:
		(void)i8042_ctrl_alt_del(s);
	}
}

static void drain(void)
{
	for (unsigned n = 0; in(MACHINE_RESET_PORT)&1; n++) {
		must(n < BYTES_MAX);
		in(MACHINE_KEYBOARD_PORT);
	}
}

/* Whatever it was in the midst of, a driver that starts anew gets it to work. */
static void must_serve(struct i8042 *s)
{
	out(MACHINE_RESET_PORT, 0xae);
	drain();
	out(MACHINE_RESET_PORT, 0x60);
	out(MACHINE_KEYBOARD_PORT, 0x65);
	out(MACHINE_KEYBOARD_PORT, 0xff);
	must(in(MACHINE_KEYBOARD_PORT) == 0xfa);
	must(in(MACHINE_KEYBOARD_PORT) == 0xaa);
	must(!i8042_ctrl_alt_del(s));
	must(in(MACHINE_KEYBOARD_PORT) == 0x1d);
	drain();
	must(in(MACHINE_KEYBOARD_PORT) == 0x9d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input input = { data, len };
	size_t state_len = input_u16(&input);
	struct input state = { input.at, MIN(state_len, input.left) };
	static struct i8042 s;

	input.at += state.left;
	input.left -= state.left;
	pio = (struct bus){ 0 };
	/* Edges go nowhere: the descriptor is not open. */
	must(!i8042_init(&s, &pio, -1, reset, NULL));
	if (state.left && !load(&s, &state)) {
		i8042_fini(&s);
		return 0;
	}
	i8042_raise(&s);
	for (; input.left >= 2; input.at += 2, input.left -= 2)
		operate(&s, input.at[0], input.at[1]);
	must_serve(&s);
	i8042_fini(&s);
	return 0;
}
