/* SPDX-License-Identifier: Apache-2.0 */
/* drive.h - change a disk of a VM while its guest uses it */
#ifndef MUSTER_VMM_DRIVE_H
#define MUSTER_VMM_DRIVE_H

#include "vmm/vm_ops.h"

struct vm;
struct vm_config;

/*
 * The control thread's.  `config` is what the VM was made from, and is changed as
 * well.  0, or -errno with a sentence in the words of the API; then nothing is.
 */
int vm_change_drive(struct vm *vm, struct vm_config *config,
	const struct vm_drive_change *change);

#endif
