/* SPDX-License-Identifier: Apache-2.0 */
/*
 * i8042.h - the keyboard controller of a PC, with a keyboard and no mouse
 *
 * Guests reset the machine by it, and orchestrators shut guests down by pressing
 * Ctrl-Alt-Del.  Nothing takes time: a command has been carried out and answered
 * when the access returns, so that a driver never waits.
 *
 * vCPU threads access the registers while the control thread presses keys; one
 * lock covers both.
 */
#ifndef MUSTER_DEVICES_I8042_H
#define MUSTER_DEVICES_I8042_H

#include <pthread.h>

#include "devices/device.h"
#include "devices/keyboard.h"
#include "vmm/core/bus.h"

/* Not to be moved: the bus points to it. */
struct i8042 {
	int vm_fd; /* borrowed; interrupts go there */
	machine_event_fn report;
	void *owner; /* borrowed */

	pthread_mutex_t lock; /* protects all below */
	uint8_t control;      /* the "command byte" of the manuals */
	uint8_t command;      /* whose parameter comes next; 0: none */
	bool commanded;       /* the last write was of a command */
	bool replied;         /* `reply` waits to be read, before any key */
	uint8_t reply;
	uint8_t data; /* what was read last, and is read again */
	bool raised;  /* the driver was told of what is there */
	struct keyboard keyboard;
};

/*
 * The state after power-on, and its ports on `pio`; `report` is called as device.h
 * says.  0 or -errno with a sentence.
 */
int i8042_init(struct i8042 *i8042, struct bus *pio, int vm_fd,
	machine_event_fn report, void *owner);
void i8042_fini(struct i8042 *i8042);

/*
 * Press Ctrl-Alt-Del.  -EAGAIN with a sentence if the guest does not listen: it has
 * no driver for it, has not loaded it yet, or stands still with the keys of the
 * last time.
 */
int i8042_ctrl_alt_del(struct i8042 *i8042);

/* Of a struct i8042. */
extern const struct state_desc i8042_state;

/* After it has been loaded.  0, or -EBADMSG with a sentence. */
int i8042_loaded(void *i8042);

/* Interrupt the driver once more if there is something to read. */
void i8042_raise(const struct i8042 *i8042);

#endif
