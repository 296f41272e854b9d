/* SPDX-License-Identifier: Apache-2.0 */
/* ending.c - how a run ended */
#include "vmm/ending.h"

#include <stdio.h>

static const struct {
	enum outcome outcome;
	const char *line;
} lines[] = {
	{ OUTCOME_POWER_OFF, "the guest powered off" },
	{ OUTCOME_VMM_FAILED, "the VM cannot go on" },
	{ OUTCOME_REBOOT, "the guest rebooted, which ends a microVM" },
	{ OUTCOME_TRIPLE_FAULT, "the guest ended in a triple fault" },
	{ OUTCOME_PANIC, "the guest's kernel panicked; see its console" },
	{ OUTCOME_TIMEOUT, "stopped by --timeout" },
	{ OUTCOME_STOPPED, "stopped" },
	{ OUTCOME_DEBUG_EXIT, "the guest ended by the debug-exit port" },
};

static const char *line_of(enum outcome outcome)
{
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		if (lines[i].outcome == outcome)
			return lines[i].line;
	return "ended";
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
		snprintf(r->line, sizeof(r->line), "%s%s%s", line_of(outcome),
			detail ? ": " : "", detail ? detail : "");
	}
	pthread_mutex_unlock(&ending->lock);
	loop_stop(ending->control);
}
