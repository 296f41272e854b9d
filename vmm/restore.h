/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore.h - make a VM from a snapshot
 *
 * restore_open() reads the state file and completes the configuration; vm_build()
 * then makes the machine with the steps below in place of those that boot.
 */
#ifndef MUSTER_VMM_RESTORE_H
#define MUSTER_VMM_RESTORE_H

#include "vmm/config.h"
#include "vmm/snapshot.h"
#include "vmm/snapshot_file.h"

struct vm;

struct restore {
	struct buf bytes; /* of the state file */
	struct snapshot_file file;
	struct snapshot_memory memory;
};

/*
 * Read what config->restore names, and fill in what the machine is: disks
 * re-pointed, everything checked that needs no host.  0 or -errno with a sentence;
 * `ret` needs restore_fini() in any case.
 */
int restore_open(struct vm_config *config, struct restore *ret);
void restore_fini(struct restore *restore);

/* ---- steps of vm_build(), in this order; 0 or -errno with a sentence ---- */

int restore_cpu_model(struct vm *vm);
int restore_memory(struct vm *vm);
int restore_watch_handler(struct vm *vm);
int restore_state(struct vm *vm);

/* End the VM when its memory file is cut short; no-op without one. */
int restore_guard_memory(struct vm *vm);

/* Report that it was.  Any thread; takes a struct vm. */
void restore_memory_cut(void *vm);

#endif
