/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_vm.c - a VM of the real KVM with vCPUs that need not run */
#include "tests/unit/cpu_vm.h"

#include <sys/mman.h>

#include "tests/unit/unit.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

#define MEMORY_BYTES (4 * MIB)

void ok(int rc)
{
	if (rc < 0)
		fail_msg("%s", err_describe(rc));
}

static void open_vcpu(struct cpu_vm *vm, unsigned i)
{
	int bytes = kvm_ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);

	vm->vcpu_fd[i] = kvm_ioctl_val(vm->fd, KVM_CREATE_VCPU, i);
	assert_true(vm->vcpu_fd[i] >= 0);
	vm->run[i] = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED, vm->vcpu_fd[i], 0);
	assert_true(vm->run[i] != MAP_FAILED);
}

bool cpu_vm_open(struct cpu_vm *vm, struct cpu_model *model)
{
	const struct cpu_options options = { .cpus = CPU_VM_CPUS,
		.cpu = "host" };

	*vm = (struct cpu_vm){ .fd = -1 };
	if (kvm_open(KVM_DEVICE, &vm->kvm_fd))
		return false;
	if (!model)
		ok(cpu_model_new(vm->kvm_fd, &options, &model));
	vm->model = model;
	ok(kvm_create_vm(vm->kvm_fd, &vm->fd));
	ok(mem_init(&vm->mem, MEMORY_BYTES));
	ok(mem_map(&vm->mem, vm->fd));
	ok(cpu_vm_init(vm->kvm_fd, vm->fd));
	for (unsigned i = 0; i < CPU_VM_CPUS; i++)
		open_vcpu(vm, i);
	ok(cpu_model_settle(model, vm->kvm_fd, vm->fd, vm->vcpu_fd[0]));
	for (unsigned i = 0; i < CPU_VM_CPUS; i++)
		ok(cpu_vcpu_init(vm->vcpu_fd[i], model, i));
	ok(cpu_clock_new(vm->fd, vm->vcpu_fd, CPU_VM_CPUS, &vm->clock));
	return true;
}

void cpu_vm_close(struct cpu_vm *vm)
{
	int bytes;

	if (vm->fd < 0)
		return;
	bytes = kvm_ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	cpu_clock_free(vm->clock);
	for (unsigned i = 0; i < CPU_VM_CPUS; i++) {
		munmap(vm->run[i], (size_t)bytes);
		close_fd(vm->vcpu_fd[i]);
	}
	cpu_model_free(vm->model);
	mem_fini(&vm->mem);
	close_fd(vm->fd);
	close_fd(vm->kvm_fd);
	vm->fd = -1;
}

void cpu_vm_ioctl(const struct cpu_vm *vm, unsigned long request, void *arg)
{
	int rc = kvm_ioctl(vm->vcpu_fd[0], request, arg);

	if (rc < 0)
		fail_msg("ioctl %#lx: %d", request, rc);
}

void machine_save(struct cpu_vm *vm, struct machine_state *ret)
{
	ok(cpu_clock_stop(vm->clock));
	for (unsigned i = 0; i < CPU_VM_CPUS; i++)
		ok(cpu_vcpu_save(vm->model, vm->clock, i, &ret->vcpu[i]));
	ok(cpu_vm_save(vm->clock, &ret->vm));
}

void machine_load(struct cpu_vm *vm, const struct machine_state *s,
	enum clock_policy policy)
{
	for (unsigned i = 0; i < CPU_VM_CPUS; i++)
		ok(cpu_vcpu_load(vm->model, vm->clock, i, &s->vcpu[i]));
	ok(cpu_vm_load(vm->clock, &s->vm, policy));
}

void machine_fini(struct machine_state *s)
{
	for (unsigned i = 0; i < CPU_VM_CPUS; i++)
		state_fini(&cpu_vcpu_state_desc, &s->vcpu[i]);
}
