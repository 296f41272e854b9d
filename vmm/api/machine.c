/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c - the requests to a VM that there is: what it is, hold it, keep it */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "vmm/api/resources.h"
#include "vmm/api/vm_server.h"
#include "vmm/api/words.h"
#include "config.h"
#include "vmm/base/thread.h"
#include "vmm/pause.h"

/* ---- GET / ---- */

static const struct shape_member instance_members[] = {
	{ .name = "id", .type = SHAPE_STRING },
	{ .name = "state",
		.type = SHAPE_STRING,
		.words = vm_state_names,
		.word_count = VM_STATES },
	{ .name = "vmm_version", .type = SHAPE_STRING },
	{ .name = "app_name", .type = SHAPE_STRING },
};

const struct shape instance_shape = SHAPE("instance", instance_members);

int get_instance(struct api *api, struct call *call, struct reply *reply)
{
	struct vm_status status;

	(void)call;
	api->ops->status(api->instance, &status);
	reply_json(
		reply, json_pack("{s:s, s:s, s:s, s:s}", "id", api->id, "state",
			       vm_state_names[status.state], "vmm_version",
			       MUSTER_VERSION, "app_name", "muster"));
	return 0;
}

/* ---- GET /version ---- */

static const struct shape_member version_members[] = {
	{ .name = "firecracker_version", .type = SHAPE_STRING },
	{ .name = "muster_version", .type = SHAPE_STRING },
};

const struct shape version_shape = SHAPE("version", version_members);

int get_version(struct api *api, struct call *call, struct reply *reply)
{
	(void)api;
	(void)call;
	reply_json(
		reply, json_pack("{s:s, s:s}", "firecracker_version",
			       API_VERSION, "muster_version", MUSTER_VERSION));
	return 0;
}

/* ---- GET /cpu ---- */

static const struct shape_member cpu_members[] = {
	{ .name = "microcode", .type = SHAPE_STRING },
	{ .name = "template", .type = SHAPE_ANY },
};

const struct shape cpu_shape = SHAPE("cpu", cpu_members);

int get_cpu(struct api *api, struct call *call, struct reply *reply)
{
	struct vm_cpu cpu;
	char revision[16];
	int rc = api->ops->cpu(api->instance, &cpu);

	(void)call;
	snprintf(revision, sizeof(revision), "0x%x", cpu.microcode);
	if (!rc)
		reply_json(reply, json_pack("{s:s, s:o}", "microcode", revision,
					  "template",
					  json_loadb((char *)cpu.template.data,
						  cpu.template.len, 0, NULL)));
	buf_fini(&cpu.template);
	return rc;
}

/* ---- /vm ---- */

static const struct shape_member histogram_members[] = {
	{ .name = "count", .type = SHAPE_INTEGER },
	{ .name = "mean", .type = SHAPE_INTEGER },
	{ .name = "max", .type = SHAPE_INTEGER },
};

static const struct shape histogram_shape = SHAPE(
	"histogram", histogram_members);

static const struct shape_member vm_members[] = {
	{ .name = "state",
		.type = SHAPE_STRING,
		.words = vm_state_names,
		.word_count = VM_STATES },
	{ .name = "held_by",
		.type = SHAPE_STRING,
		.flags = SHAPE_LIST,
		.words = pause_owner_names,
		.word_count = PAUSE_OWNERS },
	{ .name = "pause",
		.type = SHAPE_OBJECT,
		.flags = SHAPE_MAP,
		.shape = &histogram_shape },
};

const struct shape vm_shape = SHAPE("vm-status", vm_members);

static json_t *owners_json(unsigned owners)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < PAUSE_OWNERS; i++)
		if (owners & BIT(i))
			json_array_append_new(
				list, json_string(pause_owner_names[i]));
	return list;
}

static json_t *histogram_json(const struct histogram *h)
{
	json_int_t count = (json_int_t)atomic_load(&h->count);
	json_int_t sum = (json_int_t)atomic_load(&h->sum);

	return json_pack("{s:I, s:I, s:I}", "count", count, "mean",
		count ? sum / count : 0, "max",
		(json_int_t)atomic_load(&h->max));
}

/* How long pauses took so far, in the names of the metrics. */
static json_t *pauses_json(void)
{
	const struct metric_group *group = &pause_metrics;
	json_t *times = json_object();

	for (unsigned i = 0; i < group->histogram_count; i++)
		json_object_set_new(times, group->histograms[i].name,
			histogram_json(&group->histograms[i]));
	return times;
}

int get_vm(struct api *api, struct call *call, struct reply *reply)
{
	struct vm_status status;

	(void)call;
	api->ops->status(api->instance, &status);
	reply_json(reply,
		json_pack("{s:s, s:o, s:o}", "state",
			vm_state_names[status.state], "held_by",
			owners_json(status.owners), "pause", pauses_json()));
	return 0;
}

enum vm_wish { WISH_PAUSED, WISH_RESUMED };

struct vm_body {
	unsigned state; /* enum vm_wish */
};

static const struct config_choice vm_wishes[] = {
	[WISH_PAUSED] = { "Paused", NULL },
	[WISH_RESUMED] = { "Resumed", NULL },
	{ NULL, NULL },
};

static const struct config_field vm_fields[] = {
	{
		.name = "state",
		.type = CONFIG_CHOICE,
		.required = true,
		.offset = CONFIG_AT(struct vm_body, state, unsigned),
		.choices = vm_wishes,
		.help = "Paused or Resumed",
	},
};

static_assert(sizeof(struct vm_body) <= ROUTE_BODY_BYTES, "");

const struct config_object vm_body_object = {
	.name = "vm",
	.fields = vm_fields,
	.count = ARRAY_SIZE(vm_fields),
	.size_bytes = sizeof(struct vm_body),
};

int patch_vm(struct api *api, struct call *call, struct reply *reply)
{
	const struct vm_body *wish = call->body;
	bool pause = wish->state == WISH_PAUSED;
	uint64_t began = now_ns();
	int rc = pause ? api->ops->pause(api->instance)
		       : api->ops->resume(api->instance);

	(void)reply;
	if (!rc)
		tally_latency(pause ? LATENCY_PAUSE : LATENCY_RESUME, began);
	return rc;
}

/* ---- /snapshot ---- */

enum snapshot_type { SNAPSHOT_FULL, SNAPSHOT_DIFF };

struct snapshot_body {
	unsigned type; /* enum snapshot_type */
	char *state_path;
	char *memory_path;
};

static const struct config_choice snapshot_types[] = {
	[SNAPSHOT_FULL] = { "Full", NULL },
	[SNAPSHOT_DIFF] = { "Diff", NULL },
	{ NULL, NULL },
};

static const struct config_field snapshot_fields[] = {
	{
		.name = "snapshot_type",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct snapshot_body, type, unsigned),
		.fallback = "Full",
		.choices = snapshot_types,
		.help = "all of memory, or what changed since the last "
			"snapshot",
	},
	{
		.name = "snapshot_path",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct snapshot_body, state_path, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.help = "the state file to write",
	},
	{
		.name = "mem_file_path",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct snapshot_body, memory_path, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.help = "the memory file to write",
	},
};

static_assert(sizeof(struct snapshot_body) <= ROUTE_BODY_BYTES, "");

const struct config_object snapshot_body_object = {
	.name = "snapshot/create",
	.fields = snapshot_fields,
	.count = ARRAY_SIZE(snapshot_fields),
	.size_bytes = sizeof(struct snapshot_body),
};

int put_snapshot(struct api *api, struct call *call, struct reply *reply)
{
	const struct snapshot_body *wish = call->body;
	const struct vm_snapshot_args args = {
		.state_path = wish->state_path,
		.memory_path = wish->memory_path,
		.diff = wish->type == SNAPSHOT_DIFF,
	};
	uint64_t began = now_ns();
	int rc = api->ops->snapshot(api->instance, &args);

	(void)reply;
	if (!rc)
		tally_latency(args.diff ? LATENCY_DIFF_SNAPSHOT
					: LATENCY_FULL_SNAPSHOT,
			began);
	return words_for_clients(rc, words_of_snapshot);
}
