/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_show.c - `muster fleet show`: a profile or a template, field by field */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fleet.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define JSON_VERSION 1 /* of the object that --json prints */
#define COLUMNS      80
#define INDENT       4

struct settings {
	struct config_words files;
	bool silicon;
	bool json;
};

static const struct config_field fields[] = {
	FLEET_FILES(1, "FILE", "a profile or a template; - is standard input"),
	{
		.name = "silicon",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct settings, silicon, bool),
		.help = "of a profile, show what the logical CPUs have, "
			"instead of what KVM offers",
	},
	FLEET_JSON("print one JSON object"),
};

static const struct config_object object = {
	.name = "fleet show",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

/* ---- text ---- */

/* Words of one register, wrapped. */
struct line {
	struct buf *out;
	size_t column;
};

static void put_word(struct line *line, const struct buf *word)
{
	if (line->column + 1 + word->len > COLUMNS) {
		buf_printf(line->out, "\n%*s", INDENT, "");
		line->column = INDENT;
	} else if (line->column > INDENT) {
		buf_u8(line->out, ' ');
		line->column++;
	}
	buf_append(line->out, word->data, word->len);
	line->column += word->len;
}

/* A flag that is set by its name, a wider field as NAME=VALUE. */
static void put_field(struct line *line, const struct cpu_set *set,
	const struct cpu_field *field)
{
	CLEANUP(buf_fini) struct buf word = BUF_INIT;

	if (!cpu_set_field(set, field->row, field->feature))
		return;
	buf_printf(&word, "%s", field->feature->name);
	if (field->feature->width > 1) {
		buf_u8(&word, '=');
		cpu_field_put_value(set, field, &word);
	}
	put_word(line, &word);
}

static void put_flags(const struct cpu_set *set, unsigned row, struct buf *out)
{
	const struct feature_reg *reg = feature_row(row);
	struct line line = { .out = out, .column = COLUMNS };

	for (unsigned i = 0; i < reg->count; i++)
		put_field(&line, set,
			&(struct cpu_field){ row, &reg->features[i] });
	if (line.column < COLUMNS || set->value[row])
		buf_u8(out, '\n');
}

static void put_controls(
	const struct cpu_set *set, unsigned row, struct buf *out)
{
	const struct feature_reg *reg = feature_row(row);

	buf_u8(out, '\n');
	for (unsigned i = 0; i < reg->count; i++) {
		const struct cpu_field field = { row, &reg->features[i] };

		buf_printf(out, "%*s%-2u %-34s ", INDENT, "",
			field.feature->low, field.feature->name);
		cpu_field_put_value(set, &field, out);
		buf_u8(out, '\n');
	}
}

static void put_register(
	const struct cpu_set *set, unsigned row, struct buf *out)
{
	const struct feature_reg *reg = feature_row(row);
	uint64_t unnamed = cpu_set_unnamed(set, row);

	buf_printf(out, "%s", reg->name);
	if (reg->space != SPACE_CPUID)
		buf_printf(out, " (0x%x)", reg->index);
	buf_printf(out, " 0x%" PRIx64, set->value[row]);
	if (reg->space == SPACE_CONTROL)
		put_controls(set, row, out);
	else
		put_flags(set, row, out);
	if (unnamed)
		buf_printf(out, "%*sbits without a name: 0x%" PRIx64 "\n",
			INDENT, "", unnamed);
}

static void put_profile(const struct profile *p, struct buf *out)
{
	buf_printf(out, "host %s, kernel %s, TSC %" PRIu64 " kHz%s\n", p->host,
		p->kernel, p->tsc_khz,
		p->tsc_scaling ? ", scaling" : ", no scaling");
	for (unsigned i = 0; i < p->group_count; i++) {
		buf_printf(out, "CPU%s ",
			cpu_list_count(&p->groups[i].cpus) > 1 ? "s" : "");
		cpu_list_print(&p->groups[i].cpus, out);
		buf_printf(out, ": microcode 0x%" PRIx64 "%s\n",
			p->groups[i].microcode,
			p->groups[i].msrs_known ? "" : ", MSRs not readable");
	}
	profile_print_asymmetry(p, out);
	for (unsigned i = 0; i < p->param_count; i++)
		buf_printf(
			out, "%s=%s\n", p->params[i].name, p->params[i].value);
}

static void put_text(const struct fleet_file *file, const struct cpu_set *set,
	struct buf *out)
{
	if (file->profile)
		put_profile(file->profile, out);
	else
		buf_printf(out, "template %s, TSC %" PRIu64 " kHz\n",
			file->name, file->template->tsc_khz);
	buf_u8(out, '\n');
	for (unsigned row = 0; row < feature_rows(); row++)
		if (set->present[row] && set->value[row])
			put_register(set, row, out);
}

/* ---- JSON ---- */

static json_t *value_json(
	const struct cpu_set *set, const struct cpu_field *field)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	if (feature_row(field->row)->space != SPACE_CONTROL)
		return json_integer((json_int_t)cpu_set_field(
			set, field->row, field->feature));
	cpu_field_put_value(set, field, &text);
	return json_stringn((char *)text.data, text.len);
}

static json_t *register_json(const struct cpu_set *set, unsigned row)
{
	const struct feature_reg *reg = feature_row(row);
	json_t *features = json_object();
	char value[32];

	snprintf(value, sizeof(value), "0x%" PRIx64, set->value[row]);
	for (unsigned i = 0; i < reg->count; i++) {
		const struct cpu_field field = { row, &reg->features[i] };

		json_object_set_new(
			features, field.feature->name, value_json(set, &field));
	}
	return json_pack("{s:s, s:s, s:o}", "register", reg->name, "value",
		value, "fields", features);
}

static void put_json(const struct fleet_file *file, const struct cpu_set *set,
	struct buf *out)
{
	json_t *list = json_array();
	json_t *root;

	for (unsigned row = 0; row < feature_rows(); row++)
		if (set->present[row])
			json_array_append_new(list, register_json(set, row));
	root = json_pack("{s:i, s:s, s:o}", "version", JSON_VERSION,
		file->profile ? "host" : "template", file->name, "registers",
		list);
	output_put_json(root, out);
}

/* ---- the command ---- */

static const struct cpu_set *chosen(
	const struct settings *s, const struct fleet_file *file)
{
	if (s->silicon && file->profile && file->profile->group_count)
		return &file->profile->groups[0].silicon;
	return s->silicon ? NULL : fleet_file_cpu(file);
}

static void cleanup_settings(struct settings *s)
{
	config_fini(&object, s);
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_settings) struct settings s = { 0 };
	CLEANUP(fleet_file_fini) struct fleet_file file = { 0 };
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	const struct cpu_set *set;
	int rc = config_parse_args(&object, argc, argv, &s);

	if (!rc)
		rc = fleet_file_read(s.files.word[0], &file);
	if (rc)
		return output_error(STATUS_USAGE, rc);
	set = chosen(&s, &file);
	if (!set)
		return output_error(STATUS_USAGE,
			err_set(-EINVAL,
				"--silicon: %s knows no silicon; leave it out",
				file.name));
	(s.json ? put_json : put_text)(&file, set, &out);
	return output(&out);
}

static const struct verb_example examples[] = {
	{ "what KVM offers on a host", "muster fleet show host-a.json" },
	{ "the VMX controls of a template, for a script",
		"muster fleet show --json fleet.json | jq .registers" },
	{ NULL, NULL },
};

const struct verb fleet_show = {
	.name = "show",
	.parent = "fleet",
	.arguments = " [OPTION]... FILE",
	.summary = "decode a profile or a template, field by field",
	.description =
		"CPUID and MSRs by the names of Linux, VMX controls by those "
		"of "
		"QEMU with what each may be. Registers that are 0 are left "
		"out."
		"\n\n"
		"The JSON object has the members version (1), host or template "
		"(the name) and registers, a list of objects with the members "
		"register, value and fields.",
	.options = &object,
	.examples = examples,
	.run = run,
};
