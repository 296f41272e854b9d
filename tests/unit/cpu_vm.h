/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_vm.h - a VM of the real KVM with vCPUs that need not run */
#ifndef MUSTER_TESTS_CPU_VM_H
#define MUSTER_TESTS_CPU_VM_H

#include <linux/kvm.h>
#include <stdio.h>

#include "cpu/x86_64/vcpu_state.h"
#include "vmm/core/kvm.h"
#include "vmm/core/mem.h"

#define CPU_VM_CPUS 2

struct cpu_vm {
	int kvm_fd, fd;
	int vcpu_fd[CPU_VM_CPUS];
	struct kvm_run *run[CPU_VM_CPUS];
	struct mem mem;
	struct cpu_model *model;
	struct cpu_clock *clock;
};

/* With the host's CPU where `model` is NULL; false: there is no KVM here. */
bool cpu_vm_open(struct cpu_vm *vm, struct cpu_model *model);
void cpu_vm_close(struct cpu_vm *vm);

/* What a snapshot keeps of such a VM. */
struct machine_state {
	struct cpu_vcpu_state vcpu[CPU_VM_CPUS];
	struct cpu_vm_state vm;
};

/* Into zeros; stops the clock. */
void machine_save(struct cpu_vm *vm, struct machine_state *ret);
void machine_load(struct cpu_vm *vm, const struct machine_state *s,
	enum clock_policy policy);
void machine_fini(struct machine_state *s);

/* Fails with the sentence, if there is one. */
void ok(int rc);

/* What an ioctl of the first vCPU must answer with success. */
void cpu_vm_ioctl(const struct cpu_vm *vm, unsigned long request, void *arg);

#define NEED_KVM(vm)                                                       \
	do {                                                               \
		(void)state;                                               \
		if ((vm)->fd < 0) {                                        \
			printf("skipped, " KVM_DEVICE " is missing: %s\n", \
				__func__);                                 \
			skip();                                            \
		}                                                          \
	} while (0)

#endif
