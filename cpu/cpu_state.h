/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu_state.h - a machine's CPUs as data: save, load, and the CPU they show
 *
 * cpu/ARCH/ implements this.  The machine is held, its clock stands, and every
 * device is idle; all on the thread that holds it.  Saving changes nothing.
 *
 * An object of a table is one of zeros (state_new()) before cpu_*_save() or
 * state_load() fills it.
 *
 * Loading is for a new machine whose vCPUs have never run: guest memory first, then
 * cpu_vcpu_init() of all vCPUs, cpu_vcpu_load() of all, and cpu_vm_load() last,
 * which leaves the clock standing.  What is loaded is hostile: all that can
 * happen is that KVM refuses it, and a sentence names the register.
 */
#ifndef MUSTER_CPU_CPU_STATE_H
#define MUSTER_CPU_CPU_STATE_H

#include "cpu/cpu.h"
#include "cpu/cpu_clock.h"
#include "vmm/core/state.h"

struct cpu_vcpu_state; /* one vCPU: registers, local interrupts, its timer */
struct cpu_vm_state;   /* interrupt controllers, timers, the clock */

extern const struct state_desc cpu_vcpu_state_desc, cpu_vm_state_desc;

/* 0 or -errno with a sentence; after an error `ret` is only to be freed. */
int cpu_vcpu_save(struct cpu_model *model, const struct cpu_clock *clock,
	unsigned index, struct cpu_vcpu_state *ret);
int cpu_vm_save(const struct cpu_clock *clock, struct cpu_vm_state *ret);

/* 0; -EBADMSG or what KVM said, with a sentence. */
int cpu_vcpu_load(struct cpu_model *model, struct cpu_clock *clock,
	unsigned index, const struct cpu_vcpu_state *state);

enum clock_policy {
	CLOCK_KEEP,    /* the guest's time goes on from where it stood */
	CLOCK_ADVANCE, /* when it starts, by the time that has passed since */
};

int cpu_vm_load(struct cpu_clock *clock, const struct cpu_vm_state *state,
	enum clock_policy policy);

/* ---- the CPU that is shown ---- */

/*
 * Append the text of a template (cpu/template.h) with exactly what the vCPUs show.
 * It asks KVM nothing, which would wait for a vCPU that runs.
 */
int cpu_model_save(const struct cpu_model *model, const struct cpu_clock *clock,
	struct buf *out);

/* The revision of the microcode that they show when they start; 0: none. */
uint32_t cpu_model_microcode(const struct cpu_model *model);

/*
 * The host runs this revision now: show it on every vCPU, all of which are held.  A
 * CPU that was given a revision of its own, as a template's or a snapshot's is, keeps
 * it, and no vCPU's ever falls.  0 or -errno with a sentence.
 */
int cpu_model_follow_host(struct cpu_model *model,
	const struct cpu_clock *clock, uint32_t revision);

/*
 * cpu_model_new() with such a text in place of options->cpu, which then only says
 * in sentences where the CPU comes from ("vm.state").
 */
int cpu_model_from_text(int kvm_fd, const struct cpu_options *options,
	const void *text, size_t len, struct cpu_model **ret);

/*
 * Append the profile (cpu/profile.h) of this host.  It visits every CPU, for
 * milliseconds: not while a machine is held.
 */
int cpu_host_profile(struct buf *out);

#endif
