/* SPDX-License-Identifier: Apache-2.0 */
/* ending.c - how a run ended */
#include "vmm/ending.h"

#include <stdio.h>

static const char *line_of(enum outcome outcome)
{
	for (unsigned i = 0; i < outcome_table_count; i++)
		if (outcome_table[i].outcome == outcome)
			return outcome_table[i].line;
	return "the VM ended";
}

void ending_init(struct ending *ending, struct loop *control)
{
	*ending = (struct ending){
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.control = control,
	};
}

void ending_report(struct ending *ending, enum outcome outcome, uint8_t status,
	const char *detail)
{
	struct vm_result *r = &ending->result;

	pthread_mutex_lock(&ending->lock);
	if (!ending->reported) {
		ending->reported = true;
		r->outcome = outcome;
		r->status = outcome == OUTCOME_DEBUG_EXIT ? status
							  : (int)outcome;
		r->signal = outcome == OUTCOME_DEBUG_EXIT ? 0 : status;
		snprintf(r->line, sizeof(r->line), "%s%s%s", line_of(outcome),
			detail ? ": " : "", detail ? detail : "");
	}
	pthread_mutex_unlock(&ending->lock);
	loop_stop(ending->control);
}

struct vm_result ending_result(struct ending *ending)
{
	struct vm_result result;

	pthread_mutex_lock(&ending->lock);
	result = ending->result;
	pthread_mutex_unlock(&ending->lock);
	return result;
}

bool ending_reported(struct ending *ending)
{
	bool reported;

	pthread_mutex_lock(&ending->lock);
	reported = ending->reported;
	pthread_mutex_unlock(&ending->lock);
	return reported;
}
