/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem_pages.h - which pages of guest memory were ever written
 *
 * The kernel's page map tells without touching the page, so that looking at a GiB
 * that the guest never used costs neither memory nor reads of the file behind it.
 */
#ifndef MUSTER_CORE_MEM_PAGES_H
#define MUSTER_CORE_MEM_PAGES_H

#include "vmm/core/mem.h"

/* /proc/self/pagemap, opened once for a scan. */
struct mem_pages {
	int fd; /* -1: the host hides it; then every page counts as written */
};

#define MEM_PAGES_BATCH 512 /* pages asked for at once: 2 MiB */

void mem_pages_init(struct mem_pages *pages);
void mem_pages_fini(struct mem_pages *pages);

/*
 * Set ret_written[i] for each of `count` pages at `hva`, which lie in one region, up
 * to MEM_PAGES_BATCH.  Written: it may hold something else than what backs it.
 * MEM_HANDLER: all are, as only reading tells what the handler gives.
 */
void mem_pages_written(const struct mem_pages *pages, const struct mem *mem,
	const uint8_t *hva, unsigned count, bool *ret_written);

#endif
