/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - PUT /snapshot/load: an instance whose VM goes on from a snapshot */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "cpu/cpu_state.h"
#include "vmm/api/resources.h"
#include "vmm/api/words.h"
#include "vmm/base/err.h"

#define PATH_BYTES .min = 1, .max = PATH_MAX - 1

enum backend_type { BACKEND_FILE, BACKEND_UFFD };

struct backend {
	unsigned type; /* enum backend_type */
	char *path;    /* NULL: none was given */
};

struct load_body {
	char *state;
	struct backend backend;
	char *memory;
	unsigned huge_pages;
	bool track_dirty_pages;
	bool enable_diff_snapshots;
	bool resume;
	bool advance_clock;
	unsigned drive_count;
	struct disk_override drive[MACHINE_VIRTIO_MAX];
};

static_assert(sizeof(struct load_body) <= ROUTE_BODY_BYTES, "as a body");

static const struct config_choice backend_choices[] = {
	[BACKEND_FILE] = { "File", NULL },
	[BACKEND_UFFD] = { "Uffd", NULL },
	{ NULL, NULL },
};

static const struct config_field backend_fields[] = {
	{
		.name = "backend_type",
		.type = CONFIG_CHOICE,
		.required = true,
		.offset = CONFIG_AT(struct backend, type, unsigned),
		.choices = backend_choices,
		.help = "File or Uffd",
	},
	{
		.name = "backend_path",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct backend, path, char *),
		PATH_BYTES,
		.help = "the memory file, or the socket of the process that "
			"gives the pages",
	},
};

static const struct config_object backend_object = {
	.name = "mem_backend",
	.fields = backend_fields,
	.count = ARRAY_SIZE(backend_fields),
	.size_bytes = sizeof(struct backend),
};

static const struct config_field override_fields[] = {
	{
		.name = "drive_id",
		.type = CONFIG_NAME,
		.required = true,
		.offset = CONFIG_AT(struct disk_override, id, char *),
		.min = 1,
		.max = CONFIG_DISK_ID_MAX,
		.help = "a drive of the snapshot",
	},
	{
		.name = "path_on_host",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct disk_override, path, char *),
		PATH_BYTES,
		.help = "a file of the same size",
	},
};

static const struct config_object override_object = {
	.name = "drive_overrides",
	.fields = override_fields,
	.count = ARRAY_SIZE(override_fields),
	.size_bytes = sizeof(struct disk_override),
};

static const struct config_choice page_choices[] = {
	{ "Snapshot", NULL },
	{ "None", NULL },
	{ "Transparent", NULL },
	{ NULL, NULL },
};

static const struct config_field load_fields[] = {
	{
		.name = "snapshot_path",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct load_body, state, char *),
		PATH_BYTES,
		.help = "the state file of the snapshot",
	},
	{
		.name = "mem_backend",
		.type = CONFIG_OBJECT,
		.offset = CONFIG_AT(struct load_body, backend, struct backend),
		.help = "where its memory comes from",
		.item = &backend_object,
	},
	{
		.name = "mem_file_path",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct load_body, memory, char *),
		PATH_BYTES,
		.help = "its memory file; deprecated, see mem_backend",
	},
	{
		.name = "resume_vm",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct load_body, resume, bool),
		.help = "let the VM run at once",
	},
	{
		.name = "clock_realtime",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct load_body, advance_clock, bool),
		.help = "the guest's time goes on from now",
	},
	{
		.name = "drive_overrides",
		.type = CONFIG_LIST,
		.offset = CONFIG_AT(
			struct load_body, drive[0], struct disk_override),
		.aux_offset = CONFIG_AT(
			struct load_body, drive_count, unsigned),
		.max = MACHINE_VIRTIO_MAX,
		.help = "other files for drives of the snapshot",
		.item = &override_object,
	},
	{
		.name = "track_dirty_pages",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct load_body, track_dirty_pages, bool),
		.help = "taken, without effect: snapshots of type Diff are "
			"always possible",
	},
	{
		.name = "enable_diff_snapshots",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(
			struct load_body, enable_diff_snapshots, bool),
		.help = "the deprecated name of track_dirty_pages",
	},
	{
		.name = "huge_pages",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct load_body, huge_pages, unsigned),
		.choices = page_choices,
		.help = "taken, without effect: the host decides",
	},
	{
		.name = "network_overrides",
		.type = CONFIG_ABSENT,
		.help = "this version has no network interfaces; leave it out",
	},
	{
		.name = "vsock_override",
		.type = CONFIG_ABSENT,
		.help = "this version has no vsock device; leave it out",
	},
};

const struct config_object load_body_object = {
	.name = "snapshot/load",
	.fields = load_fields,
	.count = ARRAY_SIZE(load_fields),
	.size_bytes = sizeof(struct load_body),
};

static int check(const struct api *api, const struct load_body *body)
{
	if (api->draft.begun)
		return err_set(-EBUSY,
			"a VM has been described already; load a snapshot in a "
			"process where nothing has been");
	if (!body->backend.path == !body->memory)
		return err_set(-EINVAL,
			"mem_backend: %s; give either this or mem_file_path",
			body->memory ? "given beside mem_file_path"
				     : "missing");
	return 0;
}

static void move(char **from, char **to)
{
	*to = *from;
	*from = NULL;
}

/* What the body owns goes over to the configuration. */
static void set_restore(struct load_body *body, struct restore_config *restore)
{
	bool handled = body->backend.path && body->backend.type == BACKEND_UFFD;

	move(&body->state, &restore->state);
	move(body->memory ? &body->memory : &body->backend.path,
		handled ? &restore->handler : &restore->memory);
	restore->resume = body->resume;
	restore->clock = body->advance_clock ? CLOCK_ADVANCE : CLOCK_KEEP;
	memcpy(restore->disk, body->drive, sizeof(restore->disk));
	restore->disk_count = body->drive_count;
	body->drive_count = 0;
}

int put_load(struct api *api, struct call *call, struct reply *reply)
{
	struct load_body *body = call->body;
	struct vm_config config = { 0 };
	uint64_t began = now_ns();
	int rc = check(api, body);

	reply->deprecated = body->memory || body->enable_diff_snapshots;
	if (!rc)
		rc = config_defaults(&vm_all_object, &config);
	if (!rc)
		rc = draft_plug_serial(&api->draft, &config);
	if (!rc) {
		set_restore(body, &config.restore);
		rc = words_for_clients(
			api->ops->start(api->instance, &config), words_of_load);
	}
	vm_config_fini(&config);
	if (rc)
		return rc;
	tally_latency(LATENCY_LOAD, began);
	observe_started(&api->observe);
	return api_describe(api);
}
