/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu_ucode.h - the microcode that a guest sees, and its attempts to load some
 *
 * cpu/ARCH/ implements this.  The revision that is shown is one of the model; it
 * can change while the machine runs, alone of all that the CPU shows.
 */
#ifndef MUSTER_CPU_CPU_UCODE_H
#define MUSTER_CPU_CPU_UCODE_H

#include <linux/kvm.h>

#include "vmm/core/mem.h"

/* What an update is made for, as the guest sees its CPU. */
struct cpu_ucode_id {
	bool amd;           /* the vendor's format; else Intel's */
	uint32_t signature; /* CPUID.1:EAX */
	uint32_t platforms; /* Intel's processor flags: one bit (SDM 11.11.4) */
};

/* Of a vCPU that is not in KVM_RUN.  0, or -errno with a sentence. */
int cpu_ucode_identify(int vcpu_fd, struct cpu_ucode_id *ret);

/*
 * The revision that a vCPU shows (IA32_BIOS_SIGN_ID, MSR 8BH; AMD's PATCH_LEVEL).
 * On the vCPU's thread, or while it is held.  0 or -errno with a sentence.
 */
int cpu_ucode_get(int vcpu_fd, uint32_t *ret);
int cpu_ucode_set(int vcpu_fd, uint32_t revision);

/*
 * What the guest's own load does: a write to IA32_BIOS_UPDT_TRIG (MSR 79H, SDM vol.
 * 3, 11.11.6) or AMD's PATCH_LOADER (MSR C0010020H).
 */
enum cpu_loader {
	CPU_LOADER_IGNORED, /* nothing, as KVM has it */
	CPU_LOADER_REFUSED, /* #GP */
	CPU_LOADER_EXITS,   /* the vCPU's thread carries it out */
};

/* Such a write. */
struct cpu_load {
	bool amd;        /* to AMD's register; else to Intel's */
	uint64_t header; /* the linear address of the update's header */
};

/*
 * Is this exit one?  Then cpu_loader_end() says what the guest gets before it goes
 * on.
 */
bool cpu_loader_exit(const struct kvm_run *run, struct cpu_load *ret);
void cpu_loader_end(struct kvm_run *run, bool refused);

/*
 * Copy what the guest has at a linear address, by its page tables as they are now,
 * each byte once.  How many bytes there were before the first that is not RAM, at
 * most `len`.  On the vCPU's thread.
 */
size_t cpu_read_linear(int vcpu_fd, const struct mem *mem, uint64_t linear,
	void *to, size_t len);

#endif
