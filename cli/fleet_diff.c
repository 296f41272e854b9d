/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_diff.c - `muster fleet diff`: the fields in which two files differ */
#include <errno.h>
#include <jansson.h>

#include "cli/fleet.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define JSON_VERSION 1 /* of the object that --json prints */

struct settings {
	struct config_words files;
	bool json;
};

static const struct config_field fields[] = {
	FLEET_FILES(2, "FILE", "two profiles, two templates, or one of each"),
	FLEET_JSON("print one JSON object"),
};

static const struct config_object object = {
	.name = "fleet diff",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

struct comparison {
	struct fleet_file a, b;
	struct buf *out; /* text */
	json_t *list;    /* or JSON */
};

static void put_line(void *ctx, const struct cpu_field *field)
{
	struct comparison *c = ctx;

	cpu_field_put_name(field, c->out);
	if (field->feature)
		buf_printf(c->out, " (%s)", feature_row(field->row)->name);
	buf_printf(c->out, ": %s ", c->a.name);
	cpu_field_put_value(fleet_file_cpu(&c->a), field, c->out);
	buf_printf(c->out, ", %s ", c->b.name);
	cpu_field_put_value(fleet_file_cpu(&c->b), field, c->out);
	buf_u8(c->out, '\n');
}

static void put_item(void *ctx, const struct cpu_field *field)
{
	struct comparison *c = ctx;

	json_array_append_new(c->list,
		json_pack("{s:s, s:s?, s:o, s:o}", "register",
			feature_row(field->row)->name, "name",
			field->feature ? field->feature->name : NULL, "a",
			fleet_value_json(fleet_file_cpu(&c->a), field), "b",
			fleet_value_json(fleet_file_cpu(&c->b), field)));
}

/* Returns whether they differ. */
static bool compare(struct comparison *c, bool json, struct buf *out)
{
	unsigned count;

	c->out = out;
	if (!json)
		return cpu_set_each_difference(fleet_file_cpu(&c->a),
			fleet_file_cpu(&c->b), put_line, c);
	c->list = json_array();
	count = cpu_set_each_difference(
		fleet_file_cpu(&c->a), fleet_file_cpu(&c->b), put_item, c);
	output_put_json(
		json_pack("{s:i, s:s, s:s, s:o}", "version", JSON_VERSION, "a",
			c->a.name, "b", c->b.name, "differences", c->list),
		out);
	return count;
}

static void cleanup_settings(struct settings *s)
{
	config_fini(&object, s);
}

static void cleanup_comparison(struct comparison *c)
{
	fleet_file_fini(&c->a);
	fleet_file_fini(&c->b);
}

static int read_both(const struct settings *s, struct comparison *ret)
{
	int rc;

	if (s->files.count < 2)
		return err_set(-EINVAL,
			"FILE: only one given; give the two that are to be "
			"compared");
	rc = fleet_file_read(s->files.word[0], &ret->a);
	return rc ? rc : fleet_file_read(s->files.word[1], &ret->b);
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_settings) struct settings s = { 0 };
	CLEANUP(cleanup_comparison) struct comparison c = { 0 };
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	bool differ;
	int rc = config_parse_args(&object, argc, argv, &s);

	if (!rc)
		rc = read_both(&s, &c);
	if (rc)
		return output_error(STATUS_USAGE, rc);
	differ = compare(&c, s.json, &out);
	rc = output(&out);
	if (rc)
		return rc;
	return differ ? FLEET_DIFFERS : STATUS_OK;
}

static const struct verb_example examples[] = {
	{ "what two hosts do not have in common",
		"muster fleet diff host-a.json host-b.json" },
	{ NULL, NULL },
};

const struct verb fleet_diff = {
	.name = "diff",
	.parent = "fleet",
	.arguments = " [--json] FILE FILE",
	.summary = "list the fields in which two files differ",
	.description =
		"Compares what the hosts' KVM offers, or what the templates "
		"show: a line for each field, with the value in each file. A "
		"register that one of them lacks counts as 0. The exit status "
		"is 0 when there is no difference, else 1."
		"\n\n"
		"The JSON object has the members version (1), a, b (the names) "
		"and differences, a list of objects with the members register, "
		"name (null: bits without a name), a and b.",
	.options = &object,
	.examples = examples,
	.run = run,
};
