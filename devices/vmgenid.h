/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmgenid.h - the VM generation id, by which a guest learns that it is a copy
 *
 * 16 random bytes at LOWMEM_VMGENID, which the DSDT names: every start and
 * every restore has others.  A guest that is told of a new id throws away what
 * must not be used twice; Linux reseeds its random numbers.  (Microsoft, "Virtual
 * Machine Generation ID", 2012.)
 *
 * It keeps no state: the id lies in guest memory, and a snapshot's is not to be
 * seen again.  Not thread-safe: its functions are called while no vCPU runs.
 */
#ifndef MUSTER_DEVICES_VMGENID_H
#define MUSTER_DEVICES_VMGENID_H

#include "vmm/core/mem.h"

#define VMGENID_BYTES 16

struct vmgenid {
	const struct mem *mem; /* borrowed */
	int vm_fd;             /* borrowed */
};

/* Write the first id.  0 or -errno with a sentence. */
int vmgenid_init(struct vmgenid *vmgenid, const struct mem *mem, int vm_fd);

/*
 * Write another id and raise its interrupt: the guest finds it pending when it
 * runs.  In a restored VM after the I/O APIC's and every local APIC's state was
 * loaded, which would drop it.  Where no driver listens, the pin is masked and
 * nothing happens.  0 or -errno with a sentence.
 */
int vmgenid_renew(struct vmgenid *vmgenid);

#endif
