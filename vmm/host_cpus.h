/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_cpus.h - the logical CPUs of a host as microcode sees them, by kind
 *
 * Read from what the kernel says about them: /proc/cpuinfo and
 * /sys/devices/system/cpu/cpuN/microcode; offline ones are in neither.
 */
#ifndef MUSTER_VMM_HOST_CPUS_H
#define MUSTER_VMM_HOST_CPUS_H

#include "cpu/cpu_list.h"
#include "cpu/profile.h"
#include "firmware/ucode.h"

/* Those that are alike. */
struct host_cpu_kind {
	struct cpu_list cpus;
	struct ucode_cpu cpu; /* a revision of 0: not known */
	struct ucode_choice choice;
};

/* Zeroed: none. */
struct host_cpus {
	unsigned count, room;
	struct host_cpu_kind *kind; /* by their first CPU's number */
};

/*
 * This host; `root` stands in front of every path: "" but for tests.  0, or -errno
 * with a sentence.
 */
int host_cpus_read(const char *root, struct host_cpus *ret);

/* The host of a profile.  0, or -errno with a sentence. */
int host_cpus_of_profile(const struct profile *profile, struct host_cpus *ret);

/*
 * The one place where updates are chosen: the whole of what there is, for all CPUs
 * at once.  How many kinds have something to load.
 */
unsigned host_cpus_choose(struct host_cpus *host, const struct ucode_list *list,
	enum ucode_moment moment);

void host_cpus_fini(struct host_cpus *host);

#endif
