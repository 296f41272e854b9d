/* SPDX-License-Identifier: Apache-2.0 */
/* ucode_spool.h - microcode that guests hand over, as files for the operator */
#ifndef MUSTER_VMM_UCODE_SPOOL_H
#define MUSTER_VMM_UCODE_SPOOL_H

#include "cpu/cpu_ucode.h"
#include "vmm/events.h"

/* A spool that holds so many updates takes no other. */
#define UCODE_SPOOL_MAX 64

struct ucode_handover {
	struct cpu_ucode_id id; /* of the CPU that it is for */
	unsigned vcpu;          /* whose it was */
	const uint8_t *data;    /* verified */
	size_t size_bytes;
};

/* Can updates be put there?  0, or -errno with a sentence: "LABEL DIRECTORY: …". */
int ucode_spool_check(const char *label, const char *directory);

/*
 * Write the update to a file whose name tells the CPU and the revision, in the
 * place of an older one of the same name, and say so by an event "microcode_staged";
 * or that it failed.  Control thread.  0 or -errno.
 */
int ucode_spool_put(const char *directory, const struct ucode_handover *update,
	struct events *events);

#endif
