/* SPDX-License-Identifier: Apache-2.0 */
/* memkit.h - guest memory with known bytes here and there, and its memory files */
#ifndef MUSTER_TESTS_UNIT_MEMKIT_H
#define MUSTER_TESTS_UNIT_MEMKIT_H

#include "tests/unit/unit.h"

#include "vmm/memfile.h"

/* Beyond the gap, ending within a chunk: 5 GiB and a bit, hardly any of it used. */
#define KIT_RAM (5 * GIB + 3 * MEM_PAGE_SIZE)

extern char kit_folder[32];

/* A path in the folder of the running test. */
struct kit_path {
	char s[64];
};
struct kit_path kit_path(const char *name);

int kit_setup(void **state);
int kit_teardown(void **state); /* removes the folder and what is in it */

/* What every page of `mem` holds is a function of its number and a seed. */
void kit_fill(const struct mem *mem, uint64_t page, unsigned seed);
void kit_clear(const struct mem *mem, uint64_t page);
bool kit_holds(const struct mem *mem, uint64_t page, unsigned seed);

/* Pages at every edge: of chunks, regions, words of a bitmap, and some at random. */
#define KIT_PAGES 24
#define KIT_SEEDS 8
void kit_pages(uint64_t ram_bytes, unsigned seed, uint64_t ret[KIT_PAGES]);
void kit_fill_pages(const struct mem *mem, unsigned seed);

/* Write and commit; fails the test otherwise.  `base` NULL: a full one. */
struct memfile_stats kit_save(const char *name, const struct mem *mem,
	const struct memfile *source, unsigned id, const unsigned *base);
struct memfile_id kit_id(unsigned id);

/* Fails the test if a page differs that either wrote, or that kit_pages() names. */
void kit_same(const struct mem *a, const struct mem *b);

/*
 * A VM whose KVM logs writes to `mem`; -1, and the test must skip, without KVM.
 * What the kit writes is marked as a device's writes are.
 */
int kit_track(struct mem *mem);

/* Open a memory file and map it. */
void kit_load(
	const char *name, unsigned id, struct memfile *file, struct mem *mem);

/* Blocks that a file takes, in bytes. */
uint64_t kit_room(const char *name);

/* Does the sentence hold all of these?  The last is NULL. */
void kit_says(const char *first, ...);

#endif
