// SPDX-License-Identifier: Apache-2.0
/* hello.c - a guest starts, and its serial port reaches us */
#include "tests/guests/rt/rt.h"

void payload(void)
{
	print("hello from ring 3\n");
}
