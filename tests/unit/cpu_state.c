/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_state.c - vCPUs and KVM's part of the machine, saved on one VM, loaded on another */
#include "cpu/cpu_state.h"

#include <stdlib.h>
#include <time.h>

#include "cpu/x86_64/vcpu_state.h"
#include "tests/unit/cpu_vm.h"
#include "tests/unit/unit.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

static struct cpu_vm from, to;

/* What is compared: all of it, as it would be in a file. */
struct machine_state {
	struct cpu_vcpu_state vcpu[CPU_VM_CPUS];
	struct cpu_vm_state vm;
};

static void ok(int rc)
{
	if (rc < 0)
		fail_msg("%s", err_describe(rc));
}

static int open_vms(void **state)
{
	(void)state;
	if (!cpu_vm_open(&from, NULL))
		return 0;
	cpu_vm_open(&to, NULL);
	return 0;
}

static int close_vms(void **state)
{
	(void)state;
	cpu_vm_close(&from);
	cpu_vm_close(&to);
	return 0;
}

static void save(struct cpu_vm *vm, struct machine_state *ret)
{
	ok(cpu_clock_stop(vm->clock));
	for (unsigned i = 0; i < CPU_VM_CPUS; i++)
		ok(cpu_vcpu_save(vm->model, vm->clock, i, &ret->vcpu[i]));
	ok(cpu_vm_save(vm->clock, &ret->vm));
}

static void load(struct cpu_vm *vm, const struct machine_state *s,
	enum clock_policy policy)
{
	for (unsigned i = 0; i < CPU_VM_CPUS; i++)
		ok(cpu_vcpu_load(vm->model, vm->clock, i, &s->vcpu[i]));
	ok(cpu_vm_load(vm->clock, &s->vm, policy));
}

static void fini(struct machine_state *s)
{
	for (unsigned i = 0; i < CPU_VM_CPUS; i++)
		state_fini(&cpu_vcpu_state_desc, &s->vcpu[i]);
}

static void expect_same(
	const struct state_desc *desc, const void *a, const void *b)
{
	struct buf names = BUF_INIT;

	if (!state_diff(desc, a, b, &names))
		return;
	buf_u8(&names, 0);
	fail_msg("%s differs: %s", desc->name, (char *)names.data);
}

static void expect_same_machine(
	const struct machine_state *a, const struct machine_state *b)
{
	for (unsigned i = 0; i < CPU_VM_CPUS; i++)
		expect_same(&cpu_vcpu_state_desc, &a->vcpu[i], &b->vcpu[i]);
	expect_same(&cpu_vm_state_desc, &a->vm, &b->vm);
}

static void put_msr(struct cpu_vm *vm, uint32_t msr, uint64_t value)
{
	if (msr_write(vm->vcpu_fd[0], msr, value))
		fail_msg("MSR %#x", msr);
}

static uint64_t get_msr(const struct cpu_vcpu_state *s, uint32_t msr)
{
	for (unsigned i = 0; i < s->msr_count; i++)
		if (s->msrs[i].index == msr)
			return s->msrs[i].value;
	fail_msg("MSR %#x is not saved", msr);
	return 0;
}

/* Something in every part of the state that a vCPU that never ran can have. */
static void fill_registers(struct cpu_vm *vm)
{
	struct kvm_regs regs = { .rax = 1, .rip = 0x1234, .rflags = 2 };
	struct kvm_debugregs debug = {
		.db = { 0x1000, 0x2000 }, .dr6 = 0xffff0ff0, .dr7 = 0x400
	};
	struct kvm_xsave xsave = { 0 };
	struct kvm_sregs sregs;

	cpu_vm_ioctl(vm, KVM_SET_REGS, &regs);
	cpu_vm_ioctl(vm, KVM_GET_SREGS, &sregs);
	sregs.cr2 = 0x5678;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	cpu_vm_ioctl(vm, KVM_SET_SREGS, &sregs);
	cpu_vm_ioctl(vm, KVM_SET_DEBUGREGS, &debug);
	xsave.region[0] = 0x37f;   /* FCW */
	xsave.region[6] = 0x1f80;  /* MXCSR */
	xsave.region[40] = 0xabcd; /* XMM0 */
	xsave.region[128] = 3;     /* XSTATE_BV */
	cpu_vm_ioctl(vm, KVM_SET_XSAVE, &xsave);
}

static void fill_interrupts(struct cpu_vm *vm)
{
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp = { KVM_MP_STATE_HALTED };
	struct kvm_irqchip ioapic = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_pit_state2 pit;

	cpu_vm_ioctl(vm, KVM_GET_VCPU_EVENTS, &events);
	events.nmi.masked = 1;
	cpu_vm_ioctl(vm, KVM_SET_VCPU_EVENTS, &events);
	cpu_vm_ioctl(vm, KVM_SET_MP_STATE, &mp);
	ok(kvm_ioctl(vm->fd, KVM_GET_IRQCHIP, &ioapic));
	ioapic.chip.ioapic.redirtbl[5].bits = 0x10031;
	ok(kvm_ioctl(vm->fd, KVM_SET_IRQCHIP, &ioapic));
	ok(kvm_ioctl(vm->fd, KVM_GET_PIT2, &pit));
	pit.channels[2].mode = 3;
	pit.channels[2].count = 1193;
	ok(kvm_ioctl(vm->fd, KVM_SET_PIT2, &pit));
}

static void fill(struct cpu_vm *vm)
{
	fill_registers(vm);
	fill_interrupts(vm);
	put_msr(vm, 0x174, 0x10);            /* SYSENTER_CS */
	put_msr(vm, 0x200, 0xc0000006);      /* MTRRphysBase0 */
	put_msr(vm, 0xc0000082, 0xffff1234); /* LSTAR */
	put_msr(vm, 0x4b564d05, 0);          /* poll control */
}

/* ---- the way of a snapshot ---- */

static void what_is_saved_and_loaded_is_saved_the_same(void **state)
{
	struct machine_state a = { 0 }, b = { 0 };

	NEED_KVM(&from);
	fill(&from);
	save(&from, &a);
	load(&to, &a, CLOCK_KEEP);
	save(&to, &b);
	expect_same_machine(&a, &b);
	assert_int_equal(b.vcpu[0].regs.rip, 0x1234);
	assert_int_equal(b.vcpu[0].sregs.cr2, 0x5678);
	assert_int_equal(b.vcpu[0].mp_state, KVM_MP_STATE_HALTED);
	assert_int_equal(b.vm.ioapic.redirtbl[5].bits, 0x10031);
	fini(&a);
	fini(&b);
	ok(cpu_clock_start(from.clock));
	ok(cpu_clock_start(to.clock));
}

static void the_state_survives_its_encoding(void **state)
{
	struct machine_state a = { 0 }, b = { 0 };
	struct buf file = BUF_INIT;

	NEED_KVM(&from);
	fill(&from);
	save(&from, &a);
	state_save(&cpu_vcpu_state_desc, &a.vcpu[0], &file);
	ok(state_load(&cpu_vcpu_state_desc, cpu_vcpu_state_desc.version,
		file.data, file.len, &b.vcpu[0]));
	expect_same(&cpu_vcpu_state_desc, &a.vcpu[0], &b.vcpu[0]);
	buf_fini(&file);
	fini(&a);
	fini(&b);
	ok(cpu_clock_start(from.clock));
}

static void msrs_of_guests_are_saved_and_those_of_the_model_are_not(
	void **state)
{
	struct machine_state a = { 0 };

	NEED_KVM(&from);
	fill(&from);
	save(&from, &a);
	assert_int_equal(get_msr(&a.vcpu[0], 0x174), 0x10);
	assert_int_equal(get_msr(&a.vcpu[0], 0x200), 0xc0000006);
	assert_int_equal(get_msr(&a.vcpu[0], 0xc0000082), 0xffff1234);
	assert_int_equal(get_msr(&a.vcpu[0], 0x4b564d05), 0);
	for (unsigned i = 0; i < a.vcpu[0].msr_count; i++) {
		uint32_t msr = a.vcpu[0].msrs[i].index;

		assert_true(msr != MSR_TSC && msr != MSR_TSC_DEADLINE);
		assert_true(msr != 0x10a && msr != 0x8b && msr != 0xc0000080);
		assert_true(!i || msr > a.vcpu[0].msrs[i - 1].index);
	}
	fini(&a);
	ok(cpu_clock_start(from.clock));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_saved_and_loaded_is_saved_the_same),
		cmocka_unit_test(the_state_survives_its_encoding),
		cmocka_unit_test(
			msrs_of_guests_are_saved_and_those_of_the_model_are_not),
	};

	return cmocka_run_group_tests_name(
		"cpu_state", tests, open_vms, close_vms);
}
