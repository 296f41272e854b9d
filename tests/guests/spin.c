// SPDX-License-Identifier: Apache-2.0
/* spin.c - a guest that never ends and never exits to the monitor */
#include "tests/guests/rt/rt.h"

void payload(void)
{
	verdict_ok();
	for (;;)
		relax();
}
