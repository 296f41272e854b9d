/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_snapshot.c - `muster ctl snapshot`: have a VM write itself into two files */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/ctl.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

struct options {
	char *socket;
	uint64_t timeout_ms;
	char *state;
	char *memory;
	bool diff;
};

static const struct config_field fields[] = {
	CTL_SOCKET(struct options),
	{
		.name = "state",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct options, state, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.metavar = "FILE",
		.help = "write everything but RAM there",
	},
	{
		.name = "memory",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct options, memory, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.metavar = "FILE",
		.help = "write RAM there, as a sparse file",
	},
	{
		.name = "diff",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct options, diff, bool),
		.fallback = "off",
		.help = "only what changed since the VM's last snapshot; "
			"`muster snapshot merge` makes it whole",
	},
	CTL_TIMEOUT(struct options, "10m"),
};

static const struct config_object object = {
	.name = "ctl snapshot",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct options),
};

/* The VM may run in another folder; NULL without memory. */
static char *absolute(const char *path)
{
	CLEANUP_FREE char *here = *path == '/' ? strdup("") : getcwd(NULL, 0);
	char *whole;

	if (!here ||
		asprintf(&whole, "%s%s%s", here, *here ? "/" : "", path) < 0)
		return NULL;
	return whole;
}

static char *body_of(const struct options *o)
{
	CLEANUP_FREE char *state = absolute(o->state);
	CLEANUP_FREE char *memory = absolute(o->memory);
	json_t *root = state && memory
			       ? json_pack("{s:s, s:s, s:s}", "snapshot_type",
					 o->diff ? "Diff" : "Full",
					 "snapshot_path", state,
					 "mem_file_path", memory)
			       : NULL;
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	return text;
}

static int ask(const struct options *o)
{
	CLEANUP_FREE char *body = body_of(o);

	if (!body)
		return output_error(STATUS_USAGE,
			err_set(-EINVAL,
				"--state %s, --memory %s: not UTF-8, which the "
				"socket takes alone",
				text_shown(o->state).s,
				text_shown(o->memory).s));
	return ctl_ask(&(struct ctl_request){
		.socket = o->socket,
		.timeout_ms = o->timeout_ms,
		.method = API_PUT,
		.target = "/snapshot/create",
		.body = body,
		.words = words_of_snapshot,
	});
}

static void cleanup_options(struct options *o)
{
	config_fini(&object, o);
}

static int snapshot(int argc, char *const argv[])
{
	CLEANUP(cleanup_options) struct options o = { 0 };
	int rc = config_defaults(&object, &o);

	if (!rc)
		rc = config_parse_args(&object, argc, argv, &o);
	return rc ? output_error(STATUS_USAGE, rc) : ask(&o);
}

static const struct verb_example examples[] = {
	{ "a full one, then what changed since",
		"muster ctl --socket vm.sock snapshot --state 1.state "
		"--memory 1.memory"
		"\n  muster ctl --socket vm.sock snapshot --state 2.state "
		"--memory 2.memory --diff" },
	{ NULL, NULL },
};

const struct verb ctl_snapshot = {
	.name = "snapshot",
	.parent = "ctl",
	.arguments = " --socket SOCKET --state FILE --memory FILE [OPTION]...",
	.summary = "write the VM into two files and let it go on",
	.description =
		"The VM is held while the files are written; one that was "
		"paused stays so. If anything fails, old files of these "
		"names stay as they are. `muster restore` goes on from "
		"the files.",
	.options = &object,
	.examples = examples,
	.run = snapshot,
};
