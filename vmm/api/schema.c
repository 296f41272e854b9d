/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c - what a table says of its fields, said as a JSON schema */
#include "vmm/api/schema.h"

#include <stdlib.h>
#include <string.h>

/* ---- settings ---- */

#define DIGITS "^[0-9]+"

/* How a type appears in JSON, and what its limits are called there. */
static const struct type_words {
	const char *type;
	const char *format;
	const char *pattern;
	const char *min, *max;
} type_words[] = {
	[CONFIG_STRING] = { "string", NULL, NULL, "minLength", "maxLength" },
	[CONFIG_PATH] = { "string", "path", NULL, "minLength", "maxLength" },
	[CONFIG_NAME] = { "string", NULL, "^[A-Za-z0-9._-]*$", "minLength",
		"maxLength" },
	[CONFIG_BOOL] = { "boolean", NULL, NULL, NULL, NULL },
	[CONFIG_UNSIGNED] = { "integer", NULL, NULL, "minimum", "maximum" },
	[CONFIG_COUNT] = { "integer", "int64", NULL, "minimum", "maximum" },
	[CONFIG_RATE] = { "string", "rate", DIGITS, NULL, NULL },
	[CONFIG_SIZE] = { "string", "size", DIGITS "[KMGTkmgt]?$", NULL, NULL },
	[CONFIG_DURATION] = { "string", "duration", DIGITS "(ms|s|m|h)$", NULL,
		NULL },
	[CONFIG_CHOICE] = { "string", NULL, NULL, NULL, NULL },
	[CONFIG_LIST] = { "array", NULL, NULL, NULL, "maxItems" },
	[CONFIG_OBJECT] = { "object", NULL, NULL, NULL, NULL },
	[CONFIG_TEXTS] = { "object", NULL, NULL, NULL, NULL },
	[CONFIG_ABSENT] = { "object", NULL, NULL, NULL, NULL },
};

static void set_text(json_t *schema, const char *key, const char *text)
{
	if (text)
		json_object_set_new(schema, key, json_string(text));
}

static void set_number(json_t *schema, const char *key, uint64_t n)
{
	if (key && n)
		json_object_set_new(schema, key, json_integer((json_int_t)n));
}

static json_t *fallback_json(const struct config_field *f)
{
	switch (f->type) {
	case CONFIG_BOOL:
		return json_boolean(!strcmp(f->fallback, "on"));
	case CONFIG_UNSIGNED:
		return json_integer(
			(json_int_t)strtoull(f->fallback, NULL, 10));
	default:
		return json_string(f->fallback);
	}
}

static void set_choices(
	json_t *schema, const struct config_field *f, bool may_be_null)
{
	json_t *names = json_array();

	for (const struct config_choice *c = f->choices; c && c->name; c++)
		json_array_append_new(names, json_string(c->name));
	if (may_be_null)
		json_array_append_new(names, json_null());
	json_object_set_new(schema, "enum", names);
	if (f->any_case)
		json_object_set_new(schema, "x-any-case", json_true());
}

/* What only values of its type have. */
static void set_kind(
	json_t *schema, const struct config_field *f, bool may_be_null)
{
	switch (f->type) {
	case CONFIG_LIST:
		json_object_set_new(schema, "items",
			schema_of_object(f->item, SCHEMA_WHOLE));
		break;
	case CONFIG_CHOICE:
		set_choices(schema, f, may_be_null);
		break;
	case CONFIG_TEXTS:
		json_object_set_new(schema, "additionalProperties",
			json_pack("{s:s}", "type", "string"));
		break;
	case CONFIG_ABSENT:
		json_object_set_new(schema, "enum", json_pack("[n]"));
		break;
	default:
		break;
	}
}

/* null is as good as no member. */
static json_t *schema_of_field(const struct config_field *f, bool may_lack)
{
	const struct type_words *words = &type_words[f->type];
	json_t *schema = f->type == CONFIG_OBJECT
				 ? schema_of_object(f->item, SCHEMA_WHOLE)
				 : json_pack("{s:s}", "type", words->type);

	set_text(schema, "format", words->format);
	set_text(schema, "pattern", words->pattern);
	set_text(schema, "description", f->help);
	set_number(schema, words->min, f->min);
	set_number(schema, words->max, f->max);
	set_number(schema, "multipleOf", f->multiple_of);
	set_kind(schema, f, may_lack);
	if (f->fallback && may_lack)
		json_object_set_new(schema, "default", fallback_json(f));
	if (may_lack)
		json_object_set_new(schema, "nullable", json_true());
	return schema;
}

/* OpenAPI 3.0 has no empty list of what is required. */
static json_t *object_schema(json_t *properties, json_t *required, bool open)
{
	json_t *schema = json_pack("{s:s, s:b, s:o}", "type", "object",
		"additionalProperties", open, "properties", properties);

	if (json_array_size(required))
		json_object_set(schema, "required", required);
	json_decref(required);
	return schema;
}

json_t *schema_of_object(
	const struct config_object *object, enum schema_use use)
{
	json_t *properties = json_object(), *required = json_array();
	json_t *schema;

	for (unsigned i = 0; i < object->count; i++) {
		const struct config_field *f = &object->fields[i];
		bool may_lack = !f->required || use == SCHEMA_PATCH;

		json_object_set_new(
			properties, f->name, schema_of_field(f, may_lack));
		if (!may_lack)
			json_array_append_new(required, json_string(f->name));
	}
	schema = object_schema(properties, required, false);
	if (use == SCHEMA_PATCH)
		set_number(schema, "minProperties", 1);
	return schema;
}

/* ---- replies ---- */

static json_t *schema_of_words(const struct shape_member *m)
{
	json_t *schema = json_pack("{s:s}", "type", "string");
	json_t *words = m->words ? json_array() : NULL;

	for (unsigned i = 0; words && i < m->word_count; i++)
		json_array_append_new(words, json_string(m->words[i]));
	if (words && m->flags & SHAPE_MAY_BE_NULL)
		json_array_append_new(words, json_null());
	if (words)
		json_object_set_new(schema, "enum", words);
	return schema;
}

static json_t *schema_of_one(const struct shape_member *m)
{
	switch (m->type) {
	case SHAPE_STRING:
		return schema_of_words(m);
	case SHAPE_INTEGER:
		return json_pack("{s:s}", "type", "integer");
	case SHAPE_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case SHAPE_OBJECT:
		return schema_of_shape(m->shape, SCHEMA_WHOLE);
	case SHAPE_SETTINGS:
		return schema_of_object(m->object, SCHEMA_WHOLE);
	case SHAPE_NULL:
		return json_pack("{s:s, s:b, s:[n]}", "type", "object",
			"nullable", 1, "enum");
	case SHAPE_ANY:
		break;
	}
	return json_pack("{s:s}", "type", "object");
}

static json_t *schema_of_member(const struct shape_member *m, bool may_be_null)
{
	json_t *schema = schema_of_one(m);

	if (m->flags & SHAPE_LIST)
		schema = json_pack(
			"{s:s, s:o}", "type", "array", "items", schema);
	if (m->flags & SHAPE_MAP)
		schema = json_pack("{s:s, s:o}", "type", "object",
			"additionalProperties", schema);
	if (may_be_null)
		json_object_set_new(schema, "nullable", json_true());
	if (m->flags & SHAPE_SENT_ONLY)
		json_object_set_new(schema, "writeOnly", json_true());
	return schema;
}

json_t *schema_of_shape(const struct shape *shape, enum schema_use use)
{
	json_t *properties, *required;
	bool patch = use == SCHEMA_PATCH;

	if (shape->object)
		return schema_of_object(shape->object, use);
	if (shape->media && !shape->members)
		return json_pack("{s:s}", "type", "string");
	properties = json_object();
	required = json_array();
	for (unsigned i = 0; i < shape->count; i++) {
		const struct shape_member *m = &shape->members[i];

		json_object_set_new(properties, m->name,
			schema_of_member(
				m, patch || m->flags & SHAPE_MAY_BE_NULL));
		if (!patch && !(m->flags & (SHAPE_MAY_LACK | SHAPE_SENT_ONLY)))
			json_array_append_new(required, json_string(m->name));
	}
	return object_schema(properties, required, shape->open);
}
