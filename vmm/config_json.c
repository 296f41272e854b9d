/* SPDX-License-Identifier: Apache-2.0 */
/* config_json.c - an object from JSON, by the table of its fields */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/config_json.h"

#define NUMBER_MAX 24 /* digits, sign and NUL */

/* ---- what is no object ---- */

/*
 * The member that ends in front of `at`: jansson has read its name and the quote
 * behind it when it finds that it has seen the name before.
 */
static int refuse_twice(const char *text, size_t at)
{
	size_t end = at - 1, begin = end;

	while (begin && text[begin - 1] != '"')
		begin--;
	return err_set(-EINVAL, "%.*s: given twice; give it once",
		(int)MIN(end - begin, CONFIG_LABEL_MAX), text + begin);
}

static int refuse_text(const char *text, size_t len, const json_error_t *error)
{
	if (json_error_code(error) == json_error_duplicate_key &&
		error->position > 0 && (size_t)error->position <= len)
		return refuse_twice(text, (size_t)error->position);
	return err_set(-EINVAL, "this is not JSON: %s (line %d, column %d)",
		error->text, error->line, error->column);
}

/* ---- one member ---- */

static const struct config_field *find(
	const struct config_object *object, const char *name)
{
	for (unsigned i = 0; i < object->count; i++)
		if (!strcmp(object->fields[i].name, name))
			return &object->fields[i];
	return NULL;
}

static int refuse_unknown(const struct config_object *object, const char *name)
{
	CLEANUP(buf_fini) struct buf known = BUF_INIT;

	for (unsigned i = 0; i < object->count; i++)
		buf_printf(
			&known, "%s%s", i ? ", " : "", object->fields[i].name);
	buf_u8(&known, '\0');
	if (known.failed)
		return -ENOMEM;
	return err_set(-EINVAL, "%s: unknown; there is %s", text_shown(name).s,
		(char *)known.data);
}

static int refuse_type(const struct config_field *f)
{
	CLEANUP(buf_fini) struct buf expected = BUF_INIT;

	if (f->type == CONFIG_BOOL)
		buf_printf(&expected, "true or false");
	else if (f->type == CONFIG_LIST)
		buf_printf(&expected, "an array of objects");
	else
		config_put_expected(f, &expected);
	buf_u8(&expected, '\0');
	if (expected.failed)
		return -ENOMEM;
	return err_set(-EINVAL, "%s: has another type; give %s", f->name,
		(char *)expected.data);
}

static int set_members(
	const struct config_object *object, json_t *root, void *base);

static int set_object(
	const struct config_field *f, json_t *value, void *at, bool *given)
{
	int rc;

	if (!json_is_object(value))
		return refuse_type(f);
	rc = config_defaults(f->item, at);
	if (!rc)
		rc = set_members(f->item, value, at);
	if (!rc && given)
		*given = true;
	return rc ? err_wrap(rc, "%s", f->name) : 0;
}

/* What is half set counts, so that it is released with the rest. */
static int set_list(const struct config_field *f, json_t *value, void *base)
{
	char *items = (char *)base + f->offset;
	unsigned *count = (void *)((char *)base + f->aux_offset);
	int rc = 0;

	if (!json_is_array(value))
		return refuse_type(f);
	if (json_array_size(value) > f->max)
		return err_set(-E2BIG, "%s: %zu items; give at most %" PRIu64,
			f->name, json_array_size(value), f->max);
	while (!rc && *count < json_array_size(value)) {
		unsigned i = (*count)++;

		rc = set_object(f, json_array_get(value, i),
			items + i * f->item->size_bytes, NULL);
	}
	return rc;
}

static int set_texts(const struct config_field *f, json_t *value, char **at)
{
	const char *name;
	json_t *text;

	if (!json_is_object(value))
		return refuse_type(f);
	json_object_foreach(value, name, text)
	{
		if (!json_is_string(text))
			return err_set(-EINVAL,
				"%s: %s: is no string; give one", f->name,
				text_shown(name).s);
	}
	free(*at);
	*at = json_dumps(value, JSON_COMPACT);
	if (!*at)
		return -ENOMEM;
	if (strlen(*at) > f->max)
		return err_set(-E2BIG, "%s: %zu bytes; give at most %" PRIu64,
			f->name, strlen(*at), f->max);
	return 0;
}

static bool *given_of(const struct config_field *f, void *base)
{
	return f->aux_offset ? (bool *)(void *)((char *)base + f->aux_offset)
			     : NULL;
}

/* As the option of that name would take it. */
static int set_member(const struct config_field *f, json_t *value, void *base)
{
	char label[CONFIG_LABEL_MAX];
	char number[NUMBER_MAX];

	snprintf(label, sizeof(label), "%s ", f->name);
	switch (f->type) {
	case CONFIG_BOOL:
		if (!json_is_boolean(value))
			return refuse_type(f);
		return config_set(
			f, label, json_is_true(value) ? "on" : "off", base);
	case CONFIG_UNSIGNED:
	case CONFIG_COUNT:
		if (!json_is_integer(value))
			return refuse_type(f);
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			json_integer_value(value));
		return config_set(f, label, number, base);
	case CONFIG_LIST:
		return set_list(f, value, base);
	case CONFIG_OBJECT:
		return set_object(
			f, value, (char *)base + f->offset, given_of(f, base));
	case CONFIG_TEXTS:
		return set_texts(f, value, (void *)((char *)base + f->offset));
	case CONFIG_ABSENT:
		return err_set(-ENOTSUP, "%s: %s", f->name, f->help);
	default:
		if (!json_is_string(value))
			return refuse_type(f);
		return config_set(f, label, json_string_value(value), base);
	}
}

static int check_missing(const struct config_object *object, json_t *root)
{
	for (unsigned i = 0; i < object->count; i++) {
		const struct config_field *f = &object->fields[i];
		const json_t *value = json_object_get(root, f->name);

		if (f->required && (!value || json_is_null(value)))
			return err_set(-EINVAL, "%s: missing; give %s", f->name,
				f->help);
	}
	return 0;
}

/* ---- the object ---- */

static int set_given(
	const struct config_object *object, json_t *root, void *base)
{
	const char *name;
	json_t *value;
	int rc = 0;

	json_object_foreach(root, name, value)
	{
		const struct config_field *f = find(object, name);

		if (!rc && !f)
			rc = refuse_unknown(object, name);
		if (!rc && !json_is_null(value))
			rc = set_member(f, value, base);
	}
	return rc;
}

static int set_members(
	const struct config_object *object, json_t *root, void *base)
{
	int rc = set_given(object, root, base);

	return rc ? rc : check_missing(object, root);
}

int config_load_json(const char *text, size_t len, json_t **ret)
{
	json_error_t error;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		return refuse_text(text, len, &error);
	if (!json_is_object(root)) {
		json_decref(root);
		return err_set(-EINVAL, "this is JSON, but not an object: give "
					"{\"name\": value, ...}");
	}
	*ret = root;
	return 0;
}

int config_parse_json(const struct config_object *object, const char *text,
	size_t len, void *base)
{
	json_auto_t *root = NULL;
	int rc = config_load_json(text, len, &root);

	if (rc)
		return rc;
	rc = config_defaults(object, base);
	if (!rc)
		rc = set_members(object, root, base);
	if (rc)
		config_fini(object, base);
	return rc;
}

int config_patch_json(const struct config_object *object, const char *text,
	size_t len, void *base)
{
	json_auto_t *root = NULL;
	int rc = config_load_json(text, len, &root);

	if (rc)
		return rc;
	if (!json_object_size(root))
		return err_set(-EINVAL, "the object is empty; give a member");
	return set_given(object, root, base);
}

int config_update_json(const struct config_object *object, const char *text,
	size_t len, void *base)
{
	json_auto_t *root = NULL;
	int rc = config_load_json(text, len, &root);

	return rc ? rc : set_given(object, root, base);
}
