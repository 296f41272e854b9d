/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.h - what an architecture gives the machine
 *
 * cpu/ARCH/ implements these functions; nothing above knows a register.  A
 * cpu_model is the CPU that every vCPU of a machine shows.
 */
#ifndef MUSTER_CPU_CPU_H
#define MUSTER_CPU_CPU_H

#include <linux/kvm.h>

#include "cpu/cpu_ucode.h"
#include "vmm/base/buf.h"
#include "vmm/core/bus.h"
#include "vmm/core/machine.h"

struct cpu_model; /* opaque */

/*
 * Create what a VM needs before its first vCPU: interrupt controllers, timer,
 * the pages that KVM wants for itself.  0 or -errno with a sentence.
 */
int cpu_vm_init(int kvm_fd, int vm_fd);

/* The highest guest-physical address + 1 that a guest can have here. */
uint64_t cpu_physical_limit(const struct cpu_model *model);

/* What the user says about the CPU. */
struct cpu_options {
	unsigned cpus;
	bool smt; /* two of them are the threads of a core */
	/* "host", a built-in template of Firecracker, or a template's file */
	const char *cpu;
	/* The text of a template, of which `cpu` then is only the name; or NULL */
	const char *text;
	bool nested;      /* VMX or SVM */
	bool strict_msrs; /* #GP for MSRs that the CPU shown does not have */
	bool hide_hypervisor; /* as on bare metal: no bit, no leaves of KVM's */
	enum cpu_loader loader;
};

/* Is this the text of a template?  0, or -EBADMSG with a sentence. */
int cpu_text_check(const char *origin, const char *text);

/* Read what `options` names.  0 or -errno with a sentence. */
int cpu_model_new(
	int kvm_fd, const struct cpu_options *options, struct cpu_model **ret);

/*
 * On the first vCPU, which has never run, and before cpu_vcpu_init(): decide what
 * all will show, and refuse what this host cannot.  0 or -errno with a sentence
 * that names the features.
 */
int cpu_model_settle(
	struct cpu_model *model, int kvm_fd, int vm_fd, int vcpu_fd);

/* NULL is fine. */
struct cpu_model *cpu_model_free(struct cpu_model *model);

/*
 * Give a new vCPU its model, once settled, and prove that KVM shows it; then the
 * local interrupt controller.  On the thread that will run it, or before that
 * exists.
 */
int cpu_vcpu_init(int vcpu_fd, const struct cpu_model *model, unsigned index);

/* Put vCPU 0 where boot/ wants it; the others wait for the guest to start them. */
int cpu_vcpu_enter(int vcpu_fd, const struct boot_entry *entry);

/*
 * Carry out an exit that only this architecture has (on x86 port I/O, and MSRs that
 * the guest must not touch): true if `run` was one.  Not for cpu_loader_exit().
 */
bool cpu_exit(struct kvm_run *run, const struct bus *ports);

/* Append the registers, for the report of a vCPU that cannot go on. */
void cpu_vcpu_dump(int vcpu_fd, struct buf *out);

#endif
