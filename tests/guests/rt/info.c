// SPDX-License-Identifier: Apache-2.0
/* info.c - what the monitor told us: PVH start info; and memory beyond 4 GiB */
#include "tests/guests/rt/rt.h"

#define PDS_MAX     16
#define PTE_TABLE   0x67
#define PTE_PAGE_2M 0xe7
#define PAGE_2M     (2ull << 20)

/* Xen's public/arch-x86/hvm/start_info.h, version 1. */
struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t module_count;
	uint64_t modules;
	uint64_t cmdline;
	uint64_t rsdp;
	uint64_t memmap;
	uint32_t memmap_count;
	uint32_t reserved;
};

#define START_INFO_MAGIC 0x336ec578

extern uint64_t hvm_start;
extern uint64_t pdpt[512];

static uint64_t spare_pds[PDS_MAX][512] ALIGNED(4096);
static unsigned spare_used;

static const struct start_info *start_info(void)
{
	const struct start_info *info = (void *)hvm_start;

	CHECK(info->magic == START_INFO_MAGIC);
	CHECK(info->version >= 1);
	return info;
}

unsigned memmap(const struct memmap_entry **ret)
{
	const struct start_info *info = start_info();

	*ret = (const void *)info->memmap;
	return info->memmap_count;
}

const char *cmdline(void)
{
	uint64_t at = start_info()->cmdline;

	return at ? (const char *)at : "";
}

void *module(uint64_t *ret_bytes)
{
	const struct start_info *info = start_info();
	const struct {
		uint64_t address, bytes;
	} *first = (void *)info->modules;

	if (!info->module_count)
		return NULL;
	map_gib(first->address);
	*ret_bytes = first->bytes;
	return (void *)first->address;
}

static const char *after(const char *s, const char *prefix)
{
	while (*prefix && *s == *prefix)
		s++, prefix++;
	return *prefix ? NULL : s;
}

unsigned cmdline_number(const char *name, unsigned fallback)
{
	unsigned v = 0;

	for (const char *s = cmdline(); *s; s++) {
		const char *p = after(s, name);

		if (!p || *p != '=')
			continue;
		while (*++p >= '0' && *p <= '9')
			v = v * 10 + (unsigned)(*p - '0');
		return v;
	}
	return fallback;
}

/* An entry that was not present needs no flush (SDM volume 3, 4.10.2.3). */
void map_gib(uint64_t addr)
{
	uint64_t gib = addr / GIB;
	uint64_t *pd;

	CHECK(gib < ARRAY_SIZE(pdpt));
	if (pdpt[gib])
		return;
	CHECK(spare_used < PDS_MAX);
	pd = spare_pds[spare_used++];
	for (unsigned i = 0; i < 512; i++)
		pd[i] = (gib * GIB + i * PAGE_2M) | PTE_PAGE_2M;
	*(volatile uint64_t *)&pdpt[gib] = (uint64_t)pd | PTE_TABLE;
}
