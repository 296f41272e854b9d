/* SPDX-License-Identifier: Apache-2.0 */
/* config_json.c - objects from JSON: what is taken, and what a refusal names */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm/base/err.h"
#include "vmm/config_json.h"

enum colour { RED, GREEN };

struct thing {
	char *path;
	char *id;
	bool fast;
	unsigned size;
	unsigned colour;
};

static const struct config_choice colours[] = {
	{ "Red", NULL },
	{ "Green", NULL },
	{ NULL, NULL },
};

static const struct config_field fields[] = {
	{ .name = "path",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct thing, path, char *),
		.min = 1,
		.max = 20,
		.help = "the file" },
	{ .name = "id",
		.type = CONFIG_NAME,
		.offset = CONFIG_AT(struct thing, id, char *),
		.min = 1,
		.max = 8 },
	{ .name = "fast",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct thing, fast, bool) },
	{ .name = "size",
		.type = CONFIG_UNSIGNED,
		.offset = CONFIG_AT(struct thing, size, unsigned),
		.min = 1,
		.max = 32,
		.fallback = "4" },
	{ .name = "colour",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct thing, colour, unsigned),
		.choices = colours,
		.fallback = "Green" },
};

static const struct config_object object = {
	.name = "thing",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct thing),
};

static int parse(const char *text, struct thing *ret)
{
	*ret = (struct thing){ 0 };
	return config_parse_json(&object, text, strlen(text), ret);
}

static void takes_every_member(void **state)
{
	struct thing t;

	(void)state;
	assert_int_equal(parse("{\"path\": \"/a\", \"id\": \"x.y\", "
			       "\"fast\": true, \"size\": 32, "
			       "\"colour\": \"Red\"}",
				 &t),
		0);
	assert_string_equal(t.path, "/a");
	assert_string_equal(t.id, "x.y");
	assert_true(t.fast);
	assert_int_equal(t.size, 32);
	assert_int_equal(t.colour, RED);
	config_fini(&object, &t);
}

static void gives_defaults_for_what_is_absent_or_null(void **state)
{
	struct thing t;

	(void)state;
	assert_int_equal(
		parse("{\"path\": \"a\", \"size\": null, \"id\": null}", &t),
		0);
	assert_null(t.id);
	assert_int_equal(t.size, 4);
	assert_int_equal(t.colour, GREEN);
	config_fini(&object, &t);
}

static void names_what_it_refuses(void **state)
{
	static const struct {
		const char *text;
		const char *sentence;
	} cases[] = {
		{ "", "this is not JSON: " },
		{ "{", "this is not JSON: " },
		{ "{\"path\": \"a\"} x", "(line 1, column 15)" },
		{ "{\"path\": \"a\0b\"}", "this is not JSON: " },
		{ "{\"path\": \"a\\u0000\"}", "this is not JSON: " },
		{ "{\"path\": \"\xff\"}", "this is not JSON: " },
		{ "[]", "not an object" },
		{ "7", "this is not JSON: " },
		{ "{}", "path: missing; give the file" },
		{ "{\"path\": null}", "path: missing" },
		{ "{\"path\": \"a\", \"pat\": 1}",
			"pat: unknown; there is path, id, fast, size, colour" },
		{ "{\"pat\": \"a\"}", "pat: unknown" },
		{ "{\"path\": \"a\", \"path\": \"b\"}", "path: given twice" },
		{ "{\"path\": \"a\", \"size\": 1, \"size\" : 1}",
			"size: given twice" },
		{ "{\"path\": 1}", "path: has another type; give a file's" },
		{ "{\"path\": {}}", "path: has another type" },
		{ "{\"path\": \"\"}", "path \"\": empty" },
		{ "{\"path\": \"123456789012345678901\"}",
			"path 123456789012345678901: too long" },
		{ "{\"path\": \"a\", \"id\": \"a b\"}", "id a b: not a name" },
		{ "{\"path\": \"a\", \"fast\": \"on\"}",
			"fast: has another type; give true or false" },
		{ "{\"path\": \"a\", \"fast\": 1}", "fast: has another type" },
		{ "{\"path\": \"a\", \"size\": 0}",
			"size 0: out of range; give a number from 1 to 32" },
		{ "{\"path\": \"a\", \"size\": 33}", "size 33: out of range" },
		{ "{\"path\": \"a\", \"size\": -1}", "size -1: not a number" },
		{ "{\"path\": \"a\", \"size\": 4294967297}", "out of range" },
		{ "{\"path\": \"a\", \"size\": 1.0}",
			"size: has another type; give a number from 1 to 32" },
		{ "{\"path\": \"a\", \"size\": \"1\"}",
			"size: has another type" },
		{ "{\"path\": \"a\", \"colour\": \"red\"}",
			"colour red: unknown; give Red or Green" },
		{ "{\"path\": \"a\", \"colour\": true}",
			"colour: has another type; give Red or Green" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct thing t;

		assert_true(parse(cases[i].text, &t) < 0);
		if (!strstr(err_text(), cases[i].sentence))
			fail_msg("%s: %s", cases[i].text, err_text());
		assert_null(t.path); /* nothing is left to free */
	}
}

/* ---- objects in objects, changes, and back ---- */

struct box {
	struct thing thing;
	unsigned count;
	struct thing list[2];
};

static const struct config_field box_fields[] = {
	{ .name = "thing",
		.type = CONFIG_OBJECT,
		.offset = CONFIG_AT(struct box, thing, struct thing),
		.item = &object },
	{ .name = "list",
		.type = CONFIG_LIST,
		.offset = CONFIG_AT(struct box, list[0], struct thing),
		.aux_offset = CONFIG_AT(struct box, count, unsigned),
		.max = 2,
		.item = &object },
	{ .name = "wings", .type = CONFIG_ABSENT, .help = "boxes have none" },
};

static const struct config_object box_object = {
	.name = "box",
	.fields = box_fields,
	.count = ARRAY_SIZE(box_fields),
	.size_bytes = sizeof(struct box),
};

static void nests_objects_and_prints_them_again(void **state)
{
	static const char text[] =
		"{\"thing\":{\"path\":\"a\",\"id\":null,\"fast\":true,"
		"\"size\":4,\"colour\":\"Red\"},\"list\":[{\"path\":\"b\","
		"\"id\":\"i\",\"fast\":false,\"size\":9,\"colour\":"
		"\"Green\"}],\"wings\":null}";
	struct box box = { 0 };
	json_t *root;
	char *again;

	(void)state;
	assert_int_equal(
		config_parse_json(&box_object, text, strlen(text), &box), 0);
	assert_string_equal(box.thing.path, "a");
	assert_int_equal(box.count, 1);
	assert_int_equal(box.list[0].size, 9);
	root = config_to_json(&box_object, &box);
	again = json_dumps(root, JSON_COMPACT);
	assert_string_equal(again, text);
	free(again);
	json_decref(root);
	config_fini(&box_object, &box);
}

static void names_what_it_refuses_within(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{ "{\"thing\": 1}", "thing: has another type; give an object" },
		{ "{\"thing\": {\"x\": 1}}",
			"thing: x: unknown; there is path, id, fast, size, "
			"colour" },
		{ "{\"list\": {}}",
			"list: has another type; give an array of objects" },
		{ "{\"list\": [{\"path\": \"a\"}, {}]}",
			"list: path: missing; give the file" },
		{ "{\"list\": [{}, {}, {}]}", "list: 3 items; give at most 2" },
		{ "{\"wings\": 2}", "wings: boxes have none" },
	};
	struct box box = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(config_parse_json(&box_object, cases[i].text,
				    strlen(cases[i].text), &box) < 0);
		assert_string_equal(err_text(), cases[i].sentence);
	}
}

static void changes_only_what_is_given(void **state)
{
	struct thing thing = { .size = 7, .colour = RED };

	(void)state;
	assert_int_equal(
		config_patch_json(&object, "{\"size\": 8}", 11, &thing), 0);
	assert_int_equal(thing.size, 8);
	assert_int_equal(thing.colour, RED);
	assert_int_equal(config_patch_json(&object, "{}", 2, &thing), -EINVAL);
	assert_string_equal(err_text(), "the object is empty; give a member");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_every_member),
		cmocka_unit_test(gives_defaults_for_what_is_absent_or_null),
		cmocka_unit_test(names_what_it_refuses),
		cmocka_unit_test(nests_objects_and_prints_them_again),
		cmocka_unit_test(names_what_it_refuses_within),
		cmocka_unit_test(changes_only_what_is_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
