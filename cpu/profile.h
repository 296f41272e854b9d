/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.h - what one host offers: a versioned JSON file
 *
 * Made by `muster fleet profile` (cpu/x86_64/collect.c reads the host), read by
 * merge, check and report.  Everything read from a file is untrusted.
 */
#ifndef MUSTER_CPU_PROFILE_H
#define MUSTER_CPU_PROFILE_H

#include <jansson.h>

#include "cpu/cpu_list.h"
#include "cpu/x86_64/cpu_set.h"
#include "vmm/base/buf.h"

#define PROFILE_VERSION    1
#define PROFILE_GROUPS_MAX 64
#define PROFILE_PARAMS_MAX 128
#define PROFILE_TEXT_MAX   255

/* Logical CPUs whose silicon agrees in every register. */
struct profile_group {
	struct cpu_list cpus;
	bool msrs_known;    /* /dev/cpu/N/msr could be read */
	uint64_t microcode; /* revision, 0: unknown */
	struct cpu_set silicon;
};

struct profile_param {
	char *name;  /* "kvm_intel.nested" */
	char *value; /* "Y" */
};

struct profile {
	char *host;   /* node name, or what --name said */
	char *kernel; /* uname -r */
	uint64_t tsc_khz;
	bool tsc_scaling;
	struct cpu_set kvm;           /* what KVM offers, probed */
	unsigned group_count;         /* 0: the silicon is unknown */
	struct profile_group *groups; /* first: the largest */
	unsigned param_count;
	struct profile_param params[PROFILE_PARAMS_MAX];
};

#define PROFILE_FORMAT "muster-profile"

/* Parse one document.  0, or -EBADMSG with a sentence that names `origin`. */
int profile_parse(
	const char *origin, const void *json, size_t len, struct profile **ret);
int profile_parse_json(
	const char *origin, const json_t *root, struct profile **ret);

/* The file at `path`; "-" is standard input. */
int profile_read(const char *path, struct profile **ret);

/* Deterministic: keys in a fixed order, numbers as 0x… strings. */
void profile_print(const struct profile *profile, struct buf *out);

/* A Firecracker fingerprint (cpu-template-helper): its guest CPU as the offer. */
int profile_parse_firecracker(
	const char *origin, const void *json, size_t len, struct profile **ret);
int profile_read_firecracker(const char *path, struct profile **ret);

/* Visit this host.  0 or -errno with a sentence. */
int profile_collect(const char *host_name, struct profile **ret);

/* Only the groups: the silicon of each logical CPU as it is now. */
int profile_collect_silicon(struct profile **ret);

/*
 * Logical CPUs that disagree, one line each ("CPU 17: microcode 0x2b000603,
 * others 0x2b000650"); returns how many.
 */
unsigned profile_print_asymmetry(
	const struct profile *profile, struct buf *out);

/* NULL is fine; returns NULL. */
struct profile *profile_free(struct profile *profile);

#endif
