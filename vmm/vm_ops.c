/* SPDX-License-Identifier: Apache-2.0 */
/* vm_ops.c - the controls of a VM, by its parts */
#include "vmm/vm_ops.h"

#include "cpu/cpu_state.h"
#include "vmm/drive.h"
#include "vmm/instance.h"
#include "vmm/snapshot.h"
#include "vmm/vm_events.h"

const char *const vm_state_names[VM_STATES] = {
	[VM_NOT_STARTED] = "Not started",
	[VM_RUNNING] = "Running",
	[VM_PAUSED] = "Paused",
};

static void status(const struct instance *in, struct vm_status *ret)
{
	*ret = (struct vm_status){ .state = VM_NOT_STARTED };
	if (!in->vm)
		return;
	ret->state = pause_held(&in->vm->pause) ? VM_PAUSED : VM_RUNNING;
	ret->owners = pause_owners(&in->vm->pause);
}

static const struct vm_config *config_of(const struct instance *in)
{
	return in->vm ? in->config : NULL;
}

static int cpu_of(const struct instance *in, struct vm_cpu *ret)
{
	const struct vm *vm = in->vm;

	*ret = (struct vm_cpu){
		.microcode = cpu_model_microcode(vm->model),
	};
	return cpu_model_save(vm->model, vm->clock, &ret->template);
}

static int hold(struct instance *in)
{
	return pause_hold(&in->vm->pause, PAUSE_USER, PAUSE_DEADLINE_NS);
}

static int release(struct instance *in)
{
	return pause_release(&in->vm->pause, PAUSE_USER);
}

static int ctrl_alt_del(struct instance *in)
{
	return i8042_ctrl_alt_del(&in->vm->devices.i8042);
}

static int snapshot(struct instance *in, const struct vm_snapshot_args *args)
{
	int rc = vm_snapshot(in->vm, args);

	if (!rc)
		vm_tell_snapshot(&in->control->events, args);
	return rc;
}

static int change_drive(
	struct instance *in, const struct vm_drive_change *change)
{
	return vm_change_drive(in->vm, in->config, change);
}

const struct vm_ops vm_ops = {
	.status = status,
	.config = config_of,
	.start = instance_start,
	.cpu = cpu_of,
	.microcode = {
		[MICROCODE_PREPARE] = microcode_prepare,
		[MICROCODE_HOLD] = microcode_hold,
		[MICROCODE_RELEASE] = microcode_release,
	},
	.pause = hold,
	.resume = release,
	.ctrl_alt_del = ctrl_alt_del,
	.snapshot = snapshot,
	.change_drive = change_drive,
};
