/* SPDX-License-Identifier: Apache-2.0 */
/*
 * i8042.c - registers and commands of the keyboard controller (Intel UPI-41/42 as
 * IBM programmed it: PS/2 Hardware Interface Technical Reference, 1991)
 *
 * There is no output buffer: a reply waits in its own place and keys in the
 * keyboard, so that a reply never overwrites a key.  `update()` compares what can be
 * read with what the driver was told of and raises an edge for news.
 */
#include "devices/i8042.h"

#include <errno.h>

#include "vmm/base/err.h"
#include "vmm/core/irq.h"
#include "vmm/core/machine.h"

enum {
	READ_CONTROL = 0x20,
	WRITE_CONTROL = 0x60,
	TEST_AUX = 0xa9,
	TEST = 0xaa,
	TEST_KEYBOARD = 0xab,
	DISABLE_KEYBOARD = 0xad,
	ENABLE_KEYBOARD = 0xae,
	READ_INPUT = 0xc0,
	READ_OUTPUT = 0xd0,
	WRITE_OUTPUT = 0xd1,
	LOOP_KEYBOARD = 0xd2,
	LOOP_AUX = 0xd3,
	WRITE_AUX = 0xd4,
	PULSE = 0xf0, /* to 0xff: bits 3 to 0 that are clear */
};

#define STATUS_FULL       BIT(0)
#define STATUS_COMMAND    BIT(3)
#define STATUS_UNLOCKED   BIT(4)

#define CONTROL_INTERRUPT BIT(0)
#define CONTROL_SYSTEM    BIT(2) /* the status register has it too */
#define CONTROL_DISABLED  BIT(4)
#define CONTROL_NO_AUX    BIT(5)
#define CONTROL_TRANSLATE BIT(6)
#define CONTROL_WRITABLE  0x7f

/* As a BIOS leaves it that has not used the keyboard: nobody wants interrupts. */
#define CONTROL_POWER_ON  (CONTROL_SYSTEM | CONTROL_NO_AUX | CONTROL_TRANSLATE)

#define TEST_PASSED       0x55
#define CLOCK_STUCK       0x01 /* of a mouse that is not there */
#define INPUT_UNLOCKED    0x80
#define OUTPUT_NOT_RESET  BIT(0) /* drives the CPU's reset line */
#define OUTPUT_A20        BIT(1)

/* ---- what can be read ---- */

static bool keys_ready(const struct i8042 *s)
{
	return !(s->control & CONTROL_DISABLED) && keyboard_ready(&s->keyboard);
}

static bool is_full(const struct i8042 *s)
{
	return s->replied || keys_ready(s);
}

static bool wants_interrupt(const struct i8042 *s)
{
	return s->control & CONTROL_INTERRUPT && is_full(s);
}

/* That KVM has no such interrupt is not the guest's to know. */
static void update(struct i8042 *s)
{
	bool wanted = wants_interrupt(s);

	if (wanted && !s->raised)
		(void)irq_pulse(s->vm_fd, MACHINE_KEYBOARD_GSI);
	s->raised = wanted;
}

static void reply(struct i8042 *s, uint8_t byte)
{
	s->replied = true;
	s->reply = byte;
}

/* Scan code set 1 of all that our keyboard sends in set 2 and that differs. */
static uint8_t translate(uint8_t code)
{
	static const struct {
		uint8_t from, to;
	} codes[] = {
		{ 0x14, 0x1d }, /* Ctrl */
		{ 0x11, 0x38 }, /* Alt */
		{ 0x71, 0x53 }, /* Delete */
		{ 0x83, 0x41 }, /* the keyboard's id */
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].from == code)
			return codes[i].to;
	return code;
}

/* In set 1 a key that is let go is one byte, in set 2 two. */
static uint8_t read_key(struct i8042 *s)
{
	uint8_t code = keyboard_read(&s->keyboard);

	if (!(s->control & CONTROL_TRANSLATE))
		return code;
	if (code == KEYBOARD_RELEASE)
		return translate(keyboard_read(&s->keyboard)) | 0x80;
	return translate(code);
}

/* ---- commands ---- */

static void reset_if_low(struct i8042 *s, uint8_t lines)
{
	if (!(lines & OUTPUT_NOT_RESET))
		s->report(s->owner, MACHINE_RESET, lines);
}

static void read_control(struct i8042 *s)
{
	reply(s, s->control);
}

static void test_aux(struct i8042 *s)
{
	reply(s, CLOCK_STUCK);
}

static void test(struct i8042 *s)
{
	s->control |= CONTROL_SYSTEM;
	reply(s, TEST_PASSED);
}

static void test_keyboard(struct i8042 *s)
{
	reply(s, 0);
}

static void disable_keyboard(struct i8042 *s)
{
	s->control |= CONTROL_DISABLED;
}

static void enable_keyboard(struct i8042 *s)
{
	s->control &= (uint8_t)~CONTROL_DISABLED;
}

static void read_input(struct i8042 *s)
{
	reply(s, INPUT_UNLOCKED);
}

static void read_output(struct i8042 *s)
{
	reply(s, OUTPUT_NOT_RESET | OUTPUT_A20);
}

static void write_control(struct i8042 *s, uint8_t value)
{
	s->control = value & CONTROL_WRITABLE;
}

/* A byte to a mouse that is not there. */
static void drop(struct i8042 *s, uint8_t value)
{
	(void)s;
	(void)value;
}

/*
 * LOOP_AUX too: that what comes back is not marked as a mouse's tells Linux at
 * once that there is none, where silence would cost it half a second.
 */
static const struct command {
	uint8_t code;
	void (*run)(struct i8042 *s);                 /* or */
	void (*take)(struct i8042 *s, uint8_t value); /* its parameter */
} commands[] = {
	{ READ_CONTROL, .run = read_control },
	{ WRITE_CONTROL, .take = write_control },
	{ TEST_AUX, .run = test_aux },
	{ TEST, .run = test },
	{ TEST_KEYBOARD, .run = test_keyboard },
	{ DISABLE_KEYBOARD, .run = disable_keyboard },
	{ ENABLE_KEYBOARD, .run = enable_keyboard },
	{ READ_INPUT, .run = read_input },
	{ READ_OUTPUT, .run = read_output },
	{ WRITE_OUTPUT, .take = reset_if_low },
	{ LOOP_KEYBOARD, .take = reply },
	{ LOOP_AUX, .take = reply },
	{ WRITE_AUX, .take = drop },
};

static const struct command *find_command(uint8_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].code == code)
			return &commands[i];
	return NULL;
}

static void take_command(struct i8042 *s, uint8_t code)
{
	const struct command *c = find_command(code);

	s->commanded = true;
	s->command = c && c->take ? code : 0;
	if (c && c->run)
		c->run(s);
	if (code >= PULSE)
		reset_if_low(s, code);
}

/* A byte for the keyboard turns it on, as it does in IBM's. */
static void take_data(struct i8042 *s, uint8_t value)
{
	const struct command *c = find_command(s->command);

	s->commanded = false;
	s->command = 0;
	if (c) {
		c->take(s, value);
		return;
	}
	enable_keyboard(s);
	keyboard_write(&s->keyboard, value);
}

/* ---- ports, each of a byte ---- */

static uint8_t take_output(struct i8042 *s)
{
	if (s->replied) {
		s->replied = false;
		return s->reply;
	}
	return keys_ready(s) ? read_key(s) : s->data;
}

/* The next byte is news, and an edge of its own. */
static void data_read(void *dev, uint64_t offset, void *data, unsigned len)
{
	struct i8042 *s = dev;

	(void)offset;
	(void)len;
	pthread_mutex_lock(&s->lock);
	s->data = take_output(s);
	*(uint8_t *)data = s->data;
	s->raised = false;
	update(s);
	pthread_mutex_unlock(&s->lock);
}

static void data_write(
	void *dev, uint64_t offset, const void *data, unsigned len)
{
	struct i8042 *s = dev;

	(void)offset;
	(void)len;
	pthread_mutex_lock(&s->lock);
	take_data(s, *(const uint8_t *)data);
	update(s);
	pthread_mutex_unlock(&s->lock);
}

static void status_read(void *dev, uint64_t offset, void *data, unsigned len)
{
	struct i8042 *s = dev;
	uint8_t status = STATUS_UNLOCKED;

	(void)offset;
	(void)len;
	pthread_mutex_lock(&s->lock);
	if (is_full(s))
		status |= STATUS_FULL;
	if (s->commanded)
		status |= STATUS_COMMAND;
	status |= s->control & CONTROL_SYSTEM;
	pthread_mutex_unlock(&s->lock);
	*(uint8_t *)data = status;
}

static void command_write(
	void *dev, uint64_t offset, const void *data, unsigned len)
{
	struct i8042 *s = dev;

	(void)offset;
	(void)len;
	pthread_mutex_lock(&s->lock);
	take_command(s, *(const uint8_t *)data);
	update(s);
	pthread_mutex_unlock(&s->lock);
}

static const struct bus_ops data_ops = { data_read, data_write };
static const struct bus_ops command_ops = { status_read, command_write };

/* ---- the owner's side ---- */

int i8042_init(struct i8042 *s, struct bus *pio, int vm_fd,
	machine_event_fn report, void *owner)
{
	int rc;

	*s = (struct i8042){
		.vm_fd = vm_fd,
		.report = report,
		.owner = owner,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.control = CONTROL_POWER_ON,
	};
	keyboard_init(&s->keyboard);
	rc = bus_add(pio, MACHINE_KEYBOARD_PORT, 1, &data_ops, s);
	return rc ? rc : bus_add(pio, MACHINE_RESET_PORT, 1, &command_ops, s);
}

void i8042_fini(struct i8042 *s)
{
	pthread_mutex_destroy(&s->lock);
}

static int press(struct i8042 *s)
{
	bool heard = s->control & CONTROL_INTERRUPT &&
		     !(s->control & CONTROL_DISABLED);

	if (!heard)
		return err_set(-EAGAIN,
			"no driver of the guest listens to its keyboard "
			"(Linux: i8042 and atkbd), or not yet");
	return keyboard_ctrl_alt_del(&s->keyboard);
}

int i8042_ctrl_alt_del(struct i8042 *s)
{
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = press(s);
	update(s);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* ---- state ---- */

/* `raised` is what wants_interrupt() says of the rest. */
static const struct state_field fields[] = {
	STATE_U8(struct i8042, control, .max = CONTROL_WRITABLE),
	STATE_U8(struct i8042, command),
	STATE_BOOL(struct i8042, commanded),
	STATE_BOOL(struct i8042, replied),
	STATE_U8(struct i8042, reply),
	STATE_U8(struct i8042, data),
	STATE_OBJECT(struct i8042, keyboard, &keyboard_state),
};

const struct state_desc i8042_state = STATE_DESC(
	"i8042", 1, struct i8042, fields);

int i8042_loaded(void *dev)
{
	struct i8042 *s = dev;
	const struct command *c = find_command(s->command);

	if (s->command && (!c || !c->take))
		return err_set(-EBADMSG,
			"i8042.command is %#x, which takes no parameter",
			s->command);
	s->raised = wants_interrupt(s);
	return keyboard_loaded(&s->keyboard);
}

void i8042_raise(const struct i8042 *s)
{
	if (s->raised)
		(void)irq_pulse(s->vm_fd, MACHINE_KEYBOARD_GSI);
}
