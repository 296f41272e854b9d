/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyboard.c - what a PS/2 keyboard answers (IBM PS/2 Hardware Interface Technical
 * Reference, "Keyboards", 1991)
 */
#include "devices/keyboard.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/err.h"

enum {
	SET_LEDS = 0xed,
	ECHO = 0xee,
	SELECT_SET = 0xf0,
	READ_ID = 0xf2,
	SET_RATE = 0xf3,
	ENABLE = 0xf4,
	DISABLE = 0xf5,
	SET_DEFAULT = 0xf6,
	RESEND = 0xfe, /* from the keyboard: not understood, say it again */
	RESET = 0xff,
};

#define ACK         0xfa
#define TEST_PASSED 0xaa
#define ID_1        0xab
#define ID_2        0x83
#define SET_2       2
#define COMMAND_BIT 0x80 /* no parameter has it */

static const uint8_t ctrl_alt_del[] = {
	0x14,                         /* left Ctrl */
	0x11,                         /* left Alt */
	0xe0, 0x71,                   /* Delete, not the keypad's */
	0xe0, KEYBOARD_RELEASE, 0x71, /* and in reverse order */
	KEYBOARD_RELEASE, 0x11,       /* */
	KEYBOARD_RELEASE, 0x14,       /* */
};

/* ---- buffers ---- */

static void put(struct keyboard_buffer *b, const uint8_t *bytes, uint32_t len)
{
	memcpy(b->byte + b->count, bytes, len);
	b->count += len;
}

static uint8_t get(struct keyboard_buffer *b)
{
	uint8_t first = b->byte[0];

	b->count--;
	memmove(b->byte, b->byte + 1, b->count);
	return first;
}

bool keyboard_ready(const struct keyboard *k)
{
	return k->answers.count || k->keys.count;
}

uint8_t keyboard_read(struct keyboard *k)
{
	if (!keyboard_ready(k))
		return 0;
	k->sent = get(k->answers.count ? &k->answers : &k->keys);
	return k->sent;
}

/* ---- commands ---- */

static void enable(struct keyboard *k)
{
	k->scanning = true;
}

static void disable(struct keyboard *k)
{
	k->scanning = false;
	k->keys.count = 0;
}

static void set_default(struct keyboard *k)
{
	k->keys.count = 0;
}

static void reset(struct keyboard *k)
{
	k->scanning = true;
	k->keys.count = 0;
}

static void resend(struct keyboard *k)
{
	put(&k->answers, &k->sent, 1);
}

#define ANSWER(...) \
	.count = sizeof((uint8_t[]){ __VA_ARGS__ }), .answer = { __VA_ARGS__ }

static const struct command {
	uint8_t code;
	bool parameter; /* one follows */
	uint8_t count;
	uint8_t answer[3];
	void (*run)(struct keyboard *k); /* or NULL */
} commands[] = {
	{ SET_LEDS, .parameter = true, ANSWER(ACK) },
	{ ECHO, ANSWER(ECHO) },
	{ SELECT_SET, .parameter = true, ANSWER(ACK) },
	{ READ_ID, ANSWER(ACK, ID_1, ID_2) },
	{ SET_RATE, .parameter = true, ANSWER(ACK) },
	{ ENABLE, ANSWER(ACK), .run = enable },
	{ DISABLE, ANSWER(ACK), .run = disable },
	{ SET_DEFAULT, ANSWER(ACK), .run = set_default },
	{ RESEND, .run = resend },
	{ RESET, ANSWER(ACK, TEST_PASSED), .run = reset },
};

static const struct command unknown = { .code = 0, ANSWER(RESEND) };

static const struct command *find_command(uint8_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].code == code)
			return &commands[i];
	return &unknown;
}

static void take_command(struct keyboard *k, uint8_t code)
{
	const struct command *c = find_command(code);

	k->command = c->parameter ? code : 0;
	put(&k->answers, c->answer, c->count);
	if (c->run)
		c->run(k);
}

/* Of LEDs and rates there is nothing to see; of scan code sets there is one. */
static void take_parameter(struct keyboard *k, uint8_t value)
{
	static const uint8_t ack = ACK, no = RESEND, set = SET_2;
	bool select = k->command == SELECT_SET;

	k->command = 0;
	put(&k->answers, select && value && value != SET_2 ? &no : &ack, 1);
	if (select && !value)
		put(&k->answers, &set, 1);
}

/* What it was about to answer before is not heard any more. */
void keyboard_write(struct keyboard *k, uint8_t byte)
{
	k->answers.count = 0;
	if (k->command && !(byte & COMMAND_BIT))
		take_parameter(k, byte);
	else
		take_command(k, byte);
}

/* ---- keys ---- */

int keyboard_ctrl_alt_del(struct keyboard *k)
{
	if (!k->scanning)
		return err_set(
			-EAGAIN, "the guest has turned its keyboard off");
	if (k->keys.count + sizeof(ctrl_alt_del) > KEYBOARD_BUFFER_BYTES)
		return err_set(-EAGAIN,
			"the guest has not read the keys of the last time");
	put(&k->keys, ctrl_alt_del, sizeof(ctrl_alt_del));
	return 0;
}

/* ---- state ---- */

void keyboard_init(struct keyboard *k)
{
	*k = (struct keyboard){ .scanning = true };
}

static const struct state_field buffer_fields[] = {
	STATE_BYTES(struct keyboard_buffer, byte),
	STATE_U32(struct keyboard_buffer, count, .max = KEYBOARD_BUFFER_BYTES),
};

static const struct state_desc buffer_state = STATE_DESC(
	"buffer", 1, struct keyboard_buffer, buffer_fields);

static const struct state_field fields[] = {
	STATE_BOOL(struct keyboard, scanning),
	STATE_U8(struct keyboard, command),
	STATE_U8(struct keyboard, sent),
	STATE_OBJECT(struct keyboard, answers, &buffer_state),
	STATE_OBJECT(struct keyboard, keys, &buffer_state),
};

const struct state_desc keyboard_state = STATE_DESC(
	"keyboard", 1, struct keyboard, fields);

int keyboard_loaded(const struct keyboard *k)
{
	if (!k->command || find_command(k->command)->parameter)
		return 0;
	return err_set(-EBADMSG,
		"keyboard.command is %#x, which takes no parameter",
		k->command);
}
