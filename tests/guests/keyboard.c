// SPDX-License-Identifier: Apache-2.0
/* keyboard.c - waits for Ctrl-Alt-Del; each byte of it comes with an interrupt */
#include "tests/guests/rt/rt.h"

#define VECTOR        0x40
#define GSI           1
#define DATA          0x60
#define COMMAND       0x64
#define FULL          0x01
#define TEST          0xaa
#define WRITE_CONTROL 0x60
#define CONTROL       0x65 /* interrupts, translated codes, no mouse */

/* Scan code set 1: Ctrl, Alt, Delete, and the same from the last to the first. */
static const uint8_t codes[] = { 0x1d, 0x38, 0xe0, 0x53, 0xe0, 0xd3, 0xb8,
	0x9d };

static bool full(void)
{
	return inb(COMMAND) & FULL;
}

static void listen(void)
{
	outb(COMMAND, TEST);
	CHECK(full());
	CHECK(inb(DATA) == 0x55);
	outb(COMMAND, WRITE_CONTROL);
	outb(DATA, CONTROL);
	CHECK(!full());
}

void payload(void)
{
	lapic_enable();
	ioapic_route(GSI, VECTOR);
	listen();
	print("keyboard: ready\n");
	while (!irq_count[VECTOR])
		relax();
	for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
		CHECK(wait_for(irq_count[VECTOR] > i));
		CHECK(full());
		CHECK(inb(DATA) == codes[i]);
	}
	CHECK(!full());
}
