/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ending.h - how a run ended: the first report counts, and stops the machine
 */
#ifndef MUSTER_VMM_ENDING_H
#define MUSTER_VMM_ENDING_H

#include <pthread.h>

#include "vmm/core/loop.h"
#include "vmm/vm.h"

struct ending {
	pthread_mutex_t lock; /* protects reported and result */
	bool reported;
	struct vm_result result;
	struct loop *control; /* borrowed; stopped by the first report */
};

void ending_init(struct ending *ending, struct loop *control);

/*
 * Any thread.  `detail` completes the outcome's sentence, or is NULL; `status` is
 * OUTCOME_DEBUG_EXIT's, else the signal that led to this, or 0.
 */
void ending_report(struct ending *ending, enum outcome outcome, uint8_t status,
	const char *detail);

/* What was reported first.  Any thread. */
struct vm_result ending_result(struct ending *ending);

/* Any thread. */
bool ending_reported(struct ending *ending);

#endif
