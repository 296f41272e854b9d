// SPDX-License-Identifier: Apache-2.0
/* smp.c - every CPU of `cpus=N` starts by INIT and SIPI, once, with its own id */
#include "tests/guests/rt/rt.h"

static unsigned arrived;

static void arrive(unsigned cpu)
{
	if (lapic_id() == cpu)
		__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
}

void payload(void)
{
	unsigned cpus = cmdline_number("cpus", 1);

	CHECK(cpus <= CPUS_MAX);
	CHECK(lapic_id() == 0);
	lapic_enable();
	for (unsigned id = 1; id < cpus; id++)
		CHECK(cpu_start(id, arrive));
	CHECK(wait_for(
		__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) == cpus - 1));
	print("%u CPUs\n", cpus);
}
