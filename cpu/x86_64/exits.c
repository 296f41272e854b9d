/* SPDX-License-Identifier: Apache-2.0 */
/* exits.c - port I/O, MSRs that are denied, and what a vCPU looked like when it could not go on */
#include "cpu/cpu.h"

#include <inttypes.h>

#include "vmm/core/kvm.h"

static void port_io(struct kvm_run *run, const struct bus *ports)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;

	/* INS and OUTS with REP come as one exit of `count` accesses. */
	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_OUT)
			bus_write(ports, run->io.port, data, run->io.size);
		else
			bus_read(ports, run->io.port, data, run->io.size);
	}
}

/* Once one MSR exits, all that the filter denies do (KVM API, 4.97). */
bool cpu_exit(struct kvm_run *run, const struct bus *ports)
{
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		port_io(run, ports);
		return true;
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
		run->msr.error = 1;
		return true;
	default:
		return false;
	}
}

void cpu_vcpu_dump(int vcpu_fd, struct buf *out)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	if (kvm_ioctl(vcpu_fd, KVM_GET_REGS, &r) < 0 ||
		kvm_ioctl(vcpu_fd, KVM_GET_SREGS, &s) < 0)
		return;
	buf_printf(out,
		"rip %" PRIx64 " rsp %" PRIx64 " rflags %" PRIx64
		" cs %x cr0 %" PRIx64 " cr2 %" PRIx64 " cr3 %" PRIx64
		" cr4 %" PRIx64 " efer %" PRIx64,
		(uint64_t)r.rip, (uint64_t)r.rsp, (uint64_t)r.rflags,
		s.cs.selector, (uint64_t)s.cr0, (uint64_t)s.cr2,
		(uint64_t)s.cr3, (uint64_t)s.cr4, (uint64_t)s.efer);
}
