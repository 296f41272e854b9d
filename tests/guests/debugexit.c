// SPDX-License-Identifier: Apache-2.0
/* debugexit.c - the byte at the debug-exit port is the monitor's exit status */
#include "tests/guests/rt/rt.h"

void payload(void)
{
	verdict_ok();
	debug_exit(42);
}
