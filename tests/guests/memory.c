// SPDX-License-Identifier: Apache-2.0
/*
 * memory.c - the first and last page of each RAM range are there, are not the
 * same memory twice, and the ranges add up to mib=N less what lies below 1 MiB
 */
#include "tests/guests/rt/rt.h"

#define PAGE       4096ull
#define MIB        (1ull << 20)
#define PLACES_MAX 32

static struct place {
	volatile uint64_t *at;
	uint64_t was;
} places[PLACES_MAX];
static unsigned count;

/* The last word of a page: at 1 MiB lie our own first instructions. */
static void add(uint64_t page)
{
	uint64_t addr = (page & ~(PAGE - 1)) + PAGE - 8;

	CHECK(count < PLACES_MAX);
	map_gib(addr);
	places[count].at = (volatile uint64_t *)addr;
	count++;
}

void payload(void)
{
	const struct memmap_entry *map;
	unsigned entries = memmap(&map);
	uint64_t total = 0;

	CHECK(entries > 0);
	for (unsigned i = 0; i < entries; i++) {
		if (map[i].type != MEMMAP_RAM)
			continue;
		CHECK(map[i].size >= PAGE);
		total += map[i].size;
		add((map[i].start + PAGE - 1) & ~(PAGE - 1));
		add(map[i].start + map[i].size - PAGE);
	}
	for (unsigned i = 0; i < count; i++) {
		places[i].was = *places[i].at;
		*places[i].at = (uint64_t)places[i].at;
	}
	for (unsigned i = 0; i < count; i++)
		CHECK(*places[i].at == (uint64_t)places[i].at);
	for (unsigned i = count; i-- > 0;)
		*places[i].at = places[i].was;

	uint64_t want = cmdline_number("mib", 0) * MIB;
	CHECK(total <= want && total + MIB >= want);
	print("%lu KiB of RAM\n", total >> 10);
}
