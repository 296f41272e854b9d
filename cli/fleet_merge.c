/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_merge.c - `muster fleet merge`: the greatest CPU that every host can show */
#include <errno.h>

#include "cli/fleet.h"
#include "cli/fleet_explain.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

struct settings {
	struct config_words files;
	char *output;
	bool explain;
	bool json;
	struct config_words without;
	struct config_words require;
};

static const struct config_field fields[] = {
	FLEET_FILES(FLEET_FILES_MAX, "FILE",
		"profiles of hosts, or templates of other merges"),
	FLEET_OUTPUT(
		"TEMPLATE", "write the template there, instead of printing it"),
	{
		.name = "explain",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct settings, explain, bool),
		.help = "print what the fleet loses, to which hosts and why, "
			"and what it would regain without a host",
	},
	FLEET_JSON("print the explanation as one JSON object"),
	{
		.name = "without",
		.type = CONFIG_WORDS,
		.offset = CONFIG_AT(
			struct settings, without, struct config_words),
		.max = FLEET_NAMES_MAX,
		.metavar = "NAME",
		.help = "leave a feature out, and what depends on it",
	},
	{
		.name = "require",
		.type = CONFIG_WORDS,
		.offset = CONFIG_AT(
			struct settings, require, struct config_words),
		.max = FLEET_NAMES_MAX,
		.metavar = "NAME",
		.help = "fail, naming the hosts, if the fleet loses a feature",
	},
};

static const struct config_object object = {
	.name = "fleet merge",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

/* ---- output ---- */

static int put_template(const struct settings *s, const struct template *t)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	template_print(t, &text);
	if (s->output)
		return output_file(s->output, &text);
	return s->explain ? STATUS_OK : output(&text);
}

static int put_explanation(const struct settings *s,
	const struct fleet_members *fleet, const struct fleet_wishes *wishes,
	const struct template *merged)
{
	CLEANUP(fleet_explanation_fini) struct fleet_explanation e = { 0 };
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc;

	if (!s->explain)
		return STATUS_OK;
	rc = fleet_explanation_make(
		fleet->member, fleet->count, wishes, merged, &e);
	if (rc)
		return output_error(STATUS_FAILED, rc);
	(s->json ? fleet_explanation_json : fleet_explanation_text)(&e, &text);
	return output(&text);
}

/* ---- the command ---- */

static void cleanup_settings(struct settings *s)
{
	config_fini(&object, s);
}

static int parse(int argc, char *const argv[], struct settings *s)
{
	int rc = config_parse_args(&object, argc, argv, s);

	if (!rc && s->json && !s->explain)
		return err_set(-EINVAL,
			"--json: is about the explanation; add --explain");
	return rc;
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_settings) struct settings s = { 0 };
	CLEANUP(fleet_members_fini) struct fleet_members fleet = { 0 };
	struct fleet_wishes wishes;
	struct template merged;
	int rc = parse(argc, argv, &s);

	if (!rc)
		rc = fleet_members_read(&s.files, &fleet);
	if (rc)
		return output_error(STATUS_USAGE, rc);
	wishes = (struct fleet_wishes){
		.without = (const char *const *)s.without.word,
		.without_count = s.without.count,
		.require = (const char *const *)s.require.word,
		.require_count = s.require.count,
	};
	rc = fleet_merge(fleet.member, fleet.count, &wishes, &merged);
	if (rc)
		return output_error(STATUS_USAGE, rc);
	rc = put_template(&s, &merged);
	if (rc)
		return rc;
	return put_explanation(&s, &fleet, &wishes, &merged);
}

static const struct verb_example examples[] = {
	{ "the CPU of three hosts",
		"muster fleet merge a.json b.json c.json -o fleet.json" },
	{ "why it is not greater, on the screen",
		"muster fleet merge a.json b.json c.json --explain" },
	{ "without AVX-512, and not without nested paging",
		"muster fleet merge host-*.json --without avx512f \\\n"
		"      --require vmx-ept -o fleet.json" },
	{ NULL, NULL },
};

const struct verb fleet_merge_verb = {
	.name = "merge",
	.parent = "fleet",
	.arguments = " [OPTION]... FILE...",
	.summary = "make the greatest CPU that every host can show",
	.description =
		"The order of the files makes no difference, nor does merging "
		"in steps: templates merge like profiles. Hosts of different "
		"vendors, and hosts that need a VMX control to be 1 where "
		"others need it to be 0, are no fleet; the message names them."
		"\n\n"
		"--explain names for every feature that is lost the hosts that "
		"lack it, the layer that took it (silicon, microcode, firmware "
		"lock, kernel, module parameter) or the feature that it needs. "
		"Limits, sizes and what the CPU is called come last. "
		"Without -o it is printed in place of the template."
		"\n\n"
		"The JSON object has the members version (1), losses, a list "
		"of objects with the members register, name, kind (feature, "
		"number or identity), layer, needs and missing_on (a list of "
		"objects with "
		"the members host and layer), and regained_without, a list of "
		"objects with the "
		"members host and features.",
	.options = &object,
	.examples = examples,
	.run = run,
};
