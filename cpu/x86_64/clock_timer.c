/* SPDX-License-Identifier: Apache-2.0 */
/* clock_timer.c - arm again what KVM armed against the host's clock */
#include <string.h>

#include "cpu/x86_64/clock.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

/* ---- timers of the local APIC ---- */

#define APIC_LVT_TIMER     0x320
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define LVT_TIMER_MODE     (3u << 17)
#define LVT_TIMER_PERIODIC (1u << 17)
#define LVT_TIMER_ONESHOT  0u

static uint32_t apic_reg(const struct kvm_lapic_state *apic, unsigned offset)
{
	uint32_t value;

	memcpy(&value, apic->regs + offset, sizeof(value));
	return value;
}

void lapic_set_timer_count(struct kvm_lapic_state *apic, uint32_t count)
{
	memcpy(apic->regs + APIC_TIMER_CURRENT, &count, sizeof(count));
}

uint32_t lapic_armed_count(const struct kvm_lapic_state *apic)
{
	uint32_t initial = apic_reg(apic, APIC_TIMER_INITIAL);
	uint32_t current = apic_reg(apic, APIC_TIMER_CURRENT);

	switch (apic_reg(apic, APIC_LVT_TIMER) & LVT_TIMER_MODE) {
	case LVT_TIMER_ONESHOT: /* at 0 it has expired */
		return current;
	case LVT_TIMER_PERIODIC: /* at 0 it starts again */
		return current ? current : initial;
	default:
		return 0;
	}
}

int clock_read_timer(struct vcpu_clock *v)
{
	struct kvm_lapic_state apic;
	int rc = clock_explain(
		kvm_ioctl(v->fd, KVM_GET_LAPIC, &apic), "KVM_GET_LAPIC");

	if (!rc)
		v->timer_count = lapic_armed_count(&apic);
	return rc;
}

/* KVM arms the timer of a state that it is given by the current count. */
static int start_count(const struct vcpu_clock *v)
{
	struct kvm_lapic_state apic;
	int rc = clock_explain(
		kvm_ioctl(v->fd, KVM_GET_LAPIC, &apic), "KVM_GET_LAPIC");

	if (rc)
		return rc;
	lapic_set_timer_count(&apic, v->timer_count);
	return clock_explain(
		kvm_ioctl(v->fd, KVM_SET_LAPIC, &apic), "KVM_SET_LAPIC");
}

/* A TSC that could not be stopped has gone on: so far must the deadline follow it. */
static int start_deadline(const struct cpu_clock *clock, struct vcpu_clock *v)
{
	uint64_t deadline = v->deadline;
	uint64_t now = v->tsc;
	int rc = 0;

	if (!clock->has_offsets)
		rc = msr_read(v->fd, MSR_TSC, &now);
	deadline += now - v->tsc;
	if (!rc)
		rc = msr_write(v->fd, MSR_TSC_DEADLINE, deadline);
	return clock_explain(rc, "IA32_TSC_DEADLINE");
}

static int start_timer(const struct cpu_clock *clock, struct vcpu_clock *v)
{
	if (v->deadline)
		return start_deadline(clock, v);
	return v->timer_count ? start_count(v) : 0;
}

int clock_start_timers(struct cpu_clock *clock)
{
	int failed = 0;

	for (unsigned i = 0; i < clock->count; i++) {
		int rc = start_timer(clock, &clock->vcpu[i]);

		if (rc)
			failed = err_wrap(rc, "vCPU %u", i);
	}
	return failed;
}

/* ---- the PIT ---- */

#define PIT_MODE_RATE   2
#define PIT_MODE_SQUARE 3

/*
 * KVM keeps the ticks that a guest has not taken, and would deliver those of the gap
 * one after the other.  Set again it forgets them and starts a new period.
 */
int clock_restart_pit(struct cpu_clock *clock)
{
	struct kvm_pit_state2 pit;
	int rc = clock_explain(
		kvm_ioctl(clock->vm_fd, KVM_GET_PIT2, &pit), "KVM_GET_PIT2");

	if (rc || (pit.channels[0].mode != PIT_MODE_RATE &&
			  pit.channels[0].mode != PIT_MODE_SQUARE))
		return rc;
	return clock_explain(
		kvm_ioctl(clock->vm_fd, KVM_SET_PIT2, &pit), "KVM_SET_PIT2");
}
