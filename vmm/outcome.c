/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.c - the exit statuses, explained */
#include "vmm/vm.h"

#include <stdio.h>

const struct outcome_info outcome_table[] = {
	{ OUTCOME_POWER_OFF, "power-off", "the guest powered itself off",
		"the guest powered off" },
	{ OUTCOME_BAD_CONFIG, "usage",
		"an option, or a file that it names, is wrong; nothing was "
		"started",
		NULL },
	{ OUTCOME_HOST_LACKS, "host",
		"the host lacks what a VM needs (see muster doctor); nothing "
		"was started",
		NULL },
	{ OUTCOME_VMM_FAILED, "failure",
		"muster or the host failed while it served",
		"the VM cannot go on" },
	{ OUTCOME_REBOOT, "reboot", "the guest asked for a reboot",
		"the guest asked for a reboot, which ends a run" },
	{ OUTCOME_TRIPLE_FAULT, "triple-fault",
		"a guest CPU shut down after a triple fault",
		"the guest ended in a triple fault" },
	{ OUTCOME_PANIC, "panic", "the guest reported a kernel panic",
		"the guest's kernel panicked; its console says why" },
	{ OUTCOME_TIMEOUT, "timeout", "--timeout stopped the VM",
		"stopped by --timeout" },
	{ OUTCOME_STOPPED, "stopped",
		"SIGTERM, SIGINT, SIGHUP or the escape key stopped the VM",
		"stopped" },
	{ OUTCOME_DEBUG_EXIT, "debug-exit",
		"with --debug-exit: the byte that the guest wrote",
		"the guest wrote its exit status" },
};
const unsigned outcome_table_count = ARRAY_SIZE(outcome_table);

const char *outcome_status(enum outcome outcome, char ret[OUTCOME_STATUS_MAX])
{
	if (outcome == OUTCOME_DEBUG_EXIT)
		return "N";
	snprintf(ret, OUTCOME_STATUS_MAX, "%d", (int)outcome);
	return ret;
}
