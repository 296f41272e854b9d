// SPDX-License-Identifier: Apache-2.0
/* tripfault.c - a fault that no handler can be found for stops the machine */
#include "tests/guests/rt/rt.h"

void payload(void)
{
	verdict_ok();
	ring0_call(ring0_triple_fault, 0);
	CHECK(wait_for(false));
}
