/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.h - what an architecture gives the machine
 *
 * cpu/ARCH/ implements these functions; nothing above knows a register.  A
 * cpu_model is the CPU that every vCPU of a machine shows: today the host's, made
 * coherent for the number of vCPUs.
 */
#ifndef MUSTER_CPU_CPU_H
#define MUSTER_CPU_CPU_H

#include <linux/kvm.h>

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

/* The CPU that `cpus` vCPUs show.  0 or -errno with a sentence. */
int cpu_model_new(int kvm_fd, unsigned cpus, struct cpu_model **ret);

/* NULL is fine. */
struct cpu_model *cpu_model_free(struct cpu_model *model);

/*
 * Give a new vCPU its model: CPUID first, then MSRs, then the local interrupt
 * controller.  On the thread that will run it, or before that exists.
 */
int cpu_vcpu_init(int vcpu_fd, const struct cpu_model *model, unsigned index);

/* Put vCPU 0 where boot/ wants it; the others wait for the guest to start them. */
int cpu_vcpu_enter(int vcpu_fd, const struct boot_entry *entry);

/*
 * Carry out an exit that only this architecture has (port I/O on x86): true if
 * `run` was one.
 */
bool cpu_exit(struct kvm_run *run, const struct bus *ports);

/* Append the registers, for the report of a vCPU that cannot go on. */
void cpu_vcpu_dump(int vcpu_fd, struct buf *out);

#endif
