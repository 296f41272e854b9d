/* SPDX-License-Identifier: Apache-2.0 */
/* microcode_verify.c - `muster microcode verify`: whether images are whole */
#include "cli/microcode.h"
#include "vmm/base/cleanup.h"

struct settings {
	struct config_words files;
};

static const struct config_field fields[] = {
	MICROCODE_FILES,
};

static const struct config_object object = {
	.name = "microcode verify",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

static const char *plural(unsigned count)
{
	return count == 1 ? "" : "s";
}

static void put_report(const struct ucode_files *files, struct buf *out)
{
	unsigned bad = ucode_files_bad(files);

	for (unsigned i = 0; i < files->count; i++)
		if (files->file[i].fault)
			buf_printf(out, "%s\n", files->file[i].fault);
	buf_printf(out, "%u file%s, %u update%s: ", files->count,
		plural(files->count), files->list.count,
		plural(files->list.count));
	if (bad)
		buf_printf(out, "%u file%s refused\n", bad, plural(bad));
	else
		buf_printf(out, "all valid\n");
}

static void cleanup_settings(struct settings *s)
{
	config_fini(&object, s);
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_settings) struct settings s = { 0 };
	CLEANUP(ucode_files_fini) struct ucode_files files = { 0 };
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc = config_parse_args(&object, argc, argv, &s);

	if (!rc)
		rc = microcode_read(&s.files, &files);
	if (rc)
		return output_error(STATUS_USAGE, rc);
	put_report(&files, &text);
	rc = output(&text);
	return rc || !ucode_files_bad(&files) ? rc : MICROCODE_REFUSED;
}

static const struct verb_example examples[] = {
	{ "all that the host's packages have",
		"muster microcode verify /lib/firmware/intel-ucode" },
	{ NULL, NULL },
};

const struct verb microcode_verify = {
	.name = "verify",
	.parent = "microcode",
	.arguments = " FILE|DIR...",
	.summary = "tell whether images are whole",
	.description =
		"Prints what is wrong with each image that is refused. What "
		"can be verified is what lies around an update: lengths, "
		"checksums, and the tables of the processors it is for; the "
		"update itself is encrypted, and signed for the processor.",
	.options = &object,
	.examples = examples,
	.run = run,
};
