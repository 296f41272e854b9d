/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_guard.h - guest memory whose file is cut short while it is mapped
 *
 * A page that the file has lost raises SIGBUS in the thread that touches it, and is
 * an error of KVM_RUN in a vCPU's.  The guard gives such a thread zeros in its place
 * and has the control loop end the VM, so that the terminal, the disks and the
 * clients are left as they should be.
 *
 * A process has one VM, and one guard.
 */
#ifndef MUSTER_VMM_MEMORY_GUARD_H
#define MUSTER_VMM_MEMORY_GUARD_H

#include "vmm/core/loop.h"
#include "vmm/core/mem.h"

struct memory_guard {
	int file;       /* borrowed */
	uint64_t bytes; /* that it must have */
	int event;      /* written by the signal handler; -1: no guard */
	struct loop *loop;
	struct loop_watch watch;
	void (*cut)(void *owner);
	void *owner;
};

#define MEMORY_GUARD_INIT    \
	{                    \
		.event = -1, \
	}

/*
 * Take SIGBUS for `mem`, mapped from `file`; others go where they went before.
 * cut() is called on `loop` for a page that was lost.  0 or -errno with a sentence.
 */
int memory_guard_init(struct memory_guard *guard, const struct mem *mem,
	int file, struct loop *loop, void (*cut)(void *owner), void *owner);

/* Has the file lost pages?  Any thread. */
bool memory_guard_is_cut(const struct memory_guard *guard);

/* When no thread touches the memory any more; one that was not made is fine. */
void memory_guard_fini(struct memory_guard *guard);

#endif
