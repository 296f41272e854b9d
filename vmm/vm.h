/* SPDX-License-Identifier: Apache-2.0 */
/* vm.h - assemble a machine from its configuration, run it, say how it ended */
#ifndef MUSTER_VMM_VM_H
#define MUSTER_VMM_VM_H

#include "vmm/base/util.h"
#include "vmm/config.h"

/*
 * How a run ends; the value is the process's exit status.  A debug exit ends
 * with the byte that the guest wrote instead.
 */
enum outcome {
	OUTCOME_POWER_OFF = 0,
	OUTCOME_BAD_CONFIG = 2, /* an option, or a file that it names */
	OUTCOME_HOST_LACKS = 3, /* KVM absent, forbidden or too old */
	OUTCOME_VMM_FAILED = 4, /* the host failed us while the VM ran */
	OUTCOME_REBOOT = 10,
	OUTCOME_TRIPLE_FAULT = 11,
	OUTCOME_PANIC = 12,
	OUTCOME_TIMEOUT = 13,
	OUTCOME_STOPPED = 14, /* SIGTERM, SIGINT, SIGHUP or the escape key */
	OUTCOME_DEBUG_EXIT = 256, /* the status is in `status` */
};

struct vm_server;

/* One row for each outcome, in ascending order: help, man page and README. */
struct outcome_info {
	enum outcome outcome;
	const char *name; /* one word */
	const char *help; /* a phrase, no capital, no stop */
	const char
		*line; /* what a run that ended so says; NULL: it never ran */
};

extern const struct outcome_info outcome_table[];
extern const unsigned outcome_table_count;

/* The status as people know it: "13", or "N" where the guest chooses. */
#define OUTCOME_STATUS_MAX 12
const char *outcome_status(enum outcome outcome, char ret[OUTCOME_STATUS_MAX]);

struct vm_result {
	enum outcome outcome;
	int status;     /* the process's exit status */
	char line[160]; /* one line that says what happened, no newline */
	int signal;     /* that led to this; 0: none, or the escape key */
};

/*
 * Run one VM from start to end on the calling thread.  0: it ran, and *ret says
 * how it ended.  -errno with a sentence: it was not started; *ret holds
 * OUTCOME_BAD_CONFIG or OUTCOME_HOST_LACKS, and nothing was created or changed
 * on disk.  `server` serves config->control_path, whose clients may change *config.
 */
int vm_run(struct vm_config *config, const struct vm_server *server,
	struct vm_result *ret);

/*
 * The same for a VM that goes on from the snapshot that config->restore names,
 * which completes `config`.
 */
int vm_restore(struct vm_config *config, const struct vm_server *server,
	struct vm_result *ret);

struct vm_service;

/*
 * Serve a socket until the VM that its clients configure and start has ended, or
 * this process is told to stop.  The first members of `service` say where and how,
 * the others are filled in.  As vm_run() otherwise.
 */
int vm_serve(const struct vm_service *service, const struct vm_server *server,
	struct vm_result *ret);

#endif
