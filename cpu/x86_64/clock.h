/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the values of a clock that stands, for the files that save and load it */
#ifndef MUSTER_CPU_X86_64_CLOCK_H
#define MUSTER_CPU_X86_64_CLOCK_H

#include "cpu/cpu_clock.h"
#include "cpu/x86_64/x86.h"

#define MSR_TSC          0x10
#define MSR_TSC_DEADLINE 0x6e0

struct vcpu_clock {
	int fd;
	uint64_t tsc; /* of all vCPUs at the same moment */
	uint64_t tsc_offset;
	uint64_t deadline;    /* IA32_TSC_DEADLINE, 0: not armed */
	uint32_t timer_count; /* of an armed one-shot or periodic timer */
};

struct cpu_clock {
	int vm_fd;
	int tsc_khz;      /* of the guest; or why KVM does not say */
	bool has_offsets; /* KVM_VCPU_TSC_OFFSET, and it was not seen to fail */
	bool stands;

	/* While it stands: */
	bool loaded;  /* from a snapshot: KVM's own values never were these */
	bool advance; /* go on from the present instead */
	uint64_t kvmclock_ns;
	uint64_t realtime_ns; /* CLOCK_REALTIME at the same moment */

	unsigned count;
	struct vcpu_clock vcpu[];
};

/* "WHAT: …" for a negative errno, else 0. */
int clock_explain(int rc, const char *what);

/* ---- clock_timer.c ---- */

int clock_read_timer(struct vcpu_clock *v);
int clock_start_timers(struct cpu_clock *clock);
int clock_restart_pit(struct cpu_clock *clock);

/* The current count in the state of a local APIC (SDM vol. 3, 11.5.4). */
void lapic_set_timer_count(struct kvm_lapic_state *apic, uint32_t count);

/* The count of a timer that is armed in one-shot or periodic mode, else 0. */
uint32_t lapic_armed_count(const struct kvm_lapic_state *apic);

#endif
