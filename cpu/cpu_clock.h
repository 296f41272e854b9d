/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu_clock.h - the guest's time, and how it is made to stand still
 *
 * While a machine is held its counters and the timers armed on them keep the
 * values of the moment of cpu_clock_stop(); cpu_clock_start() lets them go on from
 * there, all vCPUs by the same amount, so that no timer is early and none is lost.
 * cpu/ARCH/ implements this.
 *
 * Both are for the thread that holds the machine: no vCPU is in KVM_RUN.  Devices are
 * still idle while it starts, for an interrupt that they raise meanwhile may be lost.
 * They cost a few ioctls a vCPU and wait for nothing.
 *
 * x86: KVM stops kvmclock everywhere, and the TSC since Linux 5.16
 * (KVM_VCPU_TSC_OFFSET).  Before that, and where a KVM lets guests read the host's
 * TSC, the TSC goes on, and timers wait for as long as kvmclock says.
 */
#ifndef MUSTER_CPU_CPU_CLOCK_H
#define MUSTER_CPU_CPU_CLOCK_H

#include "vmm/base/util.h"

struct cpu_clock; /* opaque */

/*
 * Of vCPUs that have their model and do not run yet.  The descriptors stay the
 * caller's, and open for longer than the clock.
 */
int cpu_clock_new(
	int vm_fd, const int *vcpu_fds, unsigned count, struct cpu_clock **ret);

/* NULL is fine. */
struct cpu_clock *cpu_clock_free(struct cpu_clock *clock);

/* Nothing if it stands already.  -errno with a sentence: it runs on. */
int cpu_clock_stop(struct cpu_clock *clock);

/*
 * Nothing if it runs already.  -errno with a sentence: it runs, but what the
 * sentence names is not as it was.
 */
int cpu_clock_start(struct cpu_clock *clock);

/*
 * Tell a guest that its vCPU was held, so that it does not take the gap for a
 * hang.  On the vCPU's thread after it left KVM_RUN, or while the machine is
 * held.  False: the guest has no clock through which it could be told.
 */
bool cpu_vcpu_held(int vcpu_fd);

#endif
