// SPDX-License-Identifier: Apache-2.0
/* spin.c - `cpus=N` CPUs that never end and never exit to the monitor */
#include "tests/guests/rt/rt.h"

static void spin(unsigned cpu)
{
	(void)cpu;
	for (;;)
		relax();
}

void payload(void)
{
	unsigned cpus = cmdline_number("cpus", 1);

	lapic_enable();
	for (unsigned id = 1; id < cpus; id++)
		CHECK(cpu_start(id, spin));
	verdict_ok();
	spin(0);
}
