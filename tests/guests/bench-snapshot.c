// SPDX-License-Identifier: Apache-2.0
/*
 * bench-snapshot.c - a guest with something in `fill=` MiB of its memory, which it
 * says, and which then writes to `dirty=` pages of them and prints a dot, for ever
 *
 * Whatever the moment of a snapshot, what goes on from it shows that within
 * microseconds, if it has no pages to dirty.
 */
#include "tests/guests/rt/rt.h"

#define PAGE  4096u
#define START (32ull << 20) /* behind this program */
#define PAUSE 200           /* between dots: some microseconds */

/* Memory of which no two pages are the same, and none is as it was before. */
static void write_pages(uint64_t count, uint64_t round)
{
	for (uint64_t i = 0; i < count; i++)
		*(volatile uint64_t *)(START + i * PAGE) = round << 32 | i | 1;
}

void payload(void)
{
	uint64_t fill = (uint64_t)cmdline_number("fill", 0) << 20;
	unsigned dirty = cmdline_number("dirty", 0);

	for (uint64_t at = 0; at < START + fill; at += GIB)
		map_gib(at);
	write_pages(fill / PAGE, 1);
	write_pages(dirty, 2);
	print("filled\n");
	for (uint64_t round = 3;; round++) {
		write_pages(dirty, round);
		for (unsigned i = 0; i < PAUSE; i++)
			relax();
		print(".");
	}
}
