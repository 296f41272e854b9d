/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serial.c - random register accesses and input: three bytes an operation, what
 * to do, with which register, and a value.  The FIFO stays in bounds and always
 * drains, and no register reads as something that the chip does not have.
 */
#include "tests/fuzz/fuzz.h"

#include <linux/serial_reg.h>
#include <stdlib.h>
#include <string.h>

#include "devices/serial.h"

enum { OP_READ, OP_WRITE, OP_INPUT, OPS };

static void must(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t in(struct serial *s, unsigned reg)
{
	uint8_t value;

	serial_bus_ops.read(s, reg, &value, 1);
	return value;
}

static void out(struct serial *s, unsigned reg, uint8_t value)
{
	serial_bus_ops.write(s, reg, &value, 1);
}

/* The widest access at `reg` that the bus would let through. */
static unsigned width(unsigned reg, uint8_t value)
{
	unsigned len = BIT(value & 3);

	while (reg + len > SERIAL_PORTS)
		len /= 2;
	return len;
}

static void operate(struct serial *s, const uint8_t *op)
{
	unsigned reg = op[1] % SERIAL_PORTS;
	uint8_t data[SERIAL_PORTS];

	memset(data, op[2], sizeof(data));
	switch (op[0] % OPS) {
	case OP_READ:
		serial_bus_ops.read(s, reg, data, width(reg, op[2]));
		break;
	case OP_WRITE:
		serial_bus_ops.write(s, reg, data, width(reg, op[1] >> 3));
		break;
	default:
		serial_input(s, data, op[1] % (sizeof(data) + 1));
	}
}

static void check(struct serial *s)
{
	unsigned count = 0;

	out(s, UART_LCR, 0);
	must(!(in(s, UART_IER) & 0xf0));
	must(!(in(s, UART_MCR) & 0xe0));
	must(!(in(s, UART_IIR) & 0x30));
	while (in(s, UART_LSR) & UART_LSR_DR) {
		in(s, UART_RX);
		must(++count <= SERIAL_FIFO_BYTES);
	}
	out(s, UART_MCR, 0);
	must(serial_room(s) == (in(s, UART_IIR) >> 6 ? SERIAL_FIFO_BYTES : 1));
	/* Reading LSR, IIR and MSR has acknowledged all that there was. */
	in(s, UART_MSR);
	must(in(s, UART_IIR) & UART_IIR_NO_INT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* Edges go nowhere: the descriptor is not open. */
	const struct irq_line irq = { .fd = -1 };
	struct serial serial;

	claim_loop_thread();
	serial_init(&serial, &irq, NULL);
	for (; len >= 3; data += 3, len -= 3)
		operate(&serial, data);
	check(&serial);
	serial_fini(&serial);
	return 0;
}
