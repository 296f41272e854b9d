/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_merge.c - `muster snapshot merge`: diffs and their base into full memory */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "cli/snapshot.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/memfile.h"

#define FILES_MAX 256

struct settings {
	struct config_words files;
	char *output;
};

static const struct config_field fields[] = {
	{
		.name = "file",
		.type = CONFIG_WORDS,
		.operand = true,
		.required = true,
		.offset = CONFIG_AT(
			struct settings, files, struct config_words),
		.max = FILES_MAX,
		.metavar = "FILE",
		.help = "a full memory file, and the diffs after it in order",
	},
	{
		.name = "output",
		.letter = 'o',
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct settings, output, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.metavar = "FULL",
		.help = "write the full memory there; one of the files will "
			"do, and is replaced at the end, but nothing that is "
			"no memory file",
	},
};

static const struct config_object object = {
	.name = "snapshot merge",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

/* ---- the files ---- */

struct chain {
	unsigned count;
	struct memfile *file;
};

static void chain_fini(struct chain *chain)
{
	for (unsigned i = 0; i < chain->count; i++)
		memfile_close(&chain->file[i]);
	free(chain->file);
}

static int open_chain(const struct config_words *paths, struct chain *ret)
{
	ret->file = calloc(paths->count, sizeof(*ret->file));
	if (!ret->file)
		return err_set(-ENOMEM, "no memory for the list of files");
	for (unsigned i = 0; i < paths->count; i++) {
		int rc = memfile_open("", paths->word[i], &ret->file[i]);

		if (rc)
			return rc;
		ret->count++;
	}
	return 0;
}

static int merge(const struct chain *chain, const char *output)
{
	CLEANUP(newfile_fini) struct newfile file = NEWFILE_INIT;
	int rc = memfile_may_replace("--output ", output);

	if (!rc)
		rc = memfile_check_rest(
			"--output ", output, &chain->file[chain->count - 1].id);
	if (!rc)
		rc = newfile_create(&file, "--output ", output);
	if (!rc)
		rc = memfile_merge(&file, &chain->file[0], &chain->file[1],
			chain->count - 1);
	if (!rc)
		rc = newfile_commit(&file);
	return rc < 0 ? rc : 0;
}

/* ---- the command ---- */

static void cleanup_settings(struct settings *s)
{
	config_fini(&object, s);
}

static int parse(int argc, char *const argv[], struct settings *s)
{
	int rc = config_parse_args(&object, argc, argv, s);

	if (!rc && s->files.count < 2)
		return err_set(-EINVAL,
			"%s: one file is nothing to merge; give a full memory "
			"file and its diffs",
			s->files.word[0]);
	return rc;
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_settings) struct settings s = { 0 };
	CLEANUP(chain_fini) struct chain chain = { 0 };
	int rc = parse(argc, argv, &s);

	if (!rc)
		rc = open_chain(&s.files, &chain);
	if (rc)
		return output_error(STATUS_USAGE, rc);
	rc = merge(&chain, s.output);
	if (!rc)
		return STATUS_OK;
	return output_error(
		rc == -EINVAL || rc == -EBADMSG ? STATUS_USAGE : STATUS_FAILED,
		rc);
}

static const struct verb_example examples[] = {
	{ "the full memory of the last of three snapshots",
		"muster snapshot merge mon.mem tue.mem wed.mem -o full.mem" },
	{ "every day's diff into one file that grows",
		"muster snapshot merge full.mem today.mem -o full.mem" },
	{ NULL, NULL },
};

const struct verb snapshot_merge = {
	.name = "merge",
	.parent = "snapshot",
	.arguments = " BASE DIFF... -o FULL",
	.summary = "make the full memory file that a chain of diffs ends in",
	.description =
		"The files are memory files. Every diff names the snapshot "
		"that it changes, and files that do not follow one another "
		"are refused by name. Pages that a diff changes are checked "
		"against their checksums on the way."
		"\n\n"
		"The result is the memory of the last diff's snapshot: restore "
		"it with the state file that was written with that diff. It "
		"appears whole or not at all.",
	.options = &object,
	.examples = examples,
	.run = run,
};
