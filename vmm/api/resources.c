/* SPDX-License-Identifier: Apache-2.0 */
/* resources.c - what the API has: bodies, handlers, and the table of them */
#include "vmm/api/resources.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>

#include "config.h"
#include "vmm/base/err.h"
#include "vmm/pause.h"

/* The API that is served: what clients look at for what they may ask. */
#define API_VERSION "1.17.0"

/* ---- GET / ---- */

static int get_instance(struct api *api, struct call *call, struct reply *reply)
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

static int get_version(struct api *api, struct call *call, struct reply *reply)
{
	(void)api;
	(void)call;
	reply_json(
		reply, json_pack("{s:s, s:s}", "firecracker_version",
			       API_VERSION, "muster_version", MUSTER_VERSION));
	return 0;
}

/* ---- /vm ---- */

static const char *const owner_names[] = {
	[PAUSE_USER] = "user",
	[PAUSE_SNAPSHOT] = "snapshot",
	[PAUSE_MICROCODE] = "microcode",
};

static json_t *owners_json(unsigned owners)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < ARRAY_SIZE(owner_names); i++)
		if (owners & BIT(i))
			json_array_append_new(
				list, json_string(owner_names[i]));
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

static int get_vm(struct api *api, struct call *call, struct reply *reply)
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

static const struct config_object vm_body_object = {
	.name = "vm",
	.fields = vm_fields,
	.count = ARRAY_SIZE(vm_fields),
	.size_bytes = sizeof(struct vm_body),
};

static int patch_vm(struct api *api, struct call *call, struct reply *reply)
{
	const struct vm_body *wish = call->body;

	(void)reply;
	return wish->state == WISH_PAUSED ? api->ops->pause(api->instance)
					  : api->ops->resume(api->instance);
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

static const struct config_object snapshot_body_object = {
	.name = "snapshot/create",
	.fields = snapshot_fields,
	.count = ARRAY_SIZE(snapshot_fields),
	.size_bytes = sizeof(struct snapshot_body),
};

static int put_snapshot(struct api *api, struct call *call, struct reply *reply)
{
	const struct snapshot_body *wish = call->body;
	const struct vm_snapshot_args args = {
		.state_path = wish->state_path,
		.memory_path = wish->memory_path,
		.diff = wish->type == SNAPSHOT_DIFF,
	};

	(void)reply;
	return api->ops->snapshot(api->instance, &args);
}

/* ---- what this version lacks ---- */

static int refuse(struct api *api, struct call *call, struct reply *reply)
{
	(void)api;
	(void)call;
	(void)reply;
	return err_set(-ENOTSUP, "this version does not have it; leave it out");
}

/* ---- the table ---- */

#define PLAIN      NO_BODY, NULL
#define WITH(body) BODY, &body##_body_object
#define RAW        RAW_BODY, NULL
#define LACKS(m, p)                           \
	{                                     \
		m, p, STATES_ANY, RAW, refuse \
	}

const struct route routes[] = {
	{ API_GET, "/", STATES_ANY, PLAIN, get_instance },
	{ API_GET, "/version", STATES_ANY, PLAIN, get_version },
	{ API_GET, "/vm", STATES_ANY, PLAIN, get_vm },
	{ API_PATCH, "/vm", STATES_STARTED, WITH(vm), patch_vm },
	{ API_GET, "/vm/config", STATES_ANY, PLAIN, get_config },
	{ API_GET, "/machine-config", STATES_ANY, PLAIN, get_machine },
	{ API_PUT, "/machine-config", STATES_BEFORE, WITH(machine),
		put_machine },
	{ API_PATCH, "/machine-config", STATES_BEFORE, RAW, patch_machine },
	{ API_PUT, "/cpu-config", STATES_BEFORE, RAW, put_cpu },
	{ API_PUT, "/boot-source", STATES_BEFORE, WITH(boot), put_boot },
	{ API_PUT, "/drives/{id}", STATES_BEFORE, WITH(drive), put_drive },
	LACKS(API_PATCH, "/drives/{id}"),
	LACKS(API_DELETE, "/drives/{id}"),
	{ API_PUT, "/entropy", STATES_BEFORE, WITH(entropy), put_entropy },
	{ API_PUT, "/actions", STATES_ANY, WITH(action), put_action },
	{ API_PUT, "/snapshot/create", STATES_STARTED, WITH(snapshot),
		put_snapshot },
	{ API_PUT, "/snapshot/load", STATES_BEFORE, WITH(load), put_load },
	LACKS(API_PUT, "/network-interfaces/{id}"),
	LACKS(API_PATCH, "/network-interfaces/{id}"),
	LACKS(API_DELETE, "/network-interfaces/{id}"),
	LACKS(API_PUT, "/vsock"),
	LACKS(API_GET, "/balloon"),
	LACKS(API_PUT, "/balloon"),
	LACKS(API_PATCH, "/balloon"),
	LACKS(API_GET, "/balloon/statistics"),
	LACKS(API_PATCH, "/balloon/statistics"),
	LACKS(API_PUT, "/pmem/{id}"),
	LACKS(API_PATCH, "/pmem/{id}"),
	LACKS(API_DELETE, "/pmem/{id}"),
	LACKS(API_GET, "/hotplug/memory"),
	LACKS(API_PUT, "/hotplug/memory"),
	LACKS(API_PATCH, "/hotplug/memory"),
	LACKS(API_GET, "/mmds"),
	LACKS(API_PUT, "/mmds"),
	LACKS(API_PATCH, "/mmds"),
	LACKS(API_PUT, "/mmds/config"),
	LACKS(API_PUT, "/serial"),
	LACKS(API_PUT, "/logger"),
	LACKS(API_PUT, "/metrics"),
};

const unsigned routes_count = ARRAY_SIZE(routes);
