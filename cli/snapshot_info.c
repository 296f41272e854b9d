/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_info.c - `muster snapshot info`: a state file as JSON, section by section */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "cli/snapshot.h"
#include "cpu/cpu_state.h"
#include "cpu/document.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/devices.h"
#include "vmm/snapshot.h"

#define JSON_VERSION 1 /* of the object that is printed */

struct settings {
	struct config_words files;
};

static const struct config_field fields[] = {
	{
		.name = "file",
		.type = CONFIG_WORDS,
		.operand = true,
		.required = true,
		.offset = CONFIG_AT(
			struct settings, files, struct config_words),
		.max = 1,
		.metavar = "STATE",
		.help = "the state file of a snapshot",
	},
};

static const struct config_object object = {
	.name = "snapshot info",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

/* ---- one section each ---- */

static void put_string(const char *text, size_t len, struct buf *out)
{
	json_t *string = json_stringn(text, len);
	CLEANUP_FREE char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY)
					   : NULL;

	buf_printf(out, "%s", quoted ? quoted : "null");
	json_decref(string);
}

/* The options, each with a NUL behind it. */
static int put_options(const struct snapshot_section *s, struct buf *out)
{
	const char *text = (const char *)s->data;
	const char *sep = "[";

	for (size_t at = 0, n; at < s->len; at += n + 1) {
		n = strnlen(text + at, s->len - at);
		buf_printf(out, "%s", sep);
		put_string(text + at, n, out);
		sep = ", ";
	}
	buf_printf(out, "%s", *sep == '[' ? "[]" : "]");
	return 0;
}

/* A profile or a template: JSON within the file. */
static int put_document(const struct snapshot_section *s, struct buf *out)
{
	json_t *root;
	CLEANUP_FREE char *text = NULL;
	int rc = document_parse(s->name, s->data, s->len, &root);

	if (rc)
		return rc;
	text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	buf_printf(out, "%s", text ? text : "null");
	return 0;
}

static const struct {
	const char *name;
	int (*put)(const struct snapshot_section *s, struct buf *out);
} texts[] = {
	{ "config", put_options },
	{ "profile", put_document },
	{ "template", put_document },
};

static const struct state_desc *const descs[] = {
	&snapshot_memory_desc,
	&cpu_vm_state_desc,
	&cpu_vcpu_state_desc,
};

static const struct state_desc *desc_of(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(descs); i++)
		if (!strcmp(descs[i]->name, name))
			return descs[i];
	return devices_state(name);
}

static int put_content(const struct snapshot_section *s, struct buf *out)
{
	const struct state_desc *desc = desc_of(s->name);

	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strcmp(texts[i].name, s->name))
			return texts[i].put(s, out);
	if (desc)
		return state_print(desc, s->version, s->data, s->len, out);
	buf_printf(out, "null");
	return 0;
}

static int put_section(const struct snapshot_section *s, struct buf *out)
{
	int rc;

	buf_printf(out,
		"    {\"name\": \"%s\", \"instance\": %u, \"version\": %u, "
		"\"bytes\": %zu, \"content\": ",
		s->name, s->instance, s->version, s->len);
	rc = put_content(s, out);
	buf_printf(out, "}");
	return rc ? err_wrap(rc, "section %s %u", s->name, s->instance) : 0;
}

/* ---- the file ---- */

static int put_file(const struct snapshot_file *file, struct buf *out)
{
	int rc = 0;

	buf_printf(out,
		"{\n"
		"  \"format\": \"muster-snapshot-info\",\n"
		"  \"version\": %d,\n"
		"  \"state_format\": %u,\n"
		"  \"sections\": [",
		JSON_VERSION, file->format);
	for (unsigned i = 0; !rc && i < file->count; i++) {
		buf_printf(out, "%s\n", i ? "," : "");
		rc = put_section(&file->section[i], out);
	}
	buf_printf(out, "\n  ]\n}\n");
	return rc ? err_wrap(rc, "%s", file->path) : 0;
}

static int info(const char *path)
{
	CLEANUP(buf_fini) struct buf bytes = BUF_INIT;
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	struct snapshot_file file;
	int rc = snapshot_read("", path, &bytes, &file);

	if (!rc)
		rc = put_file(&file, &out);
	return rc ? output_error(STATUS_USAGE, rc) : output(&out);
}

static void cleanup_settings(struct settings *s)
{
	config_fini(&object, s);
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_settings) struct settings s = { 0 };
	int rc = config_parse_args(&object, argc, argv, &s);

	return rc ? output_error(STATUS_USAGE, rc) : info(s.files.word[0]);
}

static const struct verb_example examples[] = {
	{ "the CPU that the guest was shown",
		"muster snapshot info vm.state | jq '.sections[] | "
		"select(.name == \"template\").content'" },
	{ NULL, NULL },
};

const struct verb snapshot_info = {
	.name = "info",
	.parent = "snapshot",
	.arguments = " STATE",
	.summary = "print what a state file holds, as JSON",
	.description =
		"One object: \"sections\" lists every section with its name, "
		"instance, version, size and content: the machine's options, "
		"the host it ran on, the CPU that the guest was shown, which "
		"memory file belongs to it, and the state of each vCPU and "
		"device. Numbers have up to 64 bits, and each section is one "
		"line. A damaged file is refused.",
	.options = &object,
	.examples = examples,
	.run = run,
};
