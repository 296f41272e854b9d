// SPDX-License-Identifier: Apache-2.0
/* booted.c - the guest says that it has booted, to whom it may concern */
#include "tests/guests/rt/rt.h"

#define BOOT_TIMER   0xc0000000ul
#define BOOTED       123
#define SLEEP_PORT   0x600
#define S5_AND_ENTER (5 << 2 | 0x20)

void payload(void)
{
	volatile uint8_t *timer = (volatile uint8_t *)BOOT_TIMER;

	timer[0] = BOOTED - 1;
	timer[1] = BOOTED;
	timer[0] = BOOTED;
	CHECK(timer[0] == 0xff);
	verdict_ok();
	outb(SLEEP_PORT, S5_AND_ENTER);
	CHECK(wait_for(false));
}
