/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_report.c - `muster fleet report`: hosts and lost features, for people */

#include "cli/fleet.h"
#include "cli/fleet_html.h"
#include "vmm/base/cleanup.h"

struct settings {
	struct config_words files;
	char *output;
};

static const struct config_field fields[] = {
	FLEET_FILES(FLEET_FILES_MAX, "PROFILE", "profiles of hosts"),
	FLEET_OUTPUT(
		"PAGE", "write an HTML page there, instead of printing text"),
};

static const struct config_object object = {
	.name = "fleet report",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

static int put_report(
	const struct settings *s, const struct fleet_explanation *e)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	if (!s->output) {
		fleet_explanation_text(e, &text);
		return output(&text);
	}
	fleet_html(e, &text);
	return output_file(s->output, &text);
}

static void cleanup_settings(struct settings *s)
{
	config_fini(&object, s);
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_settings) struct settings s = { 0 };
	CLEANUP(fleet_members_fini) struct fleet_members fleet = { 0 };
	CLEANUP(fleet_explanation_fini) struct fleet_explanation e = { 0 };
	const struct fleet_wishes none = { 0 };
	struct template merged;
	int rc = config_parse_args(&object, argc, argv, &s);

	if (!rc)
		rc = fleet_members_read(&s.files, &fleet);
	if (!rc)
		rc = fleet_merge(fleet.member, fleet.count, &none, &merged);
	if (rc)
		return output_error(STATUS_USAGE, rc);
	rc = fleet_explanation_make(
		fleet.member, fleet.count, &none, &merged, &e);
	if (rc)
		return output_error(STATUS_FAILED, rc);
	return put_report(&s, &e);
}

static const struct verb_example examples[] = {
	{ "a page for the browser",
		"muster fleet report host-*.json -o report.html" },
	{ "the same as text", "muster fleet report host-*.json | less" },
	{ NULL, NULL },
};

const struct verb fleet_report = {
	.name = "report",
	.parent = "fleet",
	.arguments = " [-o PAGE] PROFILE...",
	.summary = "show what the fleet loses to which host",
	.description =
		"The page is one file without scripts: a matrix of hosts and "
		"of the features that the fleet loses, with the reason in "
		"each cell, and what the fleet would have if a host left.",
	.options = &object,
	.examples = examples,
	.run = run,
};
