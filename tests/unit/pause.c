/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause.c - a machine that is held and released, whatever its vCPUs are doing: no
 * access of the guest is lost or repeated, and nothing happens while it is held
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/livevm.h"
#include "vmm/base/err.h"

#define CYCLES      1000
#define KIND_CYCLES 100
#define SHORT_NS    100000000ull
#define SLOW_PORT   0x7f0

static struct livevm live;

static void start(unsigned cpus, const char *cmdline)
{
	livevm_build(&live, "counters", cpus, cmdline, NULL);
	assert_int_equal(vm_start(live.vm), 0);
}

static void hold(enum pause_owner owner)
{
	if (pause_hold(&live.vm->pause, owner, 30 * PAUSE_DEADLINE_NS))
		fail_msg("%s", err_text());
}

static void release(enum pause_owner owner)
{
	assert_int_equal(pause_release(&live.vm->pause, owner), 0);
}

static uint64_t total(void)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < LIVEVM_CPUS_MAX; i++)
		n += atomic_load(&live.count[i]);
	return n;
}

/* Now and then long enough for a vCPU that has not stopped to show it. */
static void check_stillness(unsigned cycle)
{
	uint64_t before = total();

	if (cycle % 16 == 0)
		usleep(300);
	assert_int_equal(total(), before);
}

/*
 * KVM completes an access when it is entered next, and enters nothing while
 * immediate_exit is set: what is still pending shows in the registers.
 */
static void check_nothing_is_pending(const struct vcpu *vcpu)
{
	struct kvm_regs before, after;

	assert_int_equal(vcpu->run->immediate_exit, 1);
	assert_int_equal(ioctl(vcpu->fd, KVM_GET_REGS, &before), 0);
	assert_int_equal(ioctl(vcpu->fd, KVM_RUN, NULL), -1);
	assert_int_equal(errno, EINTR);
	assert_int_equal(ioctl(vcpu->fd, KVM_GET_REGS, &after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void cycle(unsigned cycles)
{
	for (unsigned i = 0; i < cycles; i++) {
		hold(PAUSE_USER);
		check_stillness(i);
		for (unsigned c = 0; i % 4 == 0 && c < live.config.cpus; c++)
			check_nothing_is_pending(&live.vm->vcpus[c]);
		release(PAUSE_USER);
		usleep(i % 7 * 50);
	}
}

static void check_cycles(
	unsigned cpus, unsigned counting, const char *cmdline, unsigned cycles)
{
	start(cpus, cmdline);
	assert_true(livevm_counts(&live, counting, 1));
	cycle(cycles);
	assert_true(livevm_counts(&live, counting, 1));
	assert_int_equal(atomic_load(&live.wrong), 0);
	assert_false(live.control->ending.reported);
	livevm_end(&live);
}

/* ---- a thousand times ---- */

static void one_counter_survives_a_thousand_holds(void **state)
{
	(void)state;
	check_cycles(1, 1, "cpus=1", CYCLES);
}

static void two_counters_survive_a_thousand_holds(void **state)
{
	(void)state;
	check_cycles(2, 2, "cpus=2", CYCLES);
}

static void four_counters_survive_a_thousand_holds(void **state)
{
	(void)state;
	check_cycles(4, 4, "cpus=4", CYCLES);
}

/* ---- in the middle of every kind of exit ---- */

static void a_port_read_is_not_repeated(void **state)
{
	(void)state;
	check_cycles(2, 2, "cpus=2 kind=1", KIND_CYCLES);
}

static void a_string_write_is_not_torn(void **state)
{
	(void)state;
	check_cycles(2, 2, "cpus=2 kind=2", KIND_CYCLES);
}

static void a_string_read_is_not_torn(void **state)
{
	(void)state;
	check_cycles(2, 2, "cpus=2 kind=3", KIND_CYCLES);
}

static void an_mmio_write_is_not_repeated(void **state)
{
	(void)state;
	check_cycles(2, 2, "cpus=2 kind=4", KIND_CYCLES);
}

static void an_mmio_read_is_not_repeated(void **state)
{
	(void)state;
	check_cycles(2, 2, "cpus=2 kind=5", KIND_CYCLES);
}

static void halted_cpus_park_and_wake_by_their_timer(void **state)
{
	(void)state;
	check_cycles(2, 1, "cpus=2 kind=6", KIND_CYCLES);
}

static void a_tight_loop_parks(void **state)
{
	(void)state;
	check_cycles(2, 2, "cpus=2 kind=7", KIND_CYCLES);
}

static void a_cpu_that_waits_to_be_started_parks(void **state)
{
	(void)state;
	check_cycles(4, 1, "cpus=1", KIND_CYCLES);
}

/* While vCPUs start each other. */
static void a_booting_machine_parks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		start(4, "cpus=4");
		cycle(i);
		assert_true(livevm_counts(&live, 4, 1));
		assert_int_equal(atomic_load(&live.wrong), 0);
		livevm_end(&live);
	}
}

/* ---- owners ---- */

static void the_last_owner_lets_it_run(void **state)
{
	uint64_t before;

	(void)state;
	start(2, "cpus=2");
	assert_true(livevm_counts(&live, 2, 1));
	hold(PAUSE_USER);
	hold(PAUSE_SNAPSHOT);
	hold(PAUSE_SNAPSHOT);
	assert_int_equal(pause_owners(&live.vm->pause),
		BIT(PAUSE_USER) | BIT(PAUSE_SNAPSHOT));
	before = total();
	release(PAUSE_SNAPSHOT);
	release(PAUSE_SNAPSHOT);
	release(PAUSE_MICROCODE);
	usleep(2000);
	assert_true(pause_held(&live.vm->pause));
	assert_int_equal(total(), before);
	release(PAUSE_USER);
	assert_false(pause_held(&live.vm->pause));
	assert_true(livevm_counts(&live, 2, 1));
	livevm_end(&live);
}

static void a_machine_may_start_held(void **state)
{
	(void)state;
	livevm_build(&live, "counters", 2, "cpus=2", NULL);
	hold(PAUSE_USER);
	assert_int_equal(vm_start(live.vm), 0);
	usleep(20000);
	assert_int_equal(total(), 0);
	hold(PAUSE_SNAPSHOT);
	release(PAUSE_SNAPSHOT);
	release(PAUSE_USER);
	assert_true(livevm_counts(&live, 2, 1));
	cycle(10);
	livevm_end(&live);
}

/* ---- ends ---- */

/* The cause of an edge that was lost is there still. */
static void the_release_raises_what_no_driver_has_seen(void **state)
{
	int mine = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), theirs;
	eventfd_t edges = 0;

	(void)state;
	start(1, "cpus=1");
	hold(PAUSE_USER);
	theirs = live.vm->devices.serial_irq.fd;
	live.vm->devices.serial_irq.fd = mine;
	live.vm->devices.serial.causes = 1;
	release(PAUSE_USER);
	assert_int_equal(eventfd_read(mine, &edges), 0);
	assert_int_equal(edges, 1);
	hold(PAUSE_USER);
	live.vm->devices.serial_irq.fd = theirs;
	livevm_end(&live);
	close(mine);
}

static void a_held_machine_ends(void **state)
{
	uint64_t before;

	(void)state;
	start(2, "cpus=2");
	assert_true(livevm_counts(&live, 2, 1));
	hold(PAUSE_USER);
	before = total();
	livevm_end(&live);
	assert_int_equal(total(), before);
}

static void a_machine_that_never_ran_ends(void **state)
{
	(void)state;
	livevm_build(&live, "counters", 2, "cpus=2", NULL);
	hold(PAUSE_USER);
	assert_int_equal(vm_start(live.vm), 0);
	livevm_end(&live);
	assert_int_equal(total(), 0);
}

static void hold_over_the_end(const char *payload, enum outcome outcome)
{
	livevm_build(&live, payload, 1, "", NULL);
	assert_int_equal(vm_start(live.vm), 0);
	loop_run(live.control->loop);
	assert_int_equal(live.control->ending.result.outcome, outcome);
	cycle(3);
	hold(PAUSE_USER);
	livevm_end(&live);
}

static void a_guest_that_has_ended_can_be_held(void **state)
{
	(void)state;
	hold_over_the_end("tripfault", OUTCOME_TRIPLE_FAULT);
	hold_over_the_end("reboot", OUTCOME_REBOOT);
	hold_over_the_end("poweroff", OUTCOME_POWER_OFF);
}

static void a_guest_that_has_ended_is_in_no_snapshot(void **state)
{
	const struct vm_snapshot_args args = {
		.state_path = "/nowhere/state",
		.memory_path = "/nowhere/memory",
	};

	(void)state;
	livevm_build(&live, "poweroff", 1, "", NULL);
	assert_int_equal(vm_start(live.vm), 0);
	loop_run(live.control->loop);
	assert_int_equal(vm_snapshot(live.vm, &args), -ESHUTDOWN);
	assert_string_equal(
		err_text(), "the guest has ended; nothing was written");
	assert_false(pause_held(&live.vm->pause));
	livevm_end(&live);
}

/* ---- late ---- */

static struct {
	atomic_bool stuck, asked;
} slow;

static void slow_read(void *dev, uint64_t offset, void *data, unsigned len)
{
	(void)dev;
	(void)offset;
	atomic_store(&slow.asked, true);
	while (atomic_load(&slow.stuck))
		usleep(1000);
	memset(data, 0, len);
}

static const struct bus_ops slow_ops = { .read = slow_read };

/* The CPU with the last number reads the port once, and others count on. */
static void start_with_slow_port(void)
{
	livevm_build(&live, "counters", 2, "cpus=2 slow=1", NULL);
	assert_int_equal(
		bus_add(&live.vm->ports, SLOW_PORT, 4, &slow_ops, NULL), 0);
	atomic_store(&slow.asked, false);
	atomic_store(&slow.stuck, true);
	assert_int_equal(vm_start(live.vm), 0);
	while (!atomic_load(&slow.asked))
		usleep(1000);
}

static void a_late_vcpu_is_named_and_the_others_go_on(void **state)
{
	(void)state;
	start_with_slow_port();
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(
			pause_hold(&live.vm->pause, PAUSE_USER, SHORT_NS),
			-ETIMEDOUT);
		assert_string_equal(
			err_text(), "vCPU 1 did not stop within 0.1 s");
		assert_false(pause_held(&live.vm->pause));
		assert_true(livevm_counts(&live, 1, 1));
	}
	atomic_store(&slow.stuck, false);
	hold(PAUSE_USER);
	release(PAUSE_USER);
	assert_true(livevm_counts(&live, 2, 1));
	assert_int_equal(atomic_load(&live.wrong), 0);
	livevm_end(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_counter_survives_a_thousand_holds),
		cmocka_unit_test(two_counters_survive_a_thousand_holds),
		cmocka_unit_test(four_counters_survive_a_thousand_holds),
		cmocka_unit_test(a_port_read_is_not_repeated),
		cmocka_unit_test(a_string_write_is_not_torn),
		cmocka_unit_test(a_string_read_is_not_torn),
		cmocka_unit_test(an_mmio_write_is_not_repeated),
		cmocka_unit_test(an_mmio_read_is_not_repeated),
		cmocka_unit_test(halted_cpus_park_and_wake_by_their_timer),
		cmocka_unit_test(a_tight_loop_parks),
		cmocka_unit_test(a_cpu_that_waits_to_be_started_parks),
		cmocka_unit_test(a_booting_machine_parks),
		cmocka_unit_test(the_last_owner_lets_it_run),
		cmocka_unit_test(a_machine_may_start_held),
		cmocka_unit_test(the_release_raises_what_no_driver_has_seen),
		cmocka_unit_test(a_held_machine_ends),
		cmocka_unit_test(a_machine_that_never_ran_ends),
		cmocka_unit_test(a_guest_that_has_ended_can_be_held),
		cmocka_unit_test(a_guest_that_has_ended_is_in_no_snapshot),
		cmocka_unit_test(a_late_vcpu_is_named_and_the_others_go_on),
	};

	if (!livevm_available())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
