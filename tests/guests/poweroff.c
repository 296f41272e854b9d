// SPDX-License-Identifier: Apache-2.0
/* poweroff.c - the guest writes S5 and SLP_EN to the ACPI sleep control port */
#include "tests/guests/rt/rt.h"

#define SLEEP_PORT 0x600
#define S5         (5 << 2)
#define SLP_EN     0x20

void payload(void)
{
	verdict_ok();
	outb(SLEEP_PORT, S5 | SLP_EN);
	CHECK(wait_for(false));
}
