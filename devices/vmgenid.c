/* SPDX-License-Identifier: Apache-2.0 */
/* vmgenid.c - write an id into guest memory, tell the guest */
#include "devices/vmgenid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "vmm/base/err.h"
#include "vmm/core/irq.h"
#include "vmm/core/machine.h"

static int write_id(const struct mem *mem)
{
	uint8_t id[VMGENID_BYTES];
	int rc;

	/* So few bytes come whole, once the host's generator is seeded. */
	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		return err_set(-EIO, "VM generation id: getrandom: %s",
			strerror(errno));
	rc = mem_write(mem, GPA(LOWMEM_VMGENID), id, sizeof(id));
	if (rc < 0)
		return err_set(rc,
			"VM generation id: no memory at %#x; give more than "
			"a MiB",
			LOWMEM_VMGENID);
	return 0;
}

int vmgenid_init(struct vmgenid *vmgenid, const struct mem *mem, int vm_fd)
{
	*vmgenid = (struct vmgenid){ .mem = mem, .vm_fd = vm_fd };
	return write_id(mem);
}

int vmgenid_renew(struct vmgenid *vmgenid)
{
	int rc = write_id(vmgenid->mem);

	if (!rc)
		rc = irq_pulse(vmgenid->vm_fd, MACHINE_VMGENID_GSI);
	return rc;
}
