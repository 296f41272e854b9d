/* SPDX-License-Identifier: Apache-2.0 */
/* openapi.c - the table as a document: all rows, all that is said of their fields */
#include "tests/unit/unit.h"

#include <string.h>

#include "vmm/api/openapi.h"
#include "vmm/api/resources.h"
#include "vmm/api/schema.h"

static json_t *at(json_t *root, const char *key)
{
	json_t *found = json_object_get(root, key);

	if (!found)
		fail_msg("there is no %s", key);
	return found;
}

static json_t *operation(json_t *document, const char *path, const char *method)
{
	return at(at(at(document, "paths"), path), method);
}

/* ---- the table, as the document needs it ---- */

static void every_body_has_room(void **state)
{
	(void)state;
	for (unsigned i = 0; i < routes_count; i++)
		if (routes[i].object)
			assert_in_range(routes[i].object->size_bytes, 1,
				ROUTE_BODY_BYTES);
}

static void every_answer_has_a_shape(void **state)
{
	(void)state;
	for (unsigned i = 0; i < routes_count; i++)
		if (routes[i].method == API_GET && routes[i].handle &&
			!routes[i].shape)
			fail_msg("GET %s tells what nothing describes",
				routes[i].path);
}

static const char *shape_name(const struct route *route)
{
	return route->shape->object ? route->shape->object->name
				    : route->shape->name;
}

static const void *shape_of(const struct route *route)
{
	return route->shape->object ? (const void *)route->shape->object
				    : route->shape;
}

/* The name is the key of a component: two of one name would be one. */
static void no_two_schemas_have_one_name(void **state)
{
	const char *name[256];
	const void *of[256];
	unsigned count = 0;

	(void)state;
	assert_in_range(routes_count, 1, 128);
	for (unsigned i = 0; i < routes_count; i++) {
		if (routes[i].object) {
			name[count] = routes[i].object->name;
			of[count++] = routes[i].object;
		}
		if (routes[i].shape) {
			name[count] = shape_name(&routes[i]);
			of[count++] = shape_of(&routes[i]);
		}
	}
	for (unsigned i = 0; i < count; i++)
		for (unsigned j = 0; j < i; j++)
			if (of[i] != of[j] && !strcmp(name[i], name[j]))
				fail_msg("two are called %s", name[i]);
}

/* ---- the document ---- */

static void has_every_row_that_there_is(void **state)
{
	static const char *const words[] = { "get", "put", "patch", "delete" };
	json_auto_t *document = openapi_document();

	(void)state;
	for (unsigned i = 0; i < routes_count; i++) {
		json_t *path = json_object_get(
			at(document, "paths"), routes[i].path);
		json_t *found = json_object_get(path, words[routes[i].method]);

		assert_int_equal(!!found, !!routes[i].handle);
		if (found)
			assert_int_equal(
				!!json_object_get(found, "requestBody"),
				routes[i].body != NO_BODY);
	}
}

static void says_in_which_states_a_request_is_taken(void **state)
{
	json_auto_t *document = openapi_document();
	json_t *states = at(
		operation(document, "/machine-config", "put"), "x-states");

	(void)state;
	assert_int_equal(json_array_size(states), 1);
	assert_string_equal(
		json_string_value(json_array_get(states, 0)), "Not started");
}

static void names_the_id_in_a_path(void **state)
{
	json_auto_t *document = openapi_document();
	json_t *parameters = at(
		at(at(document, "paths"), "/drives/{id}"), "parameters");

	(void)state;
	assert_string_equal(
		json_string_value(at(json_array_get(parameters, 0), "name")),
		"id");
}

static void refers_to_what_is_there(json_t *document, json_t *value)
{
	json_t *reference = json_object_get(value, "$ref");
	const char *key;
	size_t i;
	json_t *inner;

	if (reference) {
		char kind[32], name[64];

		assert_int_equal(
			sscanf(json_string_value(reference),
				"#/components/%31[a-z]/%63s", kind, name),
			2);
		at(at(at(document, "components"), kind), name);
	}
	json_object_foreach(value, key, inner)
		refers_to_what_is_there(document, inner);
	json_array_foreach(value, i, inner)
		refers_to_what_is_there(document, inner);
}

static void has_what_it_refers_to(void **state)
{
	json_auto_t *document = openapi_document();

	(void)state;
	refers_to_what_is_there(document, document);
}

/* ---- schemas ---- */

static void equals(json_t *schema, const char *text)
{
	json_auto_t *got = schema;
	json_auto_t *wanted = json_loads(text, 0, NULL);

	assert_non_null(wanted);
	if (!json_equal(got, wanted))
		fail_msg("%s", json_dumps(got, JSON_COMPACT));
}

struct thing {
	char *path, *name;
	unsigned size, colour, count;
	bool fast;
	struct thing *items;
};

static const struct config_choice colours[] = { { "Red", NULL },
	{ "Green", NULL }, { NULL, NULL } };

static const struct config_field small_fields[] = {
	{ .name = "size",
		.type = CONFIG_UNSIGNED,
		.required = true,
		.min = 2,
		.max = 8,
		.multiple_of = 2,
		.help = "how large" },
};

static const struct config_object small = {
	.name = "small", .fields = small_fields, .count = 1
};

static const struct config_field fields[] = {
	{ .name = "path",
		.type = CONFIG_PATH,
		.required = true,
		.min = 1,
		.max = 9 },
	{ .name = "colour",
		.type = CONFIG_CHOICE,
		.choices = colours,
		.any_case = true,
		.fallback = "Red" },
	{ .name = "fast", .type = CONFIG_BOOL, .fallback = "on" },
	{ .name = "items", .type = CONFIG_LIST, .max = 3, .item = &small },
	{ .name = "none", .type = CONFIG_ABSENT, .help = "not here" },
};

static const struct config_object object = {
	.name = "thing", .fields = fields, .count = ARRAY_SIZE(fields)
};

#define SMALL                                                               \
	"{\"type\": \"object\", \"additionalProperties\": false,"           \
	"\"properties\": {\"size\": {\"type\": \"integer\","                \
	"  \"description\": \"how large\", \"minimum\": 2, \"maximum\": 8," \
	"  \"multipleOf\": 2}},"                                            \
	"\"required\": [\"size\"]}"

static void says_all_that_a_table_says(void **state)
{
	(void)state;
	equals(schema_of_object(&object, SCHEMA_WHOLE),
		"{\"type\": \"object\", \"additionalProperties\": false,"
		"\"required\": [\"path\"], \"properties\": {"
		"\"path\": {\"type\": \"string\", \"format\": \"path\","
		"  \"minLength\": 1, \"maxLength\": 9},"
		"\"colour\": {\"type\": \"string\", \"nullable\": true,"
		"  \"enum\": [\"Red\", \"Green\", null], \"default\": \"Red\","
		"  \"x-any-case\": true},"
		"\"fast\": {\"type\": \"boolean\", \"nullable\": true,"
		"  \"default\": true},"
		"\"items\": {\"type\": \"array\", \"nullable\": true,"
		"  \"maxItems\": 3, \"items\": " SMALL "},"
		"\"none\": {\"type\": \"object\", \"nullable\": true,"
		"  \"enum\": [null], \"description\": \"not here\"}}}");
}

static void lets_a_patch_lack_members(void **state)
{
	json_auto_t *schema = schema_of_object(&object, SCHEMA_PATCH);

	(void)state;
	assert_null(json_object_get(schema, "required"));
	assert_int_equal(json_integer_value(at(schema, "minProperties")), 1);
}

static void says_what_a_shape_is(void **state)
{
	static const char *const words[] = { "a", "b" };
	static const struct shape_member inner_members[] = {
		{ .name = "n", .type = SHAPE_INTEGER },
	};
	static const struct shape inner = SHAPE("inner", inner_members);
	static const struct shape_member members[] = {
		{ .name = "words",
			.type = SHAPE_STRING,
			.flags = SHAPE_LIST,
			.words = words,
			.word_count = 2 },
		{ .name = "map",
			.type = SHAPE_OBJECT,
			.flags = SHAPE_MAP,
			.shape = &inner },
		{ .name = "perhaps",
			.type = SHAPE_BOOL,
			.flags = SHAPE_MAY_BE_NULL | SHAPE_MAY_LACK },
	};
	static const struct shape shape = SHAPE("outer", members);

	(void)state;
	equals(schema_of_shape(&shape, SCHEMA_WHOLE),
		"{\"type\": \"object\", \"additionalProperties\": false,"
		"\"required\": [\"words\", \"map\"], \"properties\": {"
		"\"words\": {\"type\": \"array\", \"items\":"
		"  {\"type\": \"string\", \"enum\": [\"a\", \"b\"]}},"
		"\"map\": {\"type\": \"object\", \"additionalProperties\":"
		"  {\"type\": \"object\", \"additionalProperties\": false,"
		"   \"required\": [\"n\"],"
		"   \"properties\": {\"n\": {\"type\": \"integer\"}}}},"
		"\"perhaps\": {\"type\": \"boolean\", \"nullable\": true}}}");
}

static void says_what_may_be_sent_of_a_shape(void **state)
{
	static const struct shape_member members[] = {
		{ .name = "told", .type = SHAPE_INTEGER },
		{ .name = "start",
			.type = SHAPE_BOOL,
			.flags = SHAPE_SENT_ONLY },
	};
	static const struct shape shape = SHAPE("sent", members);
	json_auto_t *told = schema_of_shape(&shape, SCHEMA_WHOLE);

	(void)state;
	assert_int_equal(json_array_size(at(told, "required")), 1);
	equals(schema_of_shape(&shape, SCHEMA_PATCH),
		"{\"type\": \"object\", \"additionalProperties\": false,"
		"\"properties\": {"
		"\"told\": {\"type\": \"integer\", \"nullable\": true},"
		"\"start\": {\"type\": \"boolean\", \"nullable\": true,"
		"  \"writeOnly\": true}}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_body_has_room),
		cmocka_unit_test(every_answer_has_a_shape),
		cmocka_unit_test(no_two_schemas_have_one_name),
		cmocka_unit_test(has_every_row_that_there_is),
		cmocka_unit_test(says_in_which_states_a_request_is_taken),
		cmocka_unit_test(names_the_id_in_a_path),
		cmocka_unit_test(has_what_it_refers_to),
		cmocka_unit_test(says_all_that_a_table_says),
		cmocka_unit_test(lets_a_patch_lack_members),
		cmocka_unit_test(says_what_a_shape_is),
		cmocka_unit_test(says_what_may_be_sent_of_a_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
