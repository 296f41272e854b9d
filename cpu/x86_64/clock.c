/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.c - stop and start the guest's time: kvmclock, TSC, timers
 *
 * Theory of operation: KVM has no switch for time.  Stopping only reads: kvmclock,
 * each vCPU's TSC and what its timer waits for.  Starting writes these values back,
 * in this order: the TSC, because deadlines are in its units; kvmclock, which KVM
 * derives from TSCs that agree; the timers, because KVM arms them against the
 * host's clock and knows nothing of the gap.  A timer that KVM let expire in the gap
 * is armed again as well: KVM then forgets the expiry, which no vCPU has seen.
 *
 * All TSCs are set by offset to values of one moment.  The offsets of vCPUs that were
 * equal stay equal, and only then does KVM keep a clock that is common to all.
 *
 * A deadline reads as 0 only once its interrupt is in the local APIC.  The deadline
 * is read at the stop and the local APIC after it (state.c), never the other way
 * round, so that an expiry between the two is seen at least once.
 */
#include "cpu/x86_64/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

#define NS_PER_S   1000000000ull
#define KHZ_PER_NS 1000000u /* cycles = ns * kHz / this */

int clock_explain(int rc, const char *what)
{
	return rc < 0 ? err_set(rc, "%s: %s", what, strerror(-rc)) : 0;
}

/* ---- the TSC ---- */

static int tsc_offset(int fd, unsigned long request, uint64_t *offset)
{
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uint64_t)(uintptr_t)offset,
	};

	return clock_explain(
		kvm_ioctl(fd, request, &attr), "KVM_VCPU_TSC_OFFSET");
}

static bool has_offsets(int fd)
{
	const struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
	};

	return !kvm_ioctl(fd, KVM_HAS_DEVICE_ATTR, (void *)&attr);
}

/*
 * The offsets that give each vCPU its TSC now, from what the host's TSC is in units
 * of the guest's: that of any vCPU less its offset, for all have one frequency.
 */
static int compute_offsets(struct cpu_clock *clock)
{
	uint64_t offset = 0, host = 0;
	int fd = clock->vcpu[0].fd;
	int rc = tsc_offset(fd, KVM_GET_DEVICE_ATTR, &offset);

	if (!rc)
		rc = clock_explain(msr_read(fd, MSR_TSC, &host), "IA32_TSC");
	host -= offset;
	for (unsigned i = 0; i < clock->count; i++)
		clock->vcpu[i].tsc_offset = clock->vcpu[i].tsc - host;
	return rc;
}

/* A KVM whose guests read the host's TSC takes offsets, and drops them. */
static int set_offsets(struct cpu_clock *clock)
{
	uint64_t now = 0;
	int rc = compute_offsets(clock);

	for (unsigned i = 0; !rc && i < clock->count; i++)
		rc = tsc_offset(clock->vcpu[i].fd, KVM_SET_DEVICE_ATTR,
			&clock->vcpu[i].tsc_offset);
	if (!rc)
		rc = tsc_offset(clock->vcpu[0].fd, KVM_GET_DEVICE_ATTR, &now);
	if (!rc)
		clock->has_offsets = now == clock->vcpu[0].tsc_offset;
	return rc;
}

/* KVM takes writes within a second of each other for one to all vCPUs. */
static int write_tscs(struct cpu_clock *clock)
{
	int rc = 0;

	for (unsigned i = 0; !rc && i < clock->count; i++)
		rc = clock_explain(msr_write(clock->vcpu[i].fd, MSR_TSC,
					   clock->vcpu[i].tsc),
			"IA32_TSC");
	return rc;
}

/* Without offsets the TSC of a guest that was only held goes on. */
static int set_tscs(struct cpu_clock *clock)
{
	int rc = clock->has_offsets ? set_offsets(clock) : 0;

	if (!rc && !clock->has_offsets && clock->loaded)
		rc = write_tscs(clock);
	return rc;
}

/* ---- stop ---- */

static uint64_t now_realtime_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static int read_kvmclock(struct cpu_clock *clock)
{
	struct kvm_clock_data data;
	int rc = clock_explain(
		kvm_ioctl(clock->vm_fd, KVM_GET_CLOCK, &data), "KVM_GET_CLOCK");

	clock->realtime_ns = now_realtime_ns();
	clock->kvmclock_ns = rc ? 0 : data.clock;
	return rc;
}

static int read_vcpu(const struct cpu_clock *clock, struct vcpu_clock *v)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[2];
	} msrs = {
		.head.nmsrs = 2,
		.entry = { { .index = MSR_TSC },
			{ .index = MSR_TSC_DEADLINE } },
	};
	int rc = clock_explain(
		kvm_ioctl(v->fd, KVM_GET_MSRS, &msrs), "KVM_GET_MSRS");

	if (rc)
		return rc;
	/* One that KVM does not have is left at 0. */
	v->tsc = msrs.entry[0].data;
	v->deadline = msrs.entry[1].data;
	v->timer_count = 0;
	if (clock->has_offsets)
		rc = tsc_offset(v->fd, KVM_GET_DEVICE_ATTR, &v->tsc_offset);
	/* Only one of the two modes can be armed. */
	return rc || v->deadline ? rc : clock_read_timer(v);
}

/* The vCPUs were read one after the other; the offsets tell how they differ. */
static void align_tscs(struct cpu_clock *clock)
{
	const struct vcpu_clock *first = &clock->vcpu[0];

	for (unsigned i = 1; clock->has_offsets && i < clock->count; i++) {
		struct vcpu_clock *v = &clock->vcpu[i];

		v->tsc = first->tsc + v->tsc_offset - first->tsc_offset;
	}
}

int cpu_clock_stop(struct cpu_clock *clock)
{
	int rc;

	if (clock->stands)
		return 0;
	rc = read_kvmclock(clock);
	for (unsigned i = 0; !rc && i < clock->count; i++) {
		rc = read_vcpu(clock, &clock->vcpu[i]);
		if (rc)
			err_wrap(rc, "vCPU %u", i);
	}
	if (rc)
		return rc;
	align_tscs(clock);
	clock->loaded = clock->advance = false;
	clock->stands = true;
	return 0;
}

/* ---- start ---- */

/* Time away is what the host's clock says, unless that was set back. */
static int advance(struct cpu_clock *clock)
{
	uint64_t now = now_realtime_ns();
	uint64_t away_ns = now > clock->realtime_ns ? now - clock->realtime_ns
						    : 0;
	int khz = clock->tsc_khz;
	uint64_t cycles;

	if (!clock->advance)
		return 0;
	if (khz < 0)
		return clock_explain(khz, "KVM_GET_TSC_KHZ");
	cycles = (uint64_t)((unsigned __int128)away_ns * (unsigned)khz /
			    KHZ_PER_NS);
	clock->kvmclock_ns += away_ns;
	for (unsigned i = 0; i < clock->count; i++)
		clock->vcpu[i].tsc += cycles;
	return 0;
}

static int set_kvmclock(struct cpu_clock *clock)
{
	struct kvm_clock_data data = { .clock = clock->kvmclock_ns };

	return clock_explain(
		kvm_ioctl(clock->vm_fd, KVM_SET_CLOCK, &data), "KVM_SET_CLOCK");
}

/* The machine runs again whatever fails: the rest is still done. */
int cpu_clock_start(struct cpu_clock *clock)
{
	static int (*const steps[])(struct cpu_clock * clock) = {
		advance,
		set_tscs,
		set_kvmclock,
		clock_start_timers,
		clock_restart_pit,
	};
	int failed = 0;

	for (unsigned i = 0; clock->stands && i < ARRAY_SIZE(steps); i++) {
		int rc = steps[i](clock);

		failed = rc ? rc : failed;
	}
	clock->stands = false;
	return failed;
}

bool cpu_vcpu_held(int vcpu_fd)
{
	return !kvm_ioctl(vcpu_fd, KVM_KVMCLOCK_CTRL, NULL);
}

/* ---- life ---- */

int cpu_clock_new(
	int vm_fd, const int *vcpu_fds, unsigned count, struct cpu_clock **ret)
{
	struct cpu_clock *clock = calloc(
		1, sizeof(*clock) + count * sizeof(clock->vcpu[0]));

	if (!clock)
		return err_set(-ENOMEM, "no memory for the guest's clock");
	clock->vm_fd = vm_fd;
	clock->tsc_khz = kvm_ioctl(vcpu_fds[0], KVM_GET_TSC_KHZ, NULL);
	clock->has_offsets = has_offsets(vcpu_fds[0]);
	clock->count = count;
	for (unsigned i = 0; i < count; i++)
		clock->vcpu[i].fd = vcpu_fds[i];
	*ret = clock;
	return 0;
}

struct cpu_clock *cpu_clock_free(struct cpu_clock *clock)
{
	free(clock);
	return NULL;
}
