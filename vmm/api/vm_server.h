/* SPDX-License-Identifier: Apache-2.0 */
/* vm_server.h - the control socket of a VM, for vm_run() */
#ifndef MUSTER_API_VM_SERVER_H
#define MUSTER_API_VM_SERVER_H

#include "vmm/vm_ops.h"

/* The API that is served: what clients look at for what they may ask. */
#define API_VERSION "1.17.0"

extern const struct vm_server vm_server;

#endif
