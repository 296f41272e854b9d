/* SPDX-License-Identifier: Apache-2.0 */
/* vcpu_state.h - what a snapshot keeps of vCPUs and of KVM's part of the machine */
#ifndef MUSTER_CPU_X86_64_VCPU_STATE_H
#define MUSTER_CPU_X86_64_VCPU_STATE_H

#include "cpu/cpu_state.h"
#include "cpu/x86_64/clock.h"

#define STATE_MSRS_MAX   1024
#define STATE_XSAVE_MAX  (64 * KIB)
#define STATE_NESTED_MAX (16 * KIB)

struct msr_state {
	uint32_t index;
	uint64_t value;
};

/* KVM's structures, where they hold state alone. */
struct cpu_vcpu_state {
	uint32_t mp_state;
	struct kvm_regs regs;
	struct kvm_sregs2 sregs;
	uint64_t xcr0;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
	struct kvm_lapic_state
		lapic; /* the timer's count as the clock stands */
	uint64_t tsc;  /* of all vCPUs at the same moment */
	uint64_t tsc_deadline;
	uint32_t msr_count;
	struct msr_state *msrs;
	uint32_t xsave_bytes;
	uint8_t *xsave; /* the standard format (SDM vol. 1, 13.4) */
	uint32_t nested_bytes;
	uint8_t *nested; /* struct kvm_nested_state; none without --nested on */
};

struct cpu_vm_state {
	struct kvm_pic_state pic[2];
	struct kvm_ioapic_state ioapic;
	struct kvm_pit_state2 pit;
	uint64_t kvmclock_ns;
	uint64_t realtime_ns; /* CLOCK_REALTIME at the same moment */
};

/* A state that the functions below read or fill, and where it belongs. */
struct vcpu_target {
	struct cpu_model *model;
	int vm_fd;
	int fd;
};

/* ---- msr_wishes.c ---- */

struct wish {
	uint32_t index;
	bool maybe; /* only where it holds something else than at reset */
};

/* Ascending; made at the first save, and kept by the model. */
struct msr_wishes {
	bool too_many; /* not all found room: no list at all */
	unsigned count;
	struct wish wish[STATE_MSRS_MAX];
};

/* Make the model's list, unless it has one. */
int msr_wish(struct cpu_model *model);

/* Is it loaded as a part of something else? */
bool msr_is_elsewhere(uint32_t msr);

/* ---- state_msr.c ---- */

int msrs_save(const struct vcpu_target *t, struct cpu_vcpu_state *ret);
int msrs_load(const struct vcpu_target *t, const struct cpu_vcpu_state *s);

/* ---- state_xsave.c ---- */

int xsave_save(const struct vcpu_target *t, struct cpu_vcpu_state *ret);
int xsave_load(const struct vcpu_target *t, const struct cpu_vcpu_state *s);

/* ---- state_nested.c ---- */

int nested_save(const struct vcpu_target *t, struct cpu_vcpu_state *ret);
int nested_load(const struct vcpu_target *t, const struct cpu_vcpu_state *s);

#endif
