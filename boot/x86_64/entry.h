/* SPDX-License-Identifier: Apache-2.0 */
/* entry.h - the tables that the first vCPU runs on until the kernel has its own */
#ifndef MUSTER_BOOT_X86_64_ENTRY_H
#define MUSTER_BOOT_X86_64_ENTRY_H

#include "vmm/core/mem.h"

/*
 * Write the GDT (LOWMEM_GDT) and page tables that map the first 4 GiB one to one
 * (LOWMEM_PAGE_TABLES).  -EFAULT if low memory is not RAM.
 */
int entry_write_long_mode(const struct mem *mem);

#endif
