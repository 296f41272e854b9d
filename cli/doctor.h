/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.h - what this host offers and lacks, as a list of checks */
#ifndef MUSTER_CLI_DOCTOR_H
#define MUSTER_CLI_DOCTOR_H

#include "vmm/base/err.h"
#include "vmm/base/util.h"

enum check_state {
	CHECK_OK,
	CHECK_WARN,    /* a VM runs without it, less well */
	CHECK_MISSING, /* no VM can run */
};

struct check {
	const char *name; /* static */
	enum check_state state;
	char text[ERR_TEXT_MAX]; /* what was found, and the remedy */
};

#define CHECKS_MAX 64

struct checks {
	unsigned count;
	struct check check[CHECKS_MAX];
};

/* Look at the host; changes nothing on it. */
void doctor_examine(struct checks *ret);

#endif
