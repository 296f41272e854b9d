/* SPDX-License-Identifier: Apache-2.0 */
/* vm_ops.c - the controls of a VM, by its parts */
#include "vmm/vm_ops.h"

#include "vmm/snapshot.h"
#include "vmm/vm_parts.h"

const char *const vm_state_names[VM_STATES] = {
	[VM_NOT_STARTED] = "Not started",
	[VM_RUNNING] = "Running",
	[VM_PAUSED] = "Paused",
};

static void status(const struct vm *vm, struct vm_status *ret)
{
	*ret = (struct vm_status){
		.state = pause_held(&vm->pause) ? VM_PAUSED : VM_RUNNING,
		.owners = pause_owners(&vm->pause),
	};
}

static int hold(struct vm *vm)
{
	return pause_hold(&vm->pause, PAUSE_USER, PAUSE_DEADLINE_NS);
}

static int release(struct vm *vm)
{
	return pause_release(&vm->pause, PAUSE_USER);
}

const struct vm_ops vm_ops = {
	.status = status,
	.pause = hold,
	.resume = release,
	.snapshot = vm_snapshot,
};
