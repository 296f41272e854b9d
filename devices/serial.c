/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serial.c - 16550A registers (National Semiconductor PC16550D)
 *
 * Interrupts: `pending()` computes the causes that are enabled and true.  After
 * every change `update()` compares it with the last look and raises an edge for
 * each cause that is new, which is what an edge-triggered controller needs: a
 * driver that services one cause while another arrives hears of both.
 */
#include "devices/serial.h"

#include <errno.h>
#include <linux/serial_reg.h>

#include "vmm/base/err.h"

/* Causes, one bit each, in the order in which IIR tells of them. */
enum { CAUSE_LINE, CAUSE_RX, CAUSE_TX, CAUSE_MODEM, CAUSES };

#define IIR_FIFO_ENABLED 0xc0
#define LSR_SENT         (UART_LSR_THRE | UART_LSR_TEMT)
#define IER_WRITABLE     0x0f
#define MCR_WRITABLE     0x1f
#define MSR_CHANGES      0x0f
#define FCR_KEPT         (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK)

static const uint8_t trigger_level[4] = { 1, 4, 8, 14 };

/* ---- the receiver ---- */

static bool fifo_enabled(const struct serial *s)
{
	return s->fcr & UART_FCR_ENABLE_FIFO;
}

static unsigned rx_free(const struct serial *s)
{
	return (fifo_enabled(s) ? SERIAL_FIFO_BYTES : 1) - s->count;
}

/* A byte that finds no room is lost and leaves an overrun error. */
static void rx_put(struct serial *s, uint8_t byte)
{
	if (rx_free(s) == 0) {
		s->line_errors |= UART_LSR_OE;
		return;
	}
	s->fifo[(s->head + s->count) % SERIAL_FIFO_BYTES] = byte;
	s->count++;
}

static uint8_t rx_get(struct serial *s)
{
	uint8_t byte = s->fifo[s->head];

	if (s->count == 0)
		return 0;
	s->head = (s->head + 1) % SERIAL_FIFO_BYTES;
	s->count--;
	return byte;
}

/* ---- interrupts ---- */

static uint8_t pending(const struct serial *s)
{
	uint8_t causes = 0;

	if (s->ier & UART_IER_RLSI && s->line_errors)
		causes |= BIT(CAUSE_LINE);
	if (s->ier & UART_IER_RDI && s->count)
		causes |= BIT(CAUSE_RX);
	if (s->ier & UART_IER_THRI && s->sent)
		causes |= BIT(CAUSE_TX);
	if (s->ier & UART_IER_MSI && s->modem_changes)
		causes |= BIT(CAUSE_MODEM);
	return causes;
}

static void update(struct serial *s)
{
	uint8_t causes = pending(s);

	if (causes & ~s->causes)
		irq_line_raise(s->irq);
	s->causes = causes;
}

/* Below the trigger level it is the character timeout that tells of data. */
static uint8_t rx_cause(const struct serial *s)
{
	return s->count >= trigger_level[s->fcr >> 6] ? UART_IIR_RDI
						      : UART_IIR_RX_TIMEOUT;
}

/* ---- registers ---- */

static bool divisor_latch(const struct serial *s)
{
	return s->lcr & UART_LCR_DLAB;
}

static bool loopback(const struct serial *s)
{
	return s->mcr & UART_MCR_LOOP;
}

/* Only once all is read, so that pasted text comes in FIFOs, not in bytes. */
static void ask_for_input(struct serial *s)
{
	if (s->tty && s->count == 0)
		tty_want(s->tty);
}

static uint8_t read_data(struct serial *s)
{
	uint8_t byte;

	if (divisor_latch(s))
		return s->divisor[0];
	byte = rx_get(s);
	ask_for_input(s);
	return byte;
}

static void write_data(struct serial *s, uint8_t value)
{
	if (divisor_latch(s)) {
		s->divisor[0] = value;
		return;
	}
	if (loopback(s))
		rx_put(s, value);
	else if (s->tty)
		tty_write(s->tty, &value, 1);
	s->sent = true;
}

static uint8_t read_ier(struct serial *s)
{
	return divisor_latch(s) ? s->divisor[1] : s->ier;
}

/* Enabling the transmitter's interrupt while it is empty raises it at once. */
static void write_ier(struct serial *s, uint8_t value)
{
	if (divisor_latch(s)) {
		s->divisor[1] = value;
		return;
	}
	if (value & ~s->ier & UART_IER_THRI)
		s->sent = true;
	s->ier = value & IER_WRITABLE;
}

/* Reading it acknowledges the transmitter, and only when that is what it says. */
static uint8_t read_iir(struct serial *s)
{
	uint8_t fifo = fifo_enabled(s) ? IIR_FIFO_ENABLED : 0;
	uint8_t causes = pending(s);

	if (causes & BIT(CAUSE_LINE))
		return fifo | UART_IIR_RLSI;
	if (causes & BIT(CAUSE_RX))
		return fifo | rx_cause(s);
	if (causes & BIT(CAUSE_TX)) {
		s->sent = false;
		return fifo | UART_IIR_THRI;
	}
	return fifo | (causes ? UART_IIR_MSI : UART_IIR_NO_INT);
}

/* Turning the FIFO on or off empties it; without it no other bit is taken. */
static void write_fcr(struct serial *s, uint8_t value)
{
	uint8_t changed = value ^ s->fcr;

	if ((changed & UART_FCR_ENABLE_FIFO) || (value & UART_FCR_CLEAR_RCVR))
		s->count = 0;
	s->fcr = value & UART_FCR_ENABLE_FIFO ? value & FCR_KEPT : 0;
	ask_for_input(s);
}

static uint8_t read_lcr(struct serial *s)
{
	return s->lcr;
}

static void write_lcr(struct serial *s, uint8_t value)
{
	s->lcr = value;
}

/* A peer that is always there; in loopback our own outputs come back. */
static uint8_t modem_lines(const struct serial *s)
{
	if (!loopback(s))
		return UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD;
	return (s->mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) |
	       (s->mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) |
	       (s->mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) |
	       (s->mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0);
}

static uint8_t read_mcr(struct serial *s)
{
	return s->mcr;
}

/* Each line's change bit is four below it; the ring indicator's tells its end. */
static void write_mcr(struct serial *s, uint8_t value)
{
	uint8_t before = modem_lines(s), after;

	s->mcr = value & MCR_WRITABLE;
	after = modem_lines(s);
	s->modem_changes |= ((before ^ after) & ~(after & UART_MSR_RI)) >> 4;
	ask_for_input(s);
}

static uint8_t read_lsr(struct serial *s)
{
	uint8_t errors = s->line_errors;

	s->line_errors = 0;
	return LSR_SENT | errors | (s->count ? UART_LSR_DR : 0);
}

static uint8_t read_msr(struct serial *s)
{
	uint8_t changes = s->modem_changes;

	s->modem_changes = 0;
	return modem_lines(s) | (changes & MSR_CHANGES);
}

static uint8_t read_scr(struct serial *s)
{
	return s->scr;
}

static void write_scr(struct serial *s, uint8_t value)
{
	s->scr = value;
}

static void write_nothing(struct serial *s, uint8_t value)
{
	(void)s;
	(void)value;
}

static const struct {
	uint8_t (*read)(struct serial *s);
	void (*write)(struct serial *s, uint8_t value);
} registers[SERIAL_PORTS] = {
	[UART_RX] = { read_data, write_data },
	[UART_IER] = { read_ier, write_ier },
	[UART_IIR] = { read_iir, write_fcr },
	[UART_LCR] = { read_lcr, write_lcr },
	[UART_MCR] = { read_mcr, write_mcr },
	[UART_LSR] = { read_lsr, write_nothing },
	[UART_MSR] = { read_msr, write_nothing },
	[UART_SCR] = { read_scr, write_scr },
};

/* A wide access is one per port, as an ISA bridge makes it. */
static void serial_read(void *dev, uint64_t offset, void *data, unsigned len)
{
	struct serial *s = dev;
	uint8_t *bytes = data;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < len; i++) {
		bytes[i] = registers[offset + i].read(s);
		update(s);
	}
	pthread_mutex_unlock(&s->lock);
}

static void serial_write(
	void *dev, uint64_t offset, const void *data, unsigned len)
{
	struct serial *s = dev;
	const uint8_t *bytes = data;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < len; i++) {
		registers[offset + i].write(s, bytes[i]);
		update(s);
	}
	pthread_mutex_unlock(&s->lock);
}

const struct bus_ops serial_bus_ops = { serial_read, serial_write };

/* ---- the loop's side ---- */

/* In loopback the input line is cut off from the receiver: let input wait. */
size_t serial_room(void *model)
{
	struct serial *s = model;
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = loopback(s) ? 0 : rx_free(s);
	pthread_mutex_unlock(&s->lock);
	return n;
}

void serial_input(void *model, const uint8_t *data, size_t len)
{
	struct serial *s = model;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < len; i++)
		rx_put(s, data[i]);
	update(s);
	pthread_mutex_unlock(&s->lock);
}

void serial_init(
	struct serial *serial, const struct irq_line *irq, struct tty *tty)
{
	*serial = (struct serial){
		.irq = irq,
		.tty = tty,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
}

void serial_fini(struct serial *serial)
{
	pthread_mutex_destroy(&serial->lock);
}

/* ---- state ---- */

/* `causes` is what pending() says of the rest. */
static const struct state_field fields[] = {
	STATE_U8(struct serial, ier, .max = IER_WRITABLE),
	STATE_U8(struct serial, fcr),
	STATE_U8(struct serial, lcr),
	STATE_U8(struct serial, mcr, .max = MCR_WRITABLE),
	STATE_U8(struct serial, scr),
	STATE_U8S(struct serial, divisor),
	STATE_U8(struct serial, line_errors),
	STATE_U8(struct serial, modem_changes, .max = MSR_CHANGES),
	STATE_BOOL(struct serial, sent),
	STATE_BYTES(struct serial, fifo),
	STATE_U32(struct serial, head, .max = SERIAL_FIFO_BYTES - 1),
	STATE_U32(struct serial, count, .max = SERIAL_FIFO_BYTES),
};

const struct state_desc serial_state = STATE_DESC(
	"serial", 1, struct serial, fields);

int serial_loaded(void *model)
{
	struct serial *serial = model;
	uint8_t fcr = serial->fcr;

	if (fcr && (!fifo_enabled(serial) || (fcr & ~FCR_KEPT)))
		return err_set(-EBADMSG,
			"serial.fcr is %#x, which no write leaves", fcr);
	if (serial->line_errors & ~UART_LSR_OE)
		return err_set(-EBADMSG,
			"serial.line_errors is %#x, only an overrun can be",
			serial->line_errors);
	if (!fifo_enabled(serial) && serial->count > 1)
		return err_set(-EBADMSG,
			"serial.count is %u while the FIFO is off",
			serial->count);
	serial->causes = pending(serial);
	return 0;
}

void serial_raise(const struct serial *serial)
{
	if (serial->causes)
		irq_line_raise(serial->irq);
}
