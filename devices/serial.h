/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serial.h - a 16550A UART, as far as a driver can tell without a clock
 *
 * A byte is sent the moment it is written, so that the transmitter is always
 * empty; line settings are kept and mean nothing.  vCPU threads access the
 * registers while the loop delivers input; one lock covers both.
 */
#ifndef MUSTER_DEVICES_SERIAL_H
#define MUSTER_DEVICES_SERIAL_H

#include "devices/backend/tty.h"
#include "devices/device.h"
#include "vmm/core/bus.h"
#include "vmm/core/irq.h"

#define SERIAL_PORTS      8
#define SERIAL_FIFO_BYTES 16

struct serial {
	const struct irq_line *irq; /* borrowed */
	struct tty *tty;            /* borrowed; NULL discards output */

	pthread_mutex_t lock; /* protects all below; tty's locks go inside */
	uint8_t ier, fcr, lcr, mcr, scr;
	uint8_t divisor[2];
	uint8_t line_errors;   /* LSR bits that reading LSR clears */
	uint8_t modem_changes; /* MSR bits that reading MSR clears */
	bool sent;             /* transmitter ran empty, not yet told by IIR */
	uint8_t causes;        /* enabled causes at the last look */
	uint8_t fifo[SERIAL_FIFO_BYTES];
	uint32_t head, count;
};

/* The state after power-on. */
void serial_init(
	struct serial *serial, const struct irq_line *irq, struct tty *tty);
void serial_fini(struct serial *serial);

/* SERIAL_PORTS ports; `dev` is a struct serial. */
extern const struct bus_ops serial_bus_ops;

/* Of a struct serial. */
extern const struct state_desc serial_state;

/* After it has been loaded.  0, or -EBADMSG with a sentence. */
int serial_loaded(void *serial);

/*
 * Interrupt the driver once more if a cause is pending: the edge may have been on
 * its way when the snapshot was taken.
 */
void serial_raise(const struct serial *serial);

/* For struct tty_events; `model` is a struct serial. */
size_t serial_room(void *model) ON_LOOP;
void serial_input(void *model, const uint8_t *data, size_t len) ON_LOOP;

#endif
