// SPDX-License-Identifier: Apache-2.0
/*
 * tally.c - `cpus=N` CPUs take turns to print their own next number, for ever
 *
 * There is one text that this can print: whoever cuts it into parts, by snapshots,
 * finds each byte that is lost or comes twice.
 */
#include "tests/guests/rt/rt.h"

static unsigned turn;

static void tally(unsigned cpu)
{
	unsigned next = (cpu + 1) % cmdline_number("cpus", 1);

	for (uint32_t n = 1;; n++) {
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != cpu)
			relax();
		print("%u %u\n", cpu, n);
		__atomic_store_n(&turn, next, __ATOMIC_RELEASE);
	}
}

void payload(void)
{
	unsigned cpus = cmdline_number("cpus", 1);

	CHECK(cpus <= CPUS_MAX);
	lapic_enable();
	for (unsigned id = 1; id < cpus; id++)
		CHECK(cpu_start(id, tally));
	tally(0);
}
