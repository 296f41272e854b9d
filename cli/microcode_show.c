/* SPDX-License-Identifier: Apache-2.0 */
/* microcode_show.c - `muster microcode show`: every update of images */
#include "cli/microcode.h"
#include "vmm/base/cleanup.h"
#include "vmm/events.h"

struct settings {
	struct config_words files;
	bool json;
};

static const struct config_field fields[] = {
	MICROCODE_FILES,
	MICROCODE_JSON,
};

static const struct config_object object = {
	.name = "microcode show",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

/* ---- text ---- */

static void put_sig(const struct ucode_update *u, const struct ucode_sig *sig,
	struct buf *out)
{
	buf_printf(out, "    for 0x%08x", sig->signature);
	if (u->vendor == UCODE_INTEL && sig->platforms)
		buf_printf(out, ", platforms 0x%02x", sig->platforms);
	buf_u8(out, '\n');
}

static void put_update(const struct ucode_update *u, struct buf *out)
{
	buf_printf(out, "  0x%08x, ", u->revision);
	ucode_put_date(u->date, out);
	buf_printf(out, ", %s, %zu bytes", ucode_vendor_name(u->vendor),
		u->size_bytes);
	if (u->min_revision)
		buf_printf(out, ", after 0x%08x", u->min_revision);
	buf_printf(out, "%s%s\n", *u->fault ? ", BAD: " : "", u->fault);
	for (unsigned i = 0; i < u->sig_count; i++)
		put_sig(u, &u->sigs[i], out);
}

static void put_text(const struct ucode_files *files, struct buf *out)
{
	for (unsigned i = 0; i < files->count; i++) {
		const struct ucode_file *file = &files->file[i];

		microcode_put_name(file->path, out);
		buf_u8(out, '\n');
		for (unsigned k = 0; k < file->count; k++)
			put_update(&files->list.updates[file->first + k], out);
		if (file->fault)
			buf_printf(out, "  refused: %s\n", file->fault);
	}
}

/* ---- JSON ---- */

static json_t *file_json(
	const struct ucode_files *files, const struct ucode_file *file)
{
	json_t *updates = json_array();
	json_t *root;

	for (unsigned i = 0; i < file->count; i++)
		json_array_append_new(updates,
			microcode_update_json(
				&files->list.updates[file->first + i]));
	root = json_pack("{s:o, s:b, s:o}", "file", events_text(file->path),
		"valid", !file->fault, "updates", updates);
	if (file->fault)
		json_object_set_new(root, "fault", events_text(file->fault));
	return root;
}

static void put_json(const struct ucode_files *files, struct buf *out)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < files->count; i++)
		json_array_append_new(list, file_json(files, &files->file[i]));
	output_put_json(json_pack("{s:i, s:o}", "version",
				MICROCODE_JSON_VERSION, "files", list),
		out);
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
	(s.json ? put_json : put_text)(&files, &text);
	return output(&text);
}

static const struct verb_example examples[] = {
	{ "the revisions of a file, and what must run before them",
		"muster microcode show --json 06-55-04 | \\\n      "
		"jq -c '.files[].updates[] | [.revision, .min_revision]'" },
	{ NULL, NULL },
};

const struct verb microcode_show = {
	.name = "show",
	.parent = "microcode",
	.arguments = " FILE|DIR... [OPTION]...",
	.summary = "list the updates of images",
	.description =
		"Of each update: its revision, date and size, which revision "
		"must run before it, for which processors it is, and what is "
		"wrong with it. Of a folder, files that begin as images, or "
		"are named as the kernel wants them, are listed.",
	.options = &object,
	.examples = examples,
	.run = run,
};
