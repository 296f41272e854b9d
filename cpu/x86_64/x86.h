/* SPDX-License-Identifier: Apache-2.0 */
/* x86.h - what the files of this folder share */
#ifndef MUSTER_CPU_X86_64_X86_H
#define MUSTER_CPU_X86_64_X86_H

#include <linux/kvm.h>

#include "cpu/cpu.h"

/* KVM refuses more entries than this (KVM_MAX_CPUID_ENTRIES). */
#define CPUID_ENTRIES_MAX 256

struct cpuid {
	uint32_t count;
	struct kvm_cpuid_entry2 entry[CPUID_ENTRIES_MAX];
};

/* The entry of a leaf, or NULL; the subleaf counts only where the leaf has any. */
struct kvm_cpuid_entry2 *cpuid_find(
	struct cpuid *cpuid, uint32_t leaf, uint32_t subleaf);

/* EAX, EBX, ECX or EDX of an entry: enum feature_cpuid_reg. */
uint32_t *cpuid_reg(struct kvm_cpuid_entry2 *e, unsigned reg);

/* What KVM supports on this host: KVM_GET_SUPPORTED_CPUID and capabilities. */
int cpuid_get_supported(int kvm_fd, struct cpuid *ret);

/*
 * Describe one package of `cpus` threads, 1 or 2 of them in each core: leaves 1, 4, B,
 * 1F, 8….
 */
int topology_describe(struct cpuid *cpuid, unsigned cpus, unsigned threads);

/* Leave nothing that says that there is a hypervisor (leaves 1, 40000000H…). */
void cpuid_hide_hypervisor(struct cpuid *cpuid);

/* The fields that differ from vCPU to vCPU: its APIC id. */
void topology_set_apic_id(struct cpuid *cpuid, unsigned apic_id);

/* What a vCPU shows (KVM_GET_CPUID2). */
int cpuid_read(int vcpu_fd, struct cpuid *ret);

/* Put what was given in place of what KVM computes while the vCPU runs. */
void cpuid_keep_dynamic(struct cpuid *shown, const struct cpuid *given);

/* One MSR of a vCPU or, to read, of /dev/kvm: 0, -ENOENT where KVM has none. */
int msr_read(int fd, uint32_t msr, uint64_t *ret);
int msr_write(int vcpu_fd, uint32_t msr, uint64_t value);

/* IA32_VMX_BASIC to IA32_VMX_EXIT_CTLS2 (SDM vol. 3, app. A). */
static inline bool msr_is_vmx(uint32_t msr)
{
	return msr >= 0x480 && msr <= 0x493;
}

/* KVM_SET_CPUID2, KVM_SET_MSRS and KVM_SET_LAPIC of a new vCPU. */
int cpuid_apply(int vcpu_fd, const struct cpuid *cpuid);
int msr_init(int vcpu_fd);
int lapic_init(int vcpu_fd);

#endif
