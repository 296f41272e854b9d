/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_clock.c - time that stands still, on this host's KVM */
#include <string.h>
#include <time.h>

#include "cpu/x86_64/clock.h"
#include "tests/unit/cpu_vm.h"
#include "tests/unit/unit.h"
#include "vmm/base/thread.h"
#include "vmm/core/kvm.h"

#define NS_PER_MS       1000000ull
#define GAP_MS          100

/* What the steps themselves may take on a busy machine, well below the gap. */
#define SLACK_NS        (100 * NS_PER_MS)

#define LVT_TIMER       0x320
#define TIMER_INITIAL   0x380
#define TIMER_CURRENT   0x390
#define TIMER_DIVIDE    0x3e0
#define DIVIDE_BY_1     0xb
#define LVT_PERIODIC    (1u << 17)
#define LVT_DEADLINE    (2u << 17)
#define LVT_VECTOR      0x40u
#define SPURIOUS        0xf0
#define SOFTWARE_ENABLE 0x1ffu

static struct cpu_vm vm;

static void wait_ms(unsigned ms)
{
	const struct timespec t = { .tv_nsec = (long)(ms * NS_PER_MS) };

	nanosleep(&t, NULL);
}

/* How long it stood. */
static uint64_t stand(unsigned ms)
{
	uint64_t from;

	assert_int_equal(cpu_clock_stop(vm.clock), 0);
	from = now_ns();
	wait_ms(ms);
	assert_int_equal(cpu_clock_start(vm.clock), 0);
	return now_ns() - from;
}

static int open_vm(void **state)
{
	(void)state;
	/* The first start shows whether the TSC can be stopped here. */
	if (cpu_vm_open(&vm, NULL))
		stand(0);
	return 0;
}

static int close_vm(void **state)
{
	(void)state;
	cpu_vm_close(&vm);
	return 0;
}

static uint64_t kvmclock(void)
{
	struct kvm_clock_data data;

	assert_int_equal(kvm_ioctl(vm.fd, KVM_GET_CLOCK, &data), 0);
	return data.clock;
}

static uint64_t msr(unsigned vcpu, uint32_t index)
{
	uint64_t value = 0;

	assert_int_equal(msr_read(vm.vcpu_fd[vcpu], index, &value), 0);
	return value;
}

static uint64_t cycles(uint64_t ns)
{
	int khz = kvm_ioctl(vm.vcpu_fd[0], KVM_GET_TSC_KHZ, NULL);

	return ns * (uint64_t)khz / 1000000;
}

static uint32_t apic_reg(unsigned offset)
{
	struct kvm_lapic_state apic;
	uint32_t value;

	cpu_vm_ioctl(&vm, KVM_GET_LAPIC, &apic);
	memcpy(&value, apic.regs + offset, sizeof(value));
	return value;
}

static void put_reg(
	struct kvm_lapic_state *apic, unsigned offset, uint32_t value)
{
	memcpy(apic->regs + offset, &value, sizeof(value));
}

/* Counts nanoseconds: KVM's bus has 1 GHz. */
static void arm(uint32_t mode, uint32_t initial)
{
	struct kvm_lapic_state apic;

	cpu_vm_ioctl(&vm, KVM_GET_LAPIC, &apic);
	put_reg(&apic, SPURIOUS, SOFTWARE_ENABLE);
	put_reg(&apic, TIMER_DIVIDE, DIVIDE_BY_1);
	put_reg(&apic, LVT_TIMER, mode | LVT_VECTOR);
	put_reg(&apic, TIMER_INITIAL, initial);
	put_reg(&apic, TIMER_CURRENT, initial);
	cpu_vm_ioctl(&vm, KVM_SET_LAPIC, &apic);
}

static void arm_deadline(uint64_t deadline)
{
	arm(LVT_DEADLINE, 0);
	assert_int_equal(
		msr_write(vm.vcpu_fd[0], MSR_TSC_DEADLINE, deadline), 0);
}

#define NEED_TSC_OFFSETS()                                              \
	do {                                                            \
		NEED_KVM(&vm);                                          \
		if (!vm.clock->has_offsets) {                           \
			printf("skipped, a TSC that can be stopped is " \
			       "missing: "                              \
			       "%s\n",                                  \
				__func__);                              \
			skip();                                         \
		}                                                       \
	} while (0)

/* ---- clocks ---- */

static void kvmclock_stands_still(void **state)
{
	uint64_t before;

	NEED_KVM(&vm);
	before = kvmclock();
	stand(GAP_MS);
	assert_in_range(kvmclock(), before, before + SLACK_NS);
}

static void kvmclock_goes_on_after(void **state)
{
	uint64_t before;

	NEED_KVM(&vm);
	stand(1);
	before = kvmclock();
	wait_ms(10);
	assert_true(kvmclock() >= before + 9 * NS_PER_MS);
}

static void stopping_a_clock_that_stands_keeps_the_first_moment(void **state)
{
	uint64_t before;

	NEED_KVM(&vm);
	before = kvmclock();
	assert_int_equal(cpu_clock_stop(vm.clock), 0);
	wait_ms(GAP_MS);
	assert_int_equal(cpu_clock_stop(vm.clock), 0);
	assert_int_equal(cpu_clock_start(vm.clock), 0);
	assert_in_range(kvmclock(), before, before + SLACK_NS);
}

static void starting_a_clock_that_runs_changes_nothing(void **state)
{
	uint64_t before;

	NEED_KVM(&vm);
	stand(1);
	before = kvmclock();
	wait_ms(10);
	assert_int_equal(cpu_clock_start(vm.clock), 0);
	assert_true(kvmclock() >= before + 9 * NS_PER_MS);
}

static void the_tsc_stands_still(void **state)
{
	uint64_t before;

	NEED_TSC_OFFSETS();
	before = msr(0, MSR_TSC);
	stand(GAP_MS);
	assert_in_range(msr(0, MSR_TSC), before, before + cycles(SLACK_NS));
}

static void all_vcpus_keep_one_tsc(void **state)
{
	NEED_TSC_OFFSETS();
	for (unsigned i = 0; i < 10; i++)
		stand(1);
	assert_int_equal(cpu_clock_stop(vm.clock), 0);
	for (unsigned i = 1; i < CPU_VM_CPUS; i++)
		assert_int_equal(vm.clock->vcpu[i].tsc_offset,
			vm.clock->vcpu[0].tsc_offset);
	assert_int_equal(cpu_clock_start(vm.clock), 0);
}

/* ---- timers ---- */

static void a_oneshot_timer_keeps_what_is_left(void **state)
{
	uint32_t before;

	NEED_KVM(&vm);
	arm(0, 1000 * NS_PER_MS);
	before = apic_reg(TIMER_CURRENT);
	stand(GAP_MS);
	assert_in_range(apic_reg(TIMER_CURRENT), before - SLACK_NS, before);
}

static void a_oneshot_timer_that_ended_in_the_gap_is_still_to_come(void **state)
{
	NEED_KVM(&vm);
	arm(0, 150 * NS_PER_MS);
	stand(GAP_MS);
	assert_in_range(apic_reg(TIMER_CURRENT), 1, 150 * NS_PER_MS);
	wait_ms(200);
	assert_int_equal(apic_reg(TIMER_CURRENT), 0);
}

static void a_oneshot_timer_that_has_expired_is_not_armed_again(void **state)
{
	NEED_KVM(&vm);
	arm(0, 1 * NS_PER_MS);
	wait_ms(10);
	assert_int_equal(cpu_clock_stop(vm.clock), 0);
	assert_int_equal(vm.clock->vcpu[0].timer_count, 0);
	assert_int_equal(cpu_clock_start(vm.clock), 0);
	assert_int_equal(apic_reg(TIMER_CURRENT), 0);
}

static void a_periodic_timer_goes_on_within_its_period(void **state)
{
	uint32_t before;

	NEED_KVM(&vm);
	arm(LVT_PERIODIC, 250 * NS_PER_MS);
	before = apic_reg(TIMER_CURRENT);
	stand(GAP_MS);
	assert_in_range(apic_reg(TIMER_CURRENT), before - SLACK_NS, before);
	assert_int_equal(apic_reg(TIMER_INITIAL), 250 * NS_PER_MS);
}

/* In units of the TSC where that stands, else as far away as before. */
static void a_deadline_comes_neither_early_nor_late(void **state)
{
	uint64_t left = cycles(1000 * NS_PER_MS);
	uint64_t deadline, now;

	NEED_KVM(&vm);
	deadline = msr(0, MSR_TSC) + left;
	arm_deadline(deadline);
	stand(GAP_MS);
	now = msr(0, MSR_TSC);
	if (vm.clock->has_offsets)
		assert_int_equal(msr(0, MSR_TSC_DEADLINE), deadline);
	assert_in_range(
		msr(0, MSR_TSC_DEADLINE) - now, left - cycles(SLACK_NS), left);
}

static void a_deadline_that_passed_before_is_armed_again(void **state)
{
	uint64_t deadline;

	NEED_KVM(&vm);
	deadline = msr(0, MSR_TSC) + cycles(NS_PER_MS);
	arm_deadline(deadline);
	wait_ms(5);
	stand(GAP_MS);
	assert_in_range(
		msr(0, MSR_TSC_DEADLINE), deadline, msr(0, MSR_TSC) - 1);
}

static void a_vcpu_without_an_armed_timer_gets_none(void **state)
{
	NEED_KVM(&vm);
	arm_deadline(0);
	stand(1);
	assert_int_equal(msr(0, MSR_TSC_DEADLINE), 0);
	arm(0, 0);
	stand(1);
	assert_int_equal(apic_reg(TIMER_CURRENT), 0);
}

static void a_guest_without_kvmclock_cannot_be_told(void **state)
{
	NEED_KVM(&vm);
	assert_false(cpu_vcpu_held(vm.vcpu_fd[0]));
}

/* For the reader of the log: what standing costs here. */
static void standing_costs_microseconds(void **state)
{
	const unsigned rounds = 200;
	uint64_t from, stop_ns = 0, start_ns = 0;

	NEED_KVM(&vm);
	arm_deadline(msr(0, MSR_TSC) + cycles(1000 * NS_PER_MS));
	for (unsigned i = 0; i < rounds; i++) {
		from = now_ns();
		assert_int_equal(cpu_clock_stop(vm.clock), 0);
		stop_ns += now_ns() - from;
		from = now_ns();
		assert_int_equal(cpu_clock_start(vm.clock), 0);
		start_ns += now_ns() - from;
	}
	printf("%u vCPUs: stop %u ns, start %u ns\n", CPU_VM_CPUS,
		(unsigned)(stop_ns / rounds), (unsigned)(start_ns / rounds));
	assert_true(stop_ns / rounds < NS_PER_MS);
	assert_true(start_ns / rounds < NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kvmclock_stands_still),
		cmocka_unit_test(kvmclock_goes_on_after),
		cmocka_unit_test(
			stopping_a_clock_that_stands_keeps_the_first_moment),
		cmocka_unit_test(starting_a_clock_that_runs_changes_nothing),
		cmocka_unit_test(the_tsc_stands_still),
		cmocka_unit_test(all_vcpus_keep_one_tsc),
		cmocka_unit_test(a_oneshot_timer_keeps_what_is_left),
		cmocka_unit_test(
			a_oneshot_timer_that_ended_in_the_gap_is_still_to_come),
		cmocka_unit_test(
			a_oneshot_timer_that_has_expired_is_not_armed_again),
		cmocka_unit_test(a_periodic_timer_goes_on_within_its_period),
		cmocka_unit_test(a_deadline_comes_neither_early_nor_late),
		cmocka_unit_test(a_deadline_that_passed_before_is_armed_again),
		cmocka_unit_test(a_vcpu_without_an_armed_timer_gets_none),
		cmocka_unit_test(a_guest_without_kvmclock_cannot_be_told),
		cmocka_unit_test(standing_costs_microseconds),
	};

	return cmocka_run_group_tests_name(
		"cpu_clock", tests, open_vm, close_vm);
}
