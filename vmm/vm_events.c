/* SPDX-License-Identifier: Apache-2.0 */
/* vm_events.c - what happens to a VM, as events */
#include "vmm/vm_events.h"

#include "vmm/base/ratelimit.h"

static const char *outcome_name(enum outcome outcome)
{
	for (unsigned i = 0; i < outcome_table_count; i++)
		if (outcome_table[i].outcome == outcome)
			return outcome_table[i].name;
	return "failure";
}

void vm_tell_end(struct events *events, const struct vm_result *result)
{
	if (result->outcome == OUTCOME_PANIC)
		events_post(events, "guest_panic", NULL);
	events_post(events, "state", json_pack("{s:s}", "state", "Ended"));
	events_post(events, "end",
		json_pack("{s:s, s:i, s:o}", "outcome",
			outcome_name(result->outcome), "status", result->status,
			"line", events_text(result->line)));
}

void vm_tell_snapshot(
	struct events *events, const struct vm_snapshot_args *args)
{
	events_post(events, "snapshot",
		json_pack("{s:s, s:o, s:o}", "snapshot_type",
			args->diff ? "Diff" : "Full", "snapshot_path",
			events_text(args->state_path), "mem_file_path",
			events_text(args->memory_path)));
}

void vm_tell_device_error(
	struct events *events, const char *device, const char *why)
{
	static struct ratelimit limit = RATELIMIT_INIT(10, 1000);
	uint64_t swallowed;
	json_t *members;

	if (!ratelimit_pass(&limit, &swallowed))
		return;
	members = json_pack("{s:o, s:o}", "device", events_text(device),
		"error", events_text(why));
	if (swallowed && members)
		json_object_set_new(members, "not_told",
			json_integer((json_int_t)swallowed));
	events_report(events, "device_error", members);
}
