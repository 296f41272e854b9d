/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.c - GDT and identity page tables for an entry in long mode
 *
 * Linux (x86/boot.rst, 64-bit boot protocol) wants flat segments at __BOOT_CS
 * 0x10 and __BOOT_DS 0x18, and everything it is handed mapped one to one.  4 GiB
 * in 2 MiB pages, which every x86-64 CPU has, cover all that is handed over.
 */
#include "boot/x86_64/entry.h"

#include <errno.h>

#include "vmm/core/machine.h"

#define TABLE_ENTRIES    512
#define DIRECTORIES      4 /* page directories of 1 GiB each */

/* SDM 3A, 4.5: bits of a paging-structure entry. */
#define PTE_PRESENT      BIT64(0)
#define PTE_WRITE        BIT64(1)
#define PTE_LARGE        BIT64(7)
#define LARGE_PAGE_BYTES (2 * MIB)

struct page_tables {
	uint64_t pml4[TABLE_ENTRIES];
	uint64_t pdpt[TABLE_ENTRIES];
	uint64_t directory[DIRECTORIES][TABLE_ENTRIES];
};

/* SDM 3A, 3.4.5: base 0, limit 4 GiB, present, accessed. */
static const uint64_t gdt[] = {
	[0x10 / 8] = 0x00af9b000000ffff, /* 64-bit code, execute and read */
	[0x18 / 8] = 0x00cf93000000ffff, /* data, read and write */
};

_Static_assert(LOWMEM_GDT + sizeof(gdt) <= LOWMEM_START_INFO, "GDT");
_Static_assert(
	LOWMEM_PAGE_TABLES + sizeof(struct page_tables) <= LOWMEM_CMDLINE,
	"page tables");

int entry_write_long_mode(const struct mem *mem)
{
	const uint64_t link = PTE_PRESENT | PTE_WRITE;
	const uint64_t pdpt_at = LOWMEM_PAGE_TABLES +
				 offsetof(struct page_tables, pdpt);
	struct page_tables tables = { .pml4[0] = pdpt_at | link };

	for (unsigned d = 0; d < DIRECTORIES; d++) {
		tables.pdpt[d] = (LOWMEM_PAGE_TABLES +
					 offsetof(struct page_tables,
						 directory[d])) |
				 link;
		for (unsigned i = 0; i < TABLE_ENTRIES; i++)
			tables.directory[d][i] = (d * GIB +
							 i * LARGE_PAGE_BYTES) |
						 link | PTE_LARGE;
	}
	if (mem_write(mem, GPA(LOWMEM_PAGE_TABLES), &tables, sizeof(tables)) <
		0)
		return -EFAULT;
	return mem_write(mem, GPA(LOWMEM_GDT), gdt, sizeof(gdt));
}
