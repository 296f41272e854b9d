/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - GET /events: the state as it is, and then all that happens */
#include "vmm/events.h"

#include <errno.h>

#include "vmm/api/resources.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

static const struct shape_member members[] = {
	{ .name = "version", .type = SHAPE_INTEGER },
	{ .name = "time_ns", .type = SHAPE_INTEGER },
	{ .name = "event", .type = SHAPE_STRING },
};

/* Of each line. */
const struct shape events_shape = {
	.name = "event",
	.media = "application/x-ndjson",
	.open = true,
	.members = members,
	.count = ARRAY_SIZE(members),
};

int get_events(struct api *api, struct call *call, struct reply *reply)
{
	CLEANUP_FREE char *line = NULL;
	struct vm_status status;
	size_t len = 0;

	(void)call;
	api->ops->status(api->instance, &status);
	line = events_line("state",
		json_pack("{s:s}", "state", vm_state_names[status.state]),
		&len);
	if (!line)
		return err_set(-ENOMEM, "no memory for an event");
	buf_append(&reply->body, line, len);
	reply->status = STATUS_FINE;
	reply->type = events_shape.media;
	reply->stream = api->events;
	return 0;
}
