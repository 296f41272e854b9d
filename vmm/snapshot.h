/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - write a VM that stands still into two files
 *
 * The state file holds everything but RAM (snapshot_file.h), the memory file RAM
 * (memfile.h); an id that both bear says that they belong together.  Either both
 * new files are there or both old ones are whole, whatever happens: the rename of
 * the state file is the moment at which the new ones count.
 *
 * Control thread only.
 */
#ifndef MUSTER_VMM_SNAPSHOT_H
#define MUSTER_VMM_SNAPSHOT_H

#include "vmm/core/state.h"
#include "vmm/memfile.h"
#include "vmm/snapshot_file.h"
#include "vmm/vm_ops.h"

struct vm;

/* What snapshots of a VM's RAM follow on. */
struct snapshot_lineage {
	bool known; /* there is a snapshot that a diff can be based on */
	struct memfile_id id;
	struct memfile source; /* what RAM is mapped from, or without a file */
};

/* The section "memory": which memory file belongs to the state. */
struct snapshot_memory {
	uint64_t ram_bytes;
	struct memfile_id id;
};

extern const struct state_desc snapshot_memory_desc;

/*
 * Hold the VM, write it, let it go; a VM that was paused stays so.  0, or -errno
 * with a sentence: then the files are as they were, and what a diff would hold is
 * remembered.
 */
int vm_snapshot(struct vm *vm, const struct vm_snapshot_args *args);

/* Append the whole state file of a VM that is held.  0 or -errno with a sentence. */
int snapshot_put_state(
	struct vm *vm, const struct memfile_id *id, struct buf *out);

/*
 * Read the whole file at `path` into *ret_bytes and take it apart; the sections
 * point into the bytes.  -errno with a sentence.
 */
int snapshot_read(const char *label, const char *path, struct buf *ret_bytes,
	struct snapshot_file *ret);

#endif
