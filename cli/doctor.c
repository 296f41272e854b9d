/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.c - `muster doctor`: print the checks, as text or as JSON */
#include <jansson.h>
#include <stdlib.h>

#include "cli/doctor.h"
#include "cli/verb.h"
#include "config.h"
#include "vmm/base/cleanup.h"
#include "vmm/vm.h"

#define JSON_VERSION 1 /* of the object that --json prints */

struct doctor_config {
	bool json;
};

static const struct config_field fields[] = {
	{
		.name = "json",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct doctor_config, json, bool),
		.fallback = "off",
		.help = "print one JSON object",
	},
};

static const struct config_object doctor_object = {
	.name = "doctor",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct doctor_config),
};

static const char *const state_name[] = {
	[CHECK_OK] = "ok",
	[CHECK_WARN] = "warn",
	[CHECK_MISSING] = "missing",
};

static bool can_run(const struct checks *checks)
{
	for (unsigned i = 0; i < checks->count; i++)
		if (checks->check[i].state == CHECK_MISSING)
			return false;
	return true;
}

static void put_text(const struct checks *checks, struct buf *out)
{
	for (unsigned i = 0; i < checks->count; i++)
		buf_printf(out, "%-8s %s: %s\n",
			state_name[checks->check[i].state],
			checks->check[i].name, checks->check[i].text);
	buf_printf(out, can_run(checks) ? "A VM can run on this host.\n"
					: "No VM can run on this host.\n");
}

static json_t *check_json(const struct check *check)
{
	return json_pack("{s:s, s:s, s:s}", "name", check->name, "state",
		state_name[check->state], "text", check->text);
}

static void put_json(const struct checks *checks, struct buf *out)
{
	json_t *list = json_array();
	json_t *root;
	char *text;

	for (unsigned i = 0; i < checks->count; i++)
		json_array_append_new(list, check_json(&checks->check[i]));
	root = json_pack("{s:i, s:s, s:b, s:o}", "version", JSON_VERSION,
		"muster", MUSTER_VERSION, "can_run", can_run(checks), "checks",
		list);
	text = json_dumps(root, JSON_INDENT(2));
	if (text)
		buf_printf(out, "%s\n", text);
	else
		out->failed = true;
	free(text);
	json_decref(root);
}

static int doctor(int argc, char *const argv[])
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	struct doctor_config config = { 0 };
	struct checks checks;
	int rc = config_defaults(&doctor_object, &config);

	if (!rc)
		rc = config_parse_args(&doctor_object, argc, argv, &config);
	if (rc)
		return output_error(STATUS_USAGE, rc);
	doctor_examine(&checks);
	(config.json ? put_json : put_text)(&checks, &out);
	rc = output(&out);
	if (rc)
		return rc;
	return can_run(&checks) ? STATUS_OK : OUTCOME_HOST_LACKS;
}

static const struct verb_example examples[] = {
	{ "one line for each check", "muster doctor" },
	{ "whether a VM can run, for a script",
		"muster doctor --json | jq .can_run" },
	{ NULL, NULL },
};

const struct verb verb_doctor = {
	.name = "doctor",
	.arguments = " [--json]",
	.summary = "say what this host offers and lacks",
	.description =
		"Each check is a line: ok, warn (a VM runs without it, less "
		"well) or missing (no VM can run), a name, and what was found "
		"with the remedy. The exit status is 0 when a VM can run on "
		"this host, else 3."
		"\n\n"
		"The JSON object has the members version (1; it changes when a "
		"member changes its meaning or goes away), muster (the "
		"version of the program), can_run (true or false) and checks, "
		"a list of objects with the members name, state (ok, warn or "
		"missing) and text.",
	.options = &doctor_object,
	.examples = examples,
	.run = doctor,
};
