/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_ucode.h - what becomes of a guest's own updates of its microcode
 *
 * The guest's processor is never updated.  By the policy its write is ignored or
 * refused, changes the revision that this vCPU shows, or hands the update to the
 * operator of the host, as a file in a spool directory.  Only a machine that was
 * given a spool may hand one over.
 *
 * What the guest says is copied once, within bounds, and verified before anything
 * follows from it.  As with a processor, an update that is not taken is no error
 * that the guest is told of: it sees that its revision stays.
 */
#ifndef MUSTER_VMM_GUEST_UCODE_H
#define MUSTER_VMM_GUEST_UCODE_H

#include "cpu/cpu_ucode.h"
#include "vmm/base/metrics.h"
#include "vmm/core/loop.h"
#include "vmm/vcpu.h"

struct control;

enum guest_ucode_policy {
	GUEST_UCODE_IGNORE,
	GUEST_UCODE_REFUSE,
	GUEST_UCODE_EMULATE,
	GUEST_UCODE_STAGE,
};

/* An update on its way to the spool. */
struct guest_ucode_staged {
	struct loop_call call;
	atomic_bool busy;
	unsigned vcpu;
	uint8_t *data; /* owned */
	size_t size_bytes;
};

struct guest_ucode {
	enum guest_ucode_policy policy;
	const struct mem *mem;   /* borrowed */
	struct control *control; /* borrowed */
	const char *spool;       /* borrowed; NULL: nothing is handed over */
	struct cpu_ucode_id id;
	struct guest_ucode_staged staged;
};

/* What the vCPUs need for a policy. */
enum cpu_loader guest_ucode_loader(enum guest_ucode_policy policy);

/* Carry out a load that this vCPU did (cpu_loader_exit()), on its thread. */
void guest_ucode_load(struct guest_ucode *guest, struct vcpu *vcpu,
	const struct cpu_load *load) ON_VCPU;

/* After the vCPUs have ended, and no call runs.  Zeroed is fine. */
void guest_ucode_fini(struct guest_ucode *guest);

extern const struct metric_group guest_ucode_metrics;

#endif
