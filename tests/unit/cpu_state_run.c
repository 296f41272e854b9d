/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu_state_run.c - a guest goes on in another VM where it was saved, between two
 * instructions or waiting for its timer
 *
 * Real mode, a few instructions each: what any KVM here can run.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/cpu_vm.h"
#include "tests/unit/unit.h"
#include "vmm/base/thread.h"

#define CODE       0x1000
#define HANDLER    0x1800
#define COUNTER    0x2000
#define STACK      0x7000
#define VECTOR     0x40
#define PORT_COUNT 0x10
#define PORT_TIMER 0x11
#define NS_PER_MS  1000000ull
#define TOO_LATE_S 20

/* inc word [2000H]; mov ax, [2000H]; out 10H, ax; jmp back */
static const uint8_t counting[] = { 0xff, 0x06, 0x00, 0x20, 0xa1, 0x00, 0x20,
	0xe7, PORT_COUNT, 0xeb, 0xf5 };

/*
 * sti; hlt; jmp back, and on the interrupt: mov dword [es:EOI], 0; out 11H, al; iret
 */
static const uint8_t waiting[] = { 0xfb, 0xf4, 0xeb, 0xfc };
static const uint8_t handler[] = { 0x26, 0x66, 0xc7, 0x06, 0xb0, 0, 0, 0, 0, 0,
	0xe6, PORT_TIMER, 0xcf };

static struct cpu_vm from, to;

static int open_vms(void **state)
{
	(void)state;
	from.fd = to.fd = -1;
	if (cpu_vm_open(&from, NULL))
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

/* The first vCPU, at the code, in real mode. */
static void place(const uint8_t *code, size_t len)
{
	const uint16_t vector[] = { HANDLER, 0 };
	struct kvm_regs regs = { .rip = CODE, .rsp = STACK, .rflags = 2 };
	struct kvm_sregs sregs;

	ok(mem_write(&from.mem, GPA(CODE), code, len));
	ok(mem_write(&from.mem, GPA(HANDLER), handler, sizeof(handler)));
	ok(mem_write(&from.mem, GPA(VECTOR * 4), vector, sizeof(vector)));
	cpu_vm_ioctl(&from, KVM_GET_SREGS, &sregs);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	sregs.es.base = MACHINE_LAPIC_GPA;
	cpu_vm_ioctl(&from, KVM_SET_SREGS, &sregs);
	cpu_vm_ioctl(&from, KVM_SET_REGS, &regs);
}

/* Run to the next write to a port; what was written. */
static unsigned run_to_port(struct cpu_vm *vm, unsigned port)
{
	struct kvm_run *run = vm->run[0];

	alarm(TOO_LATE_S);
	assert_int_equal(ioctl(vm->vcpu_fd[0], KVM_RUN, NULL), 0);
	alarm(0);
	assert_int_equal(run->exit_reason, KVM_EXIT_IO);
	assert_int_equal(run->io.port, port);
	return *(uint16_t *)(void *)((char *)run + run->io.data_offset);
}

/* An access counts as done only once KVM was entered again. */
static void complete(struct cpu_vm *vm)
{
	vm->run[0]->immediate_exit = 1;
	assert_int_equal(ioctl(vm->vcpu_fd[0], KVM_RUN, NULL), -1);
	assert_int_equal(errno, EINTR);
	vm->run[0]->immediate_exit = 0;
}

/* All of `from` to `to`, which stood for `held_ms` and then runs. */
static void move(unsigned held_ms)
{
	struct machine_state s = { 0 };
	const struct mem_region *r = &from.mem.region[0];

	machine_save(&from, &s);
	memcpy(to.mem.region[0].hva, r->hva, r->size_bytes);
	machine_load(&to, &s, CLOCK_KEEP);
	machine_fini(&s);
	usleep(held_ms * 1000);
	ok(cpu_clock_start(to.clock));
}

static void a_guest_goes_on_with_the_next_instruction(void **state)
{
	NEED_KVM(&from);
	place(counting, sizeof(counting));
	for (unsigned i = 1; i <= 100; i++)
		assert_int_equal(run_to_port(&from, PORT_COUNT), i);
	complete(&from);
	move(0);
	for (unsigned i = 101; i <= 200; i++)
		assert_int_equal(run_to_port(&to, PORT_COUNT), i);
}

static void arm(uint32_t mode, uint32_t count)
{
	const uint32_t values[][2] = { { 0xf0, 0x1ff }, { 0x3e0, 0xb },
		{ 0x320, mode | VECTOR }, { 0x380, count }, { 0x390, count } };
	struct kvm_lapic_state apic;

	cpu_vm_ioctl(&from, KVM_GET_LAPIC, &apic);
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
		memcpy(apic.regs + values[i][0], &values[i][1], 4);
	cpu_vm_ioctl(&from, KVM_SET_LAPIC, &apic);
}

/* How long after its start the guest's timer came. */
static uint64_t timer_after(struct cpu_vm *vm)
{
	uint64_t start = now_ns();

	run_to_port(vm, PORT_TIMER);
	return now_ns() - start;
}

static void a_oneshot_timer_comes_after_the_rest_of_its_time(void **state)
{
	NEED_KVM(&from);
	place(waiting, sizeof(waiting));
	arm(0, 300 * NS_PER_MS);
	move(500);
	/* Minus what passed between arming and saving. */
	assert_true(timer_after(&to) > 200 * NS_PER_MS);
}

static void a_periodic_timer_goes_on(void **state)
{
	NEED_KVM(&from);
	place(waiting, sizeof(waiting));
	arm(1u << 17, 300 * NS_PER_MS);
	move(100);
	assert_true(timer_after(&to) > 200 * NS_PER_MS);
	complete(&to);
	assert_true(timer_after(&to) > 200 * NS_PER_MS);
}

static void a_deadline_comes_after_the_rest_of_its_time(void **state)
{
	uint64_t now, cycles;

	NEED_KVM(&from);
	place(waiting, sizeof(waiting));
	arm(2u << 17, 0);
	cycles = 300ull * (uint64_t)ioctl(from.vcpu_fd[0], KVM_GET_TSC_KHZ, 0);
	ok(msr_read(from.vcpu_fd[0], MSR_TSC, &now));
	ok(msr_write(from.vcpu_fd[0], MSR_TSC_DEADLINE, now + cycles));
	move(500);
	assert_true(timer_after(&to) > 200 * NS_PER_MS);
}

/* Held, not moved: the same guest, the same vCPU. */
static void a_timer_waits_while_its_guest_is_held(void **state)
{
	NEED_KVM(&from);
	place(waiting, sizeof(waiting));
	arm(0, 300 * NS_PER_MS);
	ok(cpu_clock_stop(from.clock));
	usleep(500 * 1000);
	ok(cpu_clock_start(from.clock));
	assert_true(timer_after(&from) > 200 * NS_PER_MS);
}

static void a_timer_that_expired_before_the_hold_is_not_lost(void **state)
{
	uint64_t now;

	NEED_KVM(&from);
	place(waiting, sizeof(waiting));
	arm(2u << 17, 0);
	ok(msr_read(from.vcpu_fd[0], MSR_TSC, &now));
	ok(msr_write(from.vcpu_fd[0], MSR_TSC_DEADLINE, now + 1));
	usleep(10 * 1000);
	move(0);
	assert_true(timer_after(&to) < TOO_LATE_S * 1000 * NS_PER_MS);
}

#define RUN(test) cmocka_unit_test_setup_teardown(test, open_vms, close_vms)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_guest_goes_on_with_the_next_instruction),
		RUN(a_oneshot_timer_comes_after_the_rest_of_its_time),
		RUN(a_periodic_timer_goes_on),
		RUN(a_deadline_comes_after_the_rest_of_its_time),
		RUN(a_timer_waits_while_its_guest_is_held),
		RUN(a_timer_that_expired_before_the_hold_is_not_lost),
	};

	return cmocka_run_group_tests_name("cpu_state_run", tests, NULL, NULL);
}
