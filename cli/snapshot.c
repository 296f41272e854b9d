/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.c - `muster snapshot`: its commands */
#include "cli/snapshot.h"

static const struct verb *const subverbs[] = {
	&snapshot_info,
	&snapshot_check_verb,
	&snapshot_merge,
	NULL,
};

static int snapshot(int argc, char *const argv[])
{
	return verb_run_subverb(&verb_snapshot, argc, argv);
}

static const struct verb_example examples[] = {
	{ "two diffs and the full memory before them into one",
		"muster snapshot merge mon.mem tue.mem wed.mem -o full.mem" },
	{ NULL, NULL },
};

const struct verb verb_snapshot = {
	.name = "snapshot",
	.arguments = " COMMAND [OPTION]...",
	.summary = "work on the files of snapshots",
	.description =
		"A snapshot is a state file and a memory file. The memory file "
		"is sparse and holds all of RAM or, as a diff, what changed "
		"since the snapshot before."
		"\n\n"
		"The exit status is 0; 2 when an option or a file is bad; 4 "
		"when the host fails."
		"\n\n"
		"`muster help snapshot COMMAND` explains a command.",
	.subverbs = subverbs,
	.examples = examples,
	.run = snapshot,
};
