/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_vcpu.c - save and load one vCPU
 *
 * Theory of operation: the order matters to KVM.
 *
 * Saving: the MP state first, because asking for it makes KVM accept INIT and SIPI
 * that are pending, which changes the rest.  The timer's deadline was read when the
 * clock was stopped, before the local APIC here (clock.c says why).
 *
 * Loading, after CPUID and the model's MSRs (cpu_vcpu_init()):
 *   special registers   EFER, CR4 and the APIC's mode decide what else is valid
 *   nested state        wants EFER.SVME or CR4.VMXE; moves what follows into the
 *                       control block of the guest's guest
 *   general registers   setting them drops a pending exception: before the events
 *   XSAVE area, XCR0    before MSRs: XFD would take away what a component holds
 *   debug registers
 *   local APIC          after APIC_BASE (its mode gives the id its place); before
 *                       the deadline, which counts only in that mode of the timer
 *   MSRs                without the TSC and the deadline, which the clock sets
 *   events              what is injected next, over all the side effects so far
 *   MP state            last: special registers at the reset vector wake a vCPU
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cpu/x86_64/vcpu_state.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

/* Newer structures begin like the old ones. */
#define SREGS_BYTES offsetof(struct kvm_sregs2, flags)
static_assert(offsetof(struct kvm_sregs, interrupt_bitmap) == SREGS_BYTES,
	"KVM_GET_SREGS gives the first part of KVM_GET_SREGS2");

static int get(int fd, unsigned long request, void *ret, const char *name)
{
	return clock_explain(kvm_ioctl(fd, request, ret), name);
}

/* ---- save ---- */

static int save_mp_state(
	const struct vcpu_target *t, struct cpu_vcpu_state *ret)
{
	struct kvm_mp_state mp = { 0 };
	int rc = get(t->fd, KVM_GET_MP_STATE, &mp, "KVM_GET_MP_STATE");

	ret->mp_state = mp.mp_state;
	return rc;
}

static int save_regs(const struct vcpu_target *t, struct cpu_vcpu_state *ret)
{
	return get(t->fd, KVM_GET_REGS, &ret->regs, "KVM_GET_REGS");
}

/* Before Linux 5.14 the PDPTRs are what guest memory says. */
static int save_sregs(const struct vcpu_target *t, struct cpu_vcpu_state *ret)
{
	struct kvm_sregs old;
	int rc;

	if (kvm_check(t->vm_fd, KVM_CAP_SREGS2))
		return get(
			t->fd, KVM_GET_SREGS2, &ret->sregs, "KVM_GET_SREGS2");
	rc = get(t->fd, KVM_GET_SREGS, &old, "KVM_GET_SREGS");
	if (!rc)
		memcpy(&ret->sregs, &old, SREGS_BYTES);
	return rc;
}

static int save_xcr0(const struct vcpu_target *t, struct cpu_vcpu_state *ret)
{
	struct kvm_xcrs xcrs = { 0 };
	int rc = 0;

	if (kvm_check(t->vm_fd, KVM_CAP_XCRS))
		rc = get(t->fd, KVM_GET_XCRS, &xcrs, "KVM_GET_XCRS");
	ret->xcr0 = 1; /* at reset */
	for (unsigned i = 0; i < MIN(xcrs.nr_xcrs, KVM_MAX_XCRS); i++)
		if (xcrs.xcrs[i].xcr == 0)
			ret->xcr0 = xcrs.xcrs[i].value;
	return rc;
}

static int save_debugregs(
	const struct vcpu_target *t, struct cpu_vcpu_state *ret)
{
	return get(
		t->fd, KVM_GET_DEBUGREGS, &ret->debugregs, "KVM_GET_DEBUGREGS");
}

static int save_lapic(const struct vcpu_target *t, struct cpu_vcpu_state *ret)
{
	return get(t->fd, KVM_GET_LAPIC, &ret->lapic, "KVM_GET_LAPIC");
}

static int save_events(const struct vcpu_target *t, struct cpu_vcpu_state *ret)
{
	return get(t->fd, KVM_GET_VCPU_EVENTS, &ret->events,
		"KVM_GET_VCPU_EVENTS");
}

static void save_clock(const struct vcpu_clock *v, struct cpu_vcpu_state *ret)
{
	ret->tsc = v->tsc;
	ret->tsc_deadline = v->deadline;
	/* KVM's own count has gone on. */
	if (v->timer_count)
		lapic_set_timer_count(&ret->lapic, v->timer_count);
}

int cpu_vcpu_save(struct cpu_model *model, const struct cpu_clock *clock,
	unsigned index, struct cpu_vcpu_state *ret)
{
	static int (*const steps[])(
		const struct vcpu_target *t, struct cpu_vcpu_state *ret) = {
		save_mp_state,
		save_regs,
		save_sregs,
		xsave_save,
		save_xcr0,
		save_debugregs,
		save_lapic,
		msrs_save,
		nested_save,
		save_events,
	};
	const struct vcpu_target target = {
		.model = model,
		.vm_fd = clock->vm_fd,
		.fd = clock->vcpu[index].fd,
	};
	int rc = 0;

	assert(clock->stands);
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; !rc && i < ARRAY_SIZE(steps); i++)
		rc = steps[i](&target, ret);
	if (rc)
		return err_wrap(rc, "vCPU %u", index);
	save_clock(&clock->vcpu[index], ret);
	return 0;
}

/* ---- load ---- */

/* "KVM refuses WHAT"; the values of registers are `what`'s. */
static int set(int fd, unsigned long request, const void *arg, const char *what)
{
	int rc = kvm_ioctl(fd, request, (void *)arg);

	if (rc >= 0)
		return 0;
	return err_set(rc, "KVM refuses %s: %s", what, strerror(-rc));
}

static int load_sregs(
	const struct vcpu_target *t, const struct cpu_vcpu_state *s)
{
	const struct kvm_sregs2 *r = &s->sregs;
	bool newer = kvm_check(t->vm_fd, KVM_CAP_SREGS2);
	struct kvm_sregs old = { 0 };
	int rc;

	memcpy(&old, r, SREGS_BYTES);
	rc = kvm_ioctl(t->fd, newer ? KVM_SET_SREGS2 : KVM_SET_SREGS,
		newer ? (void *)r : (void *)&old);
	if (rc >= 0)
		return 0;
	return err_set(rc,
		"KVM refuses the special registers: CR0 %#llx, CR3 %#llx, CR4 "
		"%#llx, CR8 %#llx, EFER %#llx, APIC_BASE %#llx, PDPTR flags "
		"%#llx: %s",
		r->cr0, r->cr3, r->cr4, r->cr8, r->efer, r->apic_base, r->flags,
		strerror(-rc));
}

static int load_regs(
	const struct vcpu_target *t, const struct cpu_vcpu_state *s)
{
	return set(t->fd, KVM_SET_REGS, &s->regs, "the general registers");
}

static int load_xcr0(
	const struct vcpu_target *t, const struct cpu_vcpu_state *s)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs[0].value = s->xcr0 };
	int rc;

	if (s->xcr0 == 1 && !kvm_check(t->vm_fd, KVM_CAP_XCRS))
		return 0;
	rc = kvm_ioctl(t->fd, KVM_SET_XCRS, &xcrs);
	if (rc >= 0)
		return 0;
	return err_set(rc, "KVM refuses XCR0 = %#" PRIx64 ": %s", s->xcr0,
		strerror(-rc));
}

static int load_debugregs(
	const struct vcpu_target *t, const struct cpu_vcpu_state *s)
{
	int rc = kvm_ioctl(t->fd, KVM_SET_DEBUGREGS, (void *)&s->debugregs);

	if (rc >= 0)
		return 0;
	return err_set(rc,
		"KVM refuses the debug registers: DR6 %#llx, DR7 %#llx: %s",
		s->debugregs.dr6, s->debugregs.dr7, strerror(-rc));
}

static int load_lapic(
	const struct vcpu_target *t, const struct cpu_vcpu_state *s)
{
	return set(t->fd, KVM_SET_LAPIC, &s->lapic,
		"the local APIC's registers; is its id (offset 20H) the "
		"vCPU's?");
}

static int load_events(
	const struct vcpu_target *t, const struct cpu_vcpu_state *s)
{
	int rc = kvm_ioctl(t->fd, KVM_SET_VCPU_EVENTS, (void *)&s->events);

	if (rc >= 0)
		return 0;
	return err_set(rc,
		"KVM refuses the pending events: flags %#x, exception %u%s, "
		"interrupt %u%s, SMM %u: %s",
		s->events.flags, s->events.exception.nr,
		s->events.exception.injected ? " injected" : "",
		s->events.interrupt.nr,
		s->events.interrupt.injected ? " injected" : "",
		s->events.smi.smm, strerror(-rc));
}

static int load_mp_state(
	const struct vcpu_target *t, const struct cpu_vcpu_state *s)
{
	struct kvm_mp_state mp = { .mp_state = s->mp_state };
	int rc = kvm_ioctl(t->fd, KVM_SET_MP_STATE, &mp);

	if (rc >= 0)
		return 0;
	return err_set(rc, "KVM refuses the MP state %u: %s", s->mp_state,
		strerror(-rc));
}

int cpu_vcpu_load(struct cpu_model *model, struct cpu_clock *clock,
	unsigned index, const struct cpu_vcpu_state *state)
{
	static int (*const steps[])(
		const struct vcpu_target *t, const struct cpu_vcpu_state *s) = {
		load_sregs,
		nested_load,
		load_regs,
		xsave_load,
		load_xcr0,
		load_debugregs,
		load_lapic,
		msrs_load,
		load_events,
		load_mp_state,
	};
	struct vcpu_clock *v = &clock->vcpu[index];
	const struct vcpu_target target = {
		.model = model,
		.vm_fd = clock->vm_fd,
		.fd = v->fd,
	};
	int rc = 0;

	for (unsigned i = 0; !rc && i < ARRAY_SIZE(steps); i++)
		rc = steps[i](&target, state);
	if (rc)
		return err_wrap(rc, "vCPU %u", index);
	v->tsc = state->tsc;
	v->deadline = state->tsc_deadline;
	v->timer_count = lapic_armed_count(&state->lapic);
	/* What the guest was told at the save, KVM never did tell it. */
	cpu_vcpu_held(v->fd);
	return 0;
}
