/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyboard.h - a PS/2 keyboard on which one can press Ctrl-Alt-Del
 *
 * It speaks scan code set 2 and answers what a driver asks to find out what it
 * is.  Answers go before keys that were pressed, whole, as on a keyboard whose
 * host may interrupt it.  Its owner locks.
 */
#ifndef MUSTER_DEVICES_KEYBOARD_H
#define MUSTER_DEVICES_KEYBOARD_H

#include "vmm/core/state.h"

#define KEYBOARD_BUFFER_BYTES 16

/* In front of the code of a key that is let go, in scan code set 2. */
#define KEYBOARD_RELEASE      0xf0

struct keyboard_buffer {
	uint8_t byte[KEYBOARD_BUFFER_BYTES];
	uint32_t count;
};

struct keyboard {
	bool scanning;   /* keys are heard */
	uint8_t command; /* whose parameter comes next; 0: none */
	uint8_t sent;    /* the last byte, for who asks for it again */
	struct keyboard_buffer answers;
	struct keyboard_buffer keys;
};

/* The state after power-on. */
void keyboard_init(struct keyboard *keyboard);

/* A byte from the host. */
void keyboard_write(struct keyboard *keyboard, uint8_t byte);

/* Whether there is a byte for the host, and that byte; 0 if there is none. */
bool keyboard_ready(const struct keyboard *keyboard);
uint8_t keyboard_read(struct keyboard *keyboard);

/*
 * Press the three keys and let them go.  -EAGAIN with a sentence if the host does
 * not want keys, or has yet to read those of the last time.
 */
int keyboard_ctrl_alt_del(struct keyboard *keyboard);

extern const struct state_desc keyboard_state;

/* After it has been loaded.  0, or -EBADMSG with a sentence. */
int keyboard_loaded(const struct keyboard *keyboard);

#endif
