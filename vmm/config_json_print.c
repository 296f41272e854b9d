/* SPDX-License-Identifier: Apache-2.0 */
/* config_json_print.c - an object as JSON, by the table of its fields */
#include "vmm/config_json.h"

static json_t *text_to_json(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *list_to_json(const struct config_field *f, const char *base)
{
	unsigned count = *(
		const unsigned *)(const void *)(base + f->aux_offset);
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(list,
			config_to_json(f->item,
				base + f->offset + i * f->item->size_bytes));
	return list;
}

static bool was_given(const struct config_field *f, const char *base)
{
	return !f->aux_offset || *(const bool *)(base + f->aux_offset);
}

static json_t *field_to_json(const struct config_field *f, const char *base)
{
	const void *at = base + f->offset;

	switch (f->type) {
	case CONFIG_BOOL:
		return json_boolean(*(const bool *)at);
	case CONFIG_UNSIGNED:
		return json_integer(*(const unsigned *)at);
	case CONFIG_CHOICE:
		return json_string(f->choices[*(const unsigned *)at].name);
	case CONFIG_LIST:
		return list_to_json(f, base);
	case CONFIG_COUNT:
		return json_integer((json_int_t) * (const uint64_t *)at);
	case CONFIG_OBJECT:
		return was_given(f, base) ? config_to_json(f->item, at)
					  : json_null();
	case CONFIG_TEXTS: /* it was parsed when it came */
		return *(char *const *)at
			       ? json_loads(*(char *const *)at, 0, NULL)
			       : json_null();
	case CONFIG_ABSENT:
		return json_null();
	default:
		return text_to_json(*(char *const *)at);
	}
}

json_t *config_to_json(const struct config_object *object, const void *base)
{
	json_t *root = json_object();
	int rc = root ? 0 : -1;

	for (unsigned i = 0; i < object->count && !rc; i++)
		rc = json_object_set_new(root, object->fields[i].name,
			field_to_json(&object->fields[i], base));
	if (!rc)
		return root;
	json_decref(root);
	return NULL;
}
