/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vcpu.h - one thread per vCPU: KVM_RUN and the register accesses it returns for
 *
 * vCPUs are created and fed by the control thread, then run on threads of their
 * own until vcpus_stop() or until they cannot go on.
 */
#ifndef MUSTER_VMM_VCPU_H
#define MUSTER_VMM_VCPU_H

#include <linux/kvm.h>
#include <stdatomic.h>

#include "vmm/base/metrics.h"
#include "vmm/base/thread.h"
#include "vmm/core/bus.h"
#include "vmm/park.h"

/* Why a vCPU ended by itself. */
enum vcpu_end {
	VCPU_TRIPLE_FAULT, /* KVM_EXIT_SHUTDOWN */
	VCPU_FAILED,       /* KVM cannot go on; `detail` says why */
};

struct cpu_load;
struct vcpu;

/* What all vCPUs of a machine share. */
struct vcpu_env {
	const struct bus *ports;
	const struct bus *mmio;
	/* On the vCPU's thread, as the last thing it does. */
	void (*ended)(void *owner, unsigned index, enum vcpu_end why,
		const char *detail);
	/* The guest wrote the register that loads microcode; on the vCPU's thread. */
	void (*loads_ucode)(
		void *owner, struct vcpu *vcpu, const struct cpu_load *load);
	void *owner;
	struct park park;
	/* Where the first vCPU that goes on counts how long it took, in ns. */
	struct histogram *resumed;
};

struct vcpu {
	unsigned index;
	int fd;
	struct kvm_run *run; /* shared with KVM */
	size_t run_bytes;
	struct parker parker;
	pthread_t thread;
	bool started;
	struct vcpu_env *env;
};

/* KVM_CREATE_VCPU and its shared page.  0 or -errno with a sentence. */
int vcpu_init(struct vcpu *vcpu, int kvm_fd, int vm_fd, unsigned index,
	struct vcpu_env *env);

/* Zeroed or half-built is fine; after vcpus_stop(). */
void vcpu_fini(struct vcpu *vcpu);

/* Start the threads "vcpu0", "vcpu1", …; on failure none is left running. */
int vcpus_start(struct vcpu *vcpus, unsigned count);

/*
 * Make every vCPU leave KVM_RUN with no access half done, and stay out until
 * vcpus_release().  0 when all are out; at once if none has been started, and they
 * then start held.  -ETIMEDOUT and the first that is late if they are not by
 * `until_ns`; vcpus_wait() waits on.
 */
int vcpus_hold(struct vcpu *vcpus, unsigned count, uint64_t until_ns,
	unsigned *ret_late);
int vcpus_wait(struct vcpu *vcpus, unsigned count, uint64_t until_ns,
	unsigned *ret_late);

/* Let all go on. */
void vcpus_release(struct vcpu *vcpus, unsigned count);

/*
 * Make every vCPU end and wait for that; held ones end without having run again.
 */
void vcpus_stop(struct vcpu *vcpus, unsigned count);

extern const struct metric_group vcpu_metrics;

#endif
