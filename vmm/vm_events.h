/* SPDX-License-Identifier: Apache-2.0 */
/* vm_events.h - the events of a VM that are not a pause's (pause_tell()) */
#ifndef MUSTER_VMM_VM_EVENTS_H
#define MUSTER_VMM_VM_EVENTS_H

#include "vmm/events.h"
#include "vmm/vm.h"
#include "vmm/vm_ops.h"

/* How the run of the VM ended, which is the last that is heard of it. */
void vm_tell_end(struct events *events, const struct vm_result *result);

/* That these files are there now. */
void vm_tell_snapshot(
	struct events *events, const struct vm_snapshot_args *args);

/*
 * What went wrong with a device, in a phrase.  Any thread; a guest may bring it about
 * as often as it likes.
 */
void vm_tell_device_error(
	struct events *events, const char *device, const char *why);

#endif
