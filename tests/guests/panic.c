// SPDX-License-Identifier: Apache-2.0
/* panic.c - the guest says through pvpanic that it panicked */
#include "tests/guests/rt/rt.h"

#define PVPANIC_PORT     0x505
#define PVPANIC_PANICKED 1

void payload(void)
{
	CHECK(inb(PVPANIC_PORT) & PVPANIC_PANICKED);
	verdict_ok();
	outb(PVPANIC_PORT, PVPANIC_PANICKED);
	CHECK(wait_for(false));
}
