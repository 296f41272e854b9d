/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_vm.h - a VM of the real KVM with vCPUs that need not run */
#ifndef MUSTER_TESTS_CPU_VM_H
#define MUSTER_TESTS_CPU_VM_H

#include <linux/kvm.h>
#include <stdio.h>

#include "cpu/cpu.h"
#include "cpu/cpu_clock.h"
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
