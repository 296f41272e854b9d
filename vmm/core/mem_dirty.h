/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem_dirty.h - which pages changed since the last snapshot
 *
 * One bitmap over all RAM accumulates what KVM logs of vCPUs and what devices write
 * (mem_wrote() in mem.h).  It is emptied only when a snapshot is safe on the disk,
 * so that one that fails loses nothing.  Until mem_dirty_start() nothing is logged
 * and nothing costs anything.
 *
 * Control thread, with the machine held; only mem_wrote() is for any thread.
 */
#ifndef MUSTER_CORE_MEM_DIRTY_H
#define MUSTER_CORE_MEM_DIRTY_H

#include "vmm/core/mem.h"

/*
 * Log from now on; again is harmless.  The bitmap begins with the pages that differ
 * already from the file that memory was mapped from: against that file the first
 * diff of a restored VM is made.  With memory of a handler nobody knows: all pages,
 * so start, and mem_dirty_clear(), before its guest runs.
 */
int mem_dirty_start(struct mem *mem, int vm_fd);

/* Stop and forget; `mem` need not have been started. */
void mem_dirty_stop(struct mem *mem);

/* Add what KVM logged since the last time. */
int mem_dirty_collect(struct mem *mem, int vm_fd);

/* A snapshot is committed: what follows is compared with it. */
void mem_dirty_clear(struct mem *mem);

/* Bit p % 64 of word p / 64 is page p of all RAM (mem_at()); NULL if not started. */
const uint64_t *mem_dirty_bits(const struct mem *mem);
uint64_t mem_dirty_pages(const struct mem *mem);

#endif
