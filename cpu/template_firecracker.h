/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_firecracker.h - Firecracker's CPU templates: changes to the host's CPU
 *
 * A custom template is JSON with a bitmap for each register: 0 clears a bit, 1 sets
 * it, x leaves what the host has.  The built-in ones are tables.  What a template
 * leaves open differs from host to host; a muster template leaves nothing open.
 */
#ifndef MUSTER_CPU_TEMPLATE_FIRECRACKER_H
#define MUSTER_CPU_TEMPLATE_FIRECRACKER_H

#include "cpu/x86_64/cpu_set.h"

#define FC_MODIFIERS_MAX    1024
#define FC_CAPABILITIES_MAX 64

struct fc_modifier {
	uint8_t space; /* SPACE_CPUID or SPACE_MSR */
	uint8_t reg;   /* enum feature_cpuid_reg */
	uint32_t index;
	uint32_t subleaf;
	uint64_t mask;  /* the bits that it decides */
	uint64_t value; /* what they become */
};

struct fc_template {
	const char *vendor; /* of the CPUs it is for, or NULL: any */
	unsigned count;
	const struct fc_modifier *modifier;
	struct fc_modifier
		*owned; /* the same when read from a file, else NULL */
	unsigned capability_count;
	int capability[FC_CAPABILITIES_MAX]; /* KVM must have these */
};

/* The built-in template of that name: C3, T2, T2S, T2CL, T2A.  -ENOENT. */
int fc_builtin(const char *name, struct fc_template *ret);

/* Parse one document.  0, or -EBADMSG with a sentence that names `origin`. */
int fc_parse(const char *origin, const void *json, size_t len,
	struct fc_template *ret);

/* Zeroed is fine. */
void fc_fini(struct fc_template *t);

/*
 * Change a CPU.  Modifiers of registers that no table knows change nothing: the
 * caller looks at those.
 */
void fc_apply(const struct fc_template *t, struct cpu_set *set);

#endif
