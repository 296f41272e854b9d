/* SPDX-License-Identifier: Apache-2.0 */
/* vm_server.h - the control socket of a VM, for vm_run() */
#ifndef MUSTER_API_VM_SERVER_H
#define MUSTER_API_VM_SERVER_H

#include "vmm/vm_ops.h"

extern const struct vm_server vm_server;

#endif
