/* SPDX-License-Identifier: Apache-2.0 */
/*
 * microcode.h - a VM's part in a late load of microcode: held by a lease
 *
 * Theory of operation: a coordinator (`muster microcode load`) takes a lease of every
 * VM of the host, then holds all, loads, and releases all.  It may die or hang at any
 * point, and so may the way to it: a lease that is not renewed runs out, and the VM
 * goes on by itself.  For the same reason a hold says until when it is worth
 * anything: a VM that was too busy to answer must not stop when the coordinator
 * has long given up.
 *
 * There may be no VM yet: one that is started while the lease holds starts held.
 *
 * All functions are the control thread's.
 */
#ifndef MUSTER_VMM_MICROCODE_H
#define MUSTER_VMM_MICROCODE_H

#include "vmm/core/loop.h"

#define MICROCODE_NAME_MAX 64

#define LEASE_MS_MIN       100
#define LEASE_MS_DEFAULT   5000
#define LEASE_MS_MAX       60000

struct instance;

enum lease_phase { LEASE_NONE, LEASE_PREPARED, LEASE_HELD };

/* All 0 is no lease; an instance has one. */
struct microcode {
	enum lease_phase phase;
	char coordinator[MICROCODE_NAME_MAX + 1];
	bool timed; /* `end` has been made */
	struct loop_timer end;
	uint64_t end_ns;
	/*
	 * This thread runs before others: it is all that the host's VMs wait for,
	 * while the vCPUs of those that are not held yet, or not any more, spin.
	 */
	bool urgent;
	struct loop_defer calm_down; /* … when the last answer is sent */
	uint64_t held_ns;            /* LEASE_HELD: since when no vCPU runs */
};

/* What a coordinator asks; times are CLOCK_MONOTONIC's. */
struct microcode_wish {
	const char *coordinator;
	uint64_t lease_ms; /* prepare, hold: from now */
	uint64_t until_ms; /* hold: all vCPUs are out by then, or run */
	/* release: what every CPU of the host runs now, or 0; ours still fits it */
	uint32_t revision;
	bool fits;
};

/* What it is told. */
struct microcode_answer {
	uint64_t now_ns;
	uint64_t held_ns; /* hold, release: no vCPU runs since, or ran from … */
	uint64_t released_ns; /* … until here */
	uint32_t revision;    /* release: what the guest sees; 0: none, no VM */
};

/*
 * Give out the lease, or renew it.  -EBUSY with a sentence while another coordinator
 * has it.
 */
int microcode_prepare(struct instance *instance,
	const struct microcode_wish *wish, struct microcode_answer *ret);

/*
 * Renew the lease, and hold the VM as PAUSE_MICROCODE unless it is so already.  After
 * an error, with a sentence, the lease has ended and this owner does not hold the VM.
 */
int microcode_hold(struct instance *instance, const struct microcode_wish *wish,
	struct microcode_answer *ret);

/*
 * End the lease and let the VM go on; one that does not fit the host any more stays
 * paused by the user if its configuration says so.  -ESTALE with a sentence if the
 * lease had run out.
 */
int microcode_release(struct instance *instance,
	const struct microcode_wish *wish, struct microcode_answer *ret);

/* Of a VM that is built and about to start: it starts held if a lease says so. */
int microcode_start(struct instance *instance);

/* At the end of the process, while the control loop is there. */
void microcode_fini(struct instance *instance);

#endif
