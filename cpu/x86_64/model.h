/* SPDX-License-Identifier: Apache-2.0 */
/* model.h - the CPU that every vCPU of a machine shows, and where it comes from */
#ifndef MUSTER_CPU_X86_64_MODEL_H
#define MUSTER_CPU_X86_64_MODEL_H

#include "cpu/template.h"
#include "cpu/template_firecracker.h"
#include "cpu/x86_64/x86.h"

enum model_source { MODEL_HOST, MODEL_TEMPLATE, MODEL_FIRECRACKER };

#define MODEL_SUBJECT_MAX 112

struct msr_wishes;

struct cpu_model {
	int kvm_fd;                      /* the caller's */
	char subject[MODEL_SUBJECT_MAX]; /* what sentences begin with */
	unsigned cpus;
	unsigned threads; /* of each core */
	bool nested;
	bool strict_msrs;
	bool hide_hypervisor;
	enum cpu_loader loader;
	bool tsc_scaling; /* by KVM */
	enum model_source source;
	struct template template; /* MODEL_TEMPLATE */
	struct fc_template fc;    /* MODEL_FIRECRACKER */
	struct cpuid supported;   /* by KVM */

	/* cpu_model_settle() fills these in. */
	struct cpu_set wanted; /* every vCPU shows this, but for its topology */
	struct cpuid cpuid;    /* the same for all, but for the APIC id */

	struct msr_wishes *wishes; /* owned; state_msr.c */
};

/* One without a source; `subject` is "--cpu host" or a file. */
int model_new(int kvm_fd, const struct cpu_options *options,
	const char *subject, struct cpu_model **ret);

/* Is the template for a host like this?  `wanted` is the host's CPU. */
int model_check_firecracker_host(const struct cpu_model *model, int vm_fd);

/*
 * Is every bit that the template decides in `wanted` now?  An MSR that is none of
 * the model's must be so on the vCPU already.
 */
int model_check_modifiers(const struct cpu_model *model, int vcpu_fd);

#endif
