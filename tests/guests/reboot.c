// SPDX-License-Identifier: Apache-2.0
/* reboot.c - the guest pulses the reset line of the keyboard controller */
#include "tests/guests/rt/rt.h"

void payload(void)
{
	verdict_ok();
	outb(0x64, 0xfe);
	CHECK(wait_for(false));
}
