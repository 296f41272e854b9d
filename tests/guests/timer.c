// SPDX-License-Identifier: Apache-2.0
/* timer.c - the local APIC's timer interrupts, and wakes a halted CPU */
#include "tests/guests/rt/rt.h"

#define VECTOR  0x40
#define COUNT   1000000
#define REPEATS 10

void payload(void)
{
	lapic_enable();
	for (unsigned i = 0; i < REPEATS; i++) {
		lapic_timer_once(VECTOR, COUNT);
		CHECK(wait_for(irq_count[VECTOR] == i + 1));
	}
	lapic_timer_once(VECTOR, COUNT);
	ring0_call(ring0_wait, 0);
	CHECK(irq_count[VECTOR] == REPEATS + 1);
}
