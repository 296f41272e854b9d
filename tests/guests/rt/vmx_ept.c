// SPDX-License-Identifier: Apache-2.0
/* vmx_ept.c - the first GiB of the guest's memory, where we see it, in 2 MiB pages */
#include "tests/guests/rt/vmx.h"

#define EPT_READ_WRITE_EXECUTE 7
#define EPT_LEAF_WRITE_BACK    (1u << 7 | 6u << 3)
#define PAGE_2M                (2ull << 20)
#define ENTRIES                512

static uint64_t pml4[ENTRIES] ALIGNED(4096);
static uint64_t pdpt_low[ENTRIES] ALIGNED(4096);
static uint64_t pd[ENTRIES] ALIGNED(4096);

uint64_t vmx_ept_pointer(void)
{
	pml4[0] = (uint64_t)pdpt_low | EPT_READ_WRITE_EXECUTE;
	pdpt_low[0] = (uint64_t)pd | EPT_READ_WRITE_EXECUTE;
	for (unsigned i = 0; i < ENTRIES; i++)
		pd[i] = i * PAGE_2M | EPT_LEAF_WRITE_BACK |
			EPT_READ_WRITE_EXECUTE;
	return (uint64_t)pml4 | EPTP_WB | EPTP_WALK_4;
}
