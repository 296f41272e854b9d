/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance.h - the one VM of a process: before it exists, and while it runs
 */
#ifndef MUSTER_VMM_INSTANCE_H
#define MUSTER_VMM_INSTANCE_H

#include "vmm/control.h"
#include "vmm/microcode.h"
#include "vmm/vm_parts.h"
#include "vmm/vm_ops.h"

struct instance {
	struct control *control;
	const struct vm_server *server;
	void *served; /* the server's; NULL: nobody is served */

	struct vm *vm; /* NULL: not started */
	struct restore restore;
	struct vm_config *config; /* of the VM, or NULL */
	struct vm_config own;     /* if it came by vm_ops.start */
	struct microcode microcode;
};

/* vm_ops.start; after an error there is no VM, and *config is the caller's. */
int instance_start(struct instance *instance, struct vm_config *config);

#endif
