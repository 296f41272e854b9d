/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_check.c - `muster snapshot check`: can this host restore it? */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/snapshot.h"
#include "vmm/base/cleanup.h"
#include "vmm/snapshot_check.h"

#define JSON_VERSION 1
#define DOES_NOT_FIT 1 /* exit status */

static void put_text(const struct buf *problems, struct buf *out)
{
	const char *text = (const char *)problems->data;

	for (size_t at = 0; at < problems->len; at += strlen(text + at) + 1)
		buf_printf(out, "%s\n", text + at);
	if (!problems->len)
		buf_printf(out, "fits: this host can restore it\n");
}

static void put_json(const struct buf *problems, struct buf *out)
{
	const char *text = (const char *)problems->data;
	json_t *list = json_array();
	json_t *root;
	CLEANUP_FREE char *shown = NULL;

	for (size_t at = 0; at < problems->len; at += strlen(text + at) + 1)
		json_array_append_new(list, json_string(text + at));
	root = json_pack("{s:s, s:i, s:b, s:o}", "format",
		"muster-snapshot-check", "version", JSON_VERSION, "fits",
		!problems->len, "problems", list);
	shown = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	json_decref(root);
	out->failed |= !shown;
	buf_printf(out, "%s\n", shown ? shown : "");
}

static int check(struct vm_config *config)
{
	CLEANUP(buf_fini) struct buf problems = BUF_INIT;
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	unsigned count = snapshot_check(config, &problems);
	int status;

	out.failed = problems.failed;
	if (config->restore.json)
		put_json(&problems, &out);
	else
		put_text(&problems, &out);
	status = output(&out);
	return status ? status : count ? DOES_NOT_FIT : STATUS_OK;
}

static int run(int argc, char *const argv[])
{
	CLEANUP(vm_config_fini) struct vm_config config = { 0 };
	int rc = vm_check_parse(argc, argv, &config);

	return rc ? output_error(STATUS_USAGE, rc) : check(&config);
}

static const struct verb_example examples[] = {
	{ "before the VM is moved here",
		"muster snapshot check --state vm.state --memory vm.memory" },
	{ NULL, NULL },
};

const struct verb snapshot_check_verb = {
	.name = "check",
	.parent = "snapshot",
	.arguments = " --state FILE [OPTION]...",
	.summary = "verify a snapshot and try whether this host can restore it",
	.description =
		"Every checksum is verified, and the machine is made as for "
		"muster restore, but does not run. What is wrong is listed: "
		"damage, each feature of the CPU and each capability of KVM "
		"that this host lacks, files that are absent or in use, "
		"devices that do not fit."
		"\n\n"
		"The exit status is 0 if it fits, else 1.",
	.options = &vm_check_object,
	.examples = examples,
	.run = run,
};
