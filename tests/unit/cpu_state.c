/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_state.c - vCPUs and KVM's part of the machine, saved on one VM, loaded on another */
#include <time.h>

#include "tests/unit/cpu_vm.h"
#include "tests/unit/unit.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

static struct cpu_vm from, to;

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
	machine_save(&from, &a);
	machine_load(&to, &a, CLOCK_KEEP);
	machine_save(&to, &b);
	expect_same_machine(&a, &b);
	assert_int_equal(b.vcpu[0].regs.rip, 0x1234);
	assert_int_equal(b.vcpu[0].sregs.cr2, 0x5678);
	assert_int_equal(b.vcpu[0].mp_state, KVM_MP_STATE_HALTED);
	assert_int_equal(b.vm.ioapic.redirtbl[5].bits, 0x10031);
	machine_fini(&a);
	machine_fini(&b);
	ok(cpu_clock_start(from.clock));
	ok(cpu_clock_start(to.clock));
}

static void the_state_survives_its_encoding(void **state)
{
	struct machine_state a = { 0 }, b = { 0 };
	struct buf file = BUF_INIT;

	NEED_KVM(&from);
	fill(&from);
	machine_save(&from, &a);
	state_save(&cpu_vcpu_state_desc, &a.vcpu[0], &file);
	ok(state_load(&cpu_vcpu_state_desc, cpu_vcpu_state_desc.version,
		file.data, file.len, &b.vcpu[0]));
	expect_same(&cpu_vcpu_state_desc, &a.vcpu[0], &b.vcpu[0]);
	buf_fini(&file);
	machine_fini(&a);
	machine_fini(&b);
	ok(cpu_clock_start(from.clock));
}

static void msrs_of_guests_are_saved_and_those_of_the_model_are_not(
	void **state)
{
	struct machine_state a = { 0 };

	NEED_KVM(&from);
	fill(&from);
	machine_save(&from, &a);
	assert_int_equal(get_msr(&a.vcpu[0], 0x174), 0x10);
	assert_int_equal(get_msr(&a.vcpu[0], 0x200), 0xc0000006);
	assert_int_equal(get_msr(&a.vcpu[0], 0xc0000082), 0xffff1234);
	assert_int_equal(get_msr(&a.vcpu[0], 0x4b564d05), 0);
	for (unsigned i = 0; i < a.vcpu[0].msr_count; i++) {
		uint32_t msr = a.vcpu[0].msrs[i].index;

		assert_true(msr != MSR_TSC && msr != MSR_TSC_DEADLINE);
		assert_true(msr != 0x10a && msr != 0xc0000080);
		assert_true(!i || msr > a.vcpu[0].msrs[i - 1].index);
	}
	machine_fini(&a);
	ok(cpu_clock_start(from.clock));
}

static bool open_nested(struct cpu_vm *vm)
{
	const struct cpu_options options = {
		.cpus = CPU_VM_CPUS, .cpu = "host", .nested = true
	};
	struct cpu_model *model;

	ok(cpu_model_new(from.kvm_fd, &options, &model));
	return cpu_vm_open(vm, model);
}

static void with_nested_the_state_of_svm_or_vmx_is_saved(void **state)
{
	struct machine_state a = { 0 }, b = { 0 };
	struct cpu_vm one, two;

	NEED_KVM(&from);
	if (!kvm_check(from.fd, KVM_CAP_NESTED_STATE)) {
		printf("skipped, KVM_CAP_NESTED_STATE is missing: %s\n",
			__func__);
		skip();
	}
	open_nested(&one);
	open_nested(&two);
	machine_save(&one, &a);
	assert_true(a.vcpu[0].nested_bytes >= sizeof(struct kvm_nested_state));
	machine_load(&two, &a, CLOCK_KEEP);
	machine_save(&two, &b);
	expect_same_machine(&a, &b);
	machine_fini(&a);
	machine_fini(&b);
	cpu_vm_close(&one);
	cpu_vm_close(&two);
}

/* ---- the clock ---- */

static void wait_ms(unsigned ms)
{
	const struct timespec t = { .tv_nsec = (long)ms * 1000000 };

	nanosleep(&t, NULL);
}

static uint64_t kvmclock(const struct cpu_vm *vm)
{
	struct kvm_clock_data data;

	ok(kvm_ioctl(vm->fd, KVM_GET_CLOCK, &data));
	return data.clock;
}

/* What the guest's clock has gained, 200 ms after the save. */
static uint64_t gained(enum clock_policy policy)
{
	struct machine_state a = { 0 };
	uint64_t gain;

	machine_save(&from, &a);
	machine_load(&to, &a, policy);
	wait_ms(200);
	ok(cpu_clock_start(to.clock));
	gain = kvmclock(&to) - a.vm.kvmclock_ns;
	ok(cpu_clock_start(from.clock));
	machine_fini(&a);
	return gain;
}

static void the_clock_goes_on_from_the_save(void **state)
{
	NEED_KVM(&from);
	assert_in_range(gained(CLOCK_KEEP), 0, 100 * 1000000);
}

static void the_clock_advances_by_the_time_away_when_asked(void **state)
{
	NEED_KVM(&from);
	assert_true(gained(CLOCK_ADVANCE) >= 200 * 1000000);
}

static void a_clock_from_the_future_does_not_go_back(void **state)
{
	struct machine_state a = { 0 };

	NEED_KVM(&from);
	machine_save(&from, &a);
	a.vm.realtime_ns = UINT64_MAX;
	machine_load(&to, &a, CLOCK_ADVANCE);
	ok(cpu_clock_start(to.clock));
	assert_true(kvmclock(&to) >= a.vm.kvmclock_ns);
	ok(cpu_clock_start(from.clock));
	machine_fini(&a);
}

#define APIC_SPURIOUS    0xf0
#define APIC_LVT_TIMER   0x320
#define APIC_TMICT       0x380
#define APIC_TMCCT       0x390
#define LVT_TSC_DEADLINE (2u << 17)

static void put_apic(struct cpu_vm *vm, uint32_t mode, uint32_t count)
{
	const uint32_t values[][2] = { { APIC_SPURIOUS, 0x1ff },
		{ APIC_LVT_TIMER, mode | 0x40 }, { APIC_TMICT, count },
		{ APIC_TMCCT, count } };
	struct kvm_lapic_state apic;

	cpu_vm_ioctl(vm, KVM_GET_LAPIC, &apic);
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
		memcpy(apic.regs + values[i][0], &values[i][1], 4);
	cpu_vm_ioctl(vm, KVM_SET_LAPIC, &apic);
}

/* Before the deadline: KVM clears the count of a timer that leaves that mode. */
static void an_armed_count_is_as_large_after_loading(void **state)
{
	struct machine_state a = { 0 };
	struct kvm_lapic_state apic;
	uint32_t count;

	NEED_KVM(&from);
	put_apic(&from, 0, 1u << 31);
	machine_save(&from, &a);
	machine_load(&to, &a, CLOCK_KEEP);
	wait_ms(200); /* in units of 2 ns */
	ok(cpu_clock_start(to.clock));
	cpu_vm_ioctl(&to, KVM_GET_LAPIC, &apic);
	memcpy(&count, apic.regs + APIC_TMCCT, sizeof(count));
	assert_in_range(count, (1u << 31) - 50 * 1000000, 1u << 31);
	ok(cpu_clock_start(from.clock));
	machine_fini(&a);
}

static void an_armed_deadline_is_as_far_away_after_loading(void **state)
{
	struct machine_state a = { 0 };
	uint64_t left = 1ull << 40, tsc, deadline;

	NEED_KVM(&from);
	put_apic(&from, LVT_TSC_DEADLINE, 0);
	ok(msr_read(from.vcpu_fd[0], MSR_TSC, &tsc));
	put_msr(&from, MSR_TSC_DEADLINE, tsc + left);
	machine_save(&from, &a);
	machine_load(&to, &a, CLOCK_KEEP);
	ok(cpu_clock_start(to.clock));
	ok(msr_read(to.vcpu_fd[0], MSR_TSC, &tsc));
	ok(msr_read(to.vcpu_fd[0], MSR_TSC_DEADLINE, &deadline));
	assert_in_range(deadline - tsc, left - (1ull << 31), left);
	ok(cpu_clock_start(from.clock));
	machine_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_saved_and_loaded_is_saved_the_same),
		cmocka_unit_test(the_state_survives_its_encoding),
		cmocka_unit_test(
			msrs_of_guests_are_saved_and_those_of_the_model_are_not),
		cmocka_unit_test(with_nested_the_state_of_svm_or_vmx_is_saved),
		cmocka_unit_test(the_clock_goes_on_from_the_save),
		cmocka_unit_test(
			the_clock_advances_by_the_time_away_when_asked),
		cmocka_unit_test(a_clock_from_the_future_does_not_go_back),
		cmocka_unit_test(an_armed_count_is_as_large_after_loading),
		cmocka_unit_test(
			an_armed_deadline_is_as_far_away_after_loading),
	};

	return cmocka_run_group_tests_name(
		"cpu_state", tests, open_vms, close_vms);
}
