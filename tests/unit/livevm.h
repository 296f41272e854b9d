/* SPDX-License-Identifier: Apache-2.0 */
/*
 * livevm.h - a whole machine of this process, on the real /dev/kvm, with a payload
 * of tests/guests/ in it
 *
 * The calling thread is the control thread.
 */
#ifndef MUSTER_TESTS_LIVEVM_H
#define MUSTER_TESTS_LIVEVM_H

#include "vmm/vm_parts.h"

#define LIVEVM_CPUS_MAX 8

struct livevm {
	struct vm_config config;
	struct control *control;
	struct vm *vm; /* built; not started yet */
	/* What "counters" showed: the last number of each CPU. */
	_Atomic uint32_t count[LIVEVM_CPUS_MAX];
	atomic_uint wrong; /* numbers that did not follow on the last */
};

/* False, after saying what is missing, if there is no KVM here; others fail. */
bool livevm_available(void);

/* `disk` is --disk's, or NULL. */
void livevm_build(struct livevm *live, const char *payload, unsigned cpus,
	const char *cmdline, const char *disk);

/* Take it down. */
void livevm_end(struct livevm *live);

/*
 * Wait until each of the first CPUs has counted `more`; false if that took longer than
 * ten seconds.
 */
bool livevm_counts(struct livevm *live, unsigned cpus, uint32_t more);

#endif
