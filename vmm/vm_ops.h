/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_ops.h - what can be done to a VM that exists, for whoever controls it
 *
 * The functions are the control thread's and return when it is done.
 */
#ifndef MUSTER_VMM_VM_OPS_H
#define MUSTER_VMM_VM_OPS_H

#include "vmm/base/util.h"

struct loop;
struct vm;

enum vm_state { VM_NOT_STARTED, VM_RUNNING, VM_PAUSED, VM_STATES };

extern const char *const vm_state_names[VM_STATES];

struct vm_status {
	enum vm_state state;
	unsigned owners; /* who holds it: BIT(enum pause_owner) */
};

struct vm_snapshot_args {
	const char *state_path;
	const char *memory_path;
	bool diff; /* only what changed since the last one */
};

/*
 * 0, or -errno with a sentence; then the VM is as it was, but for one that resumes:
 * it runs, and the sentence says what of its time is wrong.
 */
struct vm_ops {
	void (*status)(const struct vm *vm, struct vm_status *ret);
	int (*pause)(struct vm *vm);
	int (*resume)(struct vm *vm);
	/* Whether it is paused or not; it is so again afterwards. */
	int (*snapshot)(struct vm *vm, const struct vm_snapshot_args *args);
};

/*
 * Who makes these known on a socket.  vmm/api does, which this layer does not
 * see: the caller of vm_run() hands it in.
 */
struct vm_server {
	/* Serve `vm` at `path` on `loop`; *ret is stop()'s. */
	int (*start)(const char *path, struct loop *loop,
		const struct vm_ops *ops, struct vm *vm, void **ret);
	void (*stop)(void *served); /* NULL is fine */
};

extern const struct vm_ops vm_ops;

#endif
