/* SPDX-License-Identifier: Apache-2.0 */
/* fleet.c - `muster fleet`: its commands, and what they share */
#include "cli/fleet.h"

#include "vmm/base/cleanup.h"

static const struct verb *const subverbs[] = {
	&fleet_profile,
	&fleet_merge_verb,
	&fleet_check_verb,
	&fleet_diff,
	&fleet_show,
	&fleet_report,
	NULL,
};

json_t *fleet_value_json(
	const struct cpu_set *set, const struct cpu_field *field)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	cpu_field_put_value(set, field, &text);
	return json_stringn((char *)text.data, text.len);
}

static int fleet(int argc, char *const argv[])
{
	return verb_run_subverb(&verb_fleet, argc, argv);
}

static const struct verb_example examples[] = {
	{ "on each host, as root", "muster fleet profile -o host-a.json" },
	{ "the CPU that all of them can show, and why it is not greater",
		"muster fleet merge host-*.json -o fleet.json --explain" },
	{ "whether this host can show it", "muster fleet check fleet.json" },
	{ NULL, NULL },
};

const struct verb verb_fleet = {
	.name = "fleet",
	.arguments = " COMMAND [OPTION]...",
	.summary = "find the CPU that all hosts of a fleet can show",
	.description =
		"A profile says what one host offers. Profiles merge into a "
		"template: the greatest CPU that every host can show to "
		"guests. Both are JSON files."
		"\n\n"
		"The exit status is 0; 1 when a host does not fit a template, "
		"or files differ; 2 when an option or a file is bad; 4 when "
		"the host fails."
		"\n\n"
		"`muster help fleet COMMAND` explains a command.",
	.subverbs = subverbs,
	.examples = examples,
	.run = fleet,
};
