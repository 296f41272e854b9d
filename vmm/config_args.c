/* SPDX-License-Identifier: Apache-2.0 */
/* config_args.c - whole objects: defaults, arguments, lists, release */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/config_field.h"

static void *member(void *base, size_t offset)
{
	return (char *)base + offset;
}

int config_defaults(const struct config_object *object, void *base)
{
	int rc = 0;

	for (unsigned i = 0; i < object->count && !rc; i++)
		if (object->fields[i].fallback)
			rc = config_set(&object->fields[i], "",
				object->fields[i].fallback, base);
	return rc;
}

static void fini_list(const struct config_field *f, void *base)
{
	char *items = member(base, f->offset);
	unsigned count = *(unsigned *)member(base, f->aux_offset);

	for (unsigned i = 0; i < count; i++)
		config_fini(f->item, items + i * f->item->size_bytes);
}

static void fini_words(struct config_words *words)
{
	for (unsigned i = 0; i < words->count; i++)
		free(words->word[i]);
	free(words->word);
}

static void fini_field(const struct config_field *f, void *base)
{
	switch (f->type) {
	case CONFIG_STRING:
	case CONFIG_PATH:
	case CONFIG_NAME:
	case CONFIG_TEXTS:
		free(*(char **)member(base, f->offset));
		break;
	case CONFIG_CHOICE:
		if (f->aux_offset)
			free(*(char **)member(base, f->aux_offset));
		break;
	case CONFIG_LIST:
		fini_list(f, base);
		break;
	case CONFIG_OBJECT:
		config_fini(f->item, member(base, f->offset));
		break;
	case CONFIG_WORDS:
		fini_words(member(base, f->offset));
		break;
	default:
		break;
	}
}

void config_fini(const struct config_object *object, void *base)
{
	for (unsigned i = 0; i < object->count; i++)
		fini_field(&object->fields[i], base);
	memset(base, 0, object->size_bytes);
}

/* The field that takes what is no option, or NULL. */
static const struct config_field *find_operands(
	const struct config_object *object)
{
	for (unsigned i = 0; i < object->count; i++)
		if (object->fields[i].operand)
			return &object->fields[i];
	return NULL;
}

/* The field whose short form is `-l`, or NULL. */
static const struct config_field *find_letter(
	const struct config_object *object, const char *argument)
{
	if (argument[0] != '-' || !argument[1] || argument[2])
		return NULL;
	for (unsigned i = 0; i < object->count; i++)
		if (object->fields[i].letter == argument[1])
			return &object->fields[i];
	return NULL;
}

static const struct config_field *find(
	const struct config_object *object, const char *name)
{
	for (unsigned i = 0; i < object->count; i++)
		if (!object->fields[i].operand &&
			!strcmp(object->fields[i].name, name))
			return &object->fields[i];
	return NULL;
}

/* Remember that a field was given; false if it already was. */
static bool first_time(const struct config_object *object,
	const struct config_field *f, uint64_t *seen)
{
	uint64_t bit = BIT64(f - object->fields);
	bool first = !(*seen & bit);

	*seen |= bit;
	return first;
}

/* The first required field that was not given, or NULL. */
static const struct config_field *missing(
	const struct config_object *object, uint64_t seen)
{
	for (unsigned i = 0; i < object->count; i++)
		if (object->fields[i].required && !(seen & BIT64(i)))
			return &object->fields[i];
	return NULL;
}

/* ---- key=value,key=value ---- */

/*
 * Cut the next key=value off `text`, in place: a comma ends it, two stand for
 * one.  Returns what follows the comma, or NULL at the end.
 */
static char *cut_pair(char *text)
{
	char *to = text;

	for (; *text; *to++ = *text++)
		if (*text == ',' && *++text != ',') {
			*to = '\0';
			return text;
		}
	*to = '\0';
	return NULL;
}

static int unknown_key(const struct config_field *list, const char *key)
{
	CLEANUP(buf_fini) struct buf keys = BUF_INIT;

	for (unsigned i = 0; i < list->item->count; i++)
		buf_printf(&keys, "%s%s", i ? ", " : "",
			list->item->fields[i].name);
	buf_u8(&keys, '\0');
	if (keys.failed)
		return -ENOMEM;
	return err_set(-EINVAL, "--%s %s: unknown key; the keys are %s",
		list->name, text_shown(key).s, (const char *)keys.data);
}

static int set_pair(
	const struct config_field *list, char *pair, void *item, uint64_t *seen)
{
	char *value = strchr(pair, '=');
	char label[CONFIG_LABEL_MAX];
	const struct config_field *f;

	if (!value)
		return err_set(-EINVAL,
			"--%s %s: not key=value; separate pairs by a comma and "
			"write a comma inside a value twice",
			list->name, text_shown(pair).s);
	*value++ = '\0';
	f = find(list->item, pair);
	if (!f)
		return unknown_key(list, pair);
	snprintf(label, sizeof(label), "--%s %s=", list->name, f->name);
	if (!first_time(list->item, f, seen))
		return err_set(-EINVAL, "%s%s: given twice; give %s once",
			label, text_shown(value).s, f->name);
	return config_set(f, label, value, item);
}

static int fill_item(const struct config_field *list, char *text, void *item)
{
	const struct config_field *f;
	uint64_t seen = 0;
	char *next;
	int rc = config_defaults(list->item, item);

	for (char *pair = text; pair && !rc; pair = next) {
		next = cut_pair(pair);
		rc = set_pair(list, pair, item, &seen);
	}
	if (rc)
		return rc;
	f = missing(list->item, seen);
	if (f)
		return err_set(-EINVAL, "--%s: %s is missing; add %s=%s, %s",
			list->name, f->name, f->name, f->metavar, f->help);
	return 0;
}

static int add_item(
	const struct config_field *list, const char *value, void *base)
{
	unsigned *count = member(base, list->aux_offset);
	char *items = member(base, list->offset);
	void *item = items + *count * list->item->size_bytes;
	CLEANUP_FREE char *text = NULL;
	int rc;

	if (*count == list->max)
		return err_set(-ERANGE,
			"--%s %s: one too many; give at most %u", list->name,
			text_shown(value).s, (unsigned)list->max);
	text = strdup(value);
	if (!text)
		return -ENOMEM;
	rc = fill_item(list, text, item);
	if (rc)
		config_fini(list->item, item);
	else
		++*count;
	return rc;
}

/* ---- arguments ---- */

static int unknown_option(const struct config_object *object, const char *name)
{
	for (unsigned i = 0; i < object->count; i++)
		if (!object->fields[i].operand && !object->fields[i].hidden &&
			text_is_near(name, object->fields[i].name))
			return err_set(-EINVAL,
				"--%s: unknown option; did you mean --%s?",
				text_shown(name).s, object->fields[i].name);
	return err_set(-EINVAL,
		"--%s: unknown option; `muster help %s` lists the options",
		text_shown(name).s, object->name);
}

static int no_value(const struct config_field *f, const char *next)
{
	CLEANUP(buf_fini) struct buf synopsis = BUF_INIT;

	config_put_synopsis(f, ' ', &synopsis);
	buf_u8(&synopsis, '\0');
	if (synopsis.failed)
		return -ENOMEM;
	return err_set(-EINVAL, "--%s: has no value%s%s; write --%s", f->name,
		next ? " before " : "", next ? text_shown(next).s : "",
		(const char *)synopsis.data);
}

/*
 * The value of the option at argv[0]; *ret_used is how many arguments it took.
 * A separate value may not begin with "--": it is rather an option whose
 * predecessor lost its value.
 */
static int find_value(const struct config_field *f, const char *inline_value,
	int argc, char *const argv[], const char **ret, int *ret_used)
{
	*ret_used = 1;
	*ret = inline_value;
	if (inline_value)
		return 0;
	*ret = "on";
	if (f->type == CONFIG_BOOL || f->type == CONFIG_ABSENT)
		return 0;
	if (argc < 2)
		return no_value(f, NULL);
	if (!strncmp(argv[1], "--", 2))
		return no_value(f, argv[1]);
	*ret = argv[1];
	*ret_used = 2;
	return 0;
}

static int set_option(const struct config_object *object,
	const struct config_field *f, const char *value, uint64_t *seen,
	void *base)
{
	char label[CONFIG_LABEL_MAX] = "";

	if (f->type == CONFIG_LIST)
		return add_item(f, value, base);
	if (f->type == CONFIG_ABSENT)
		return err_set(-ENOTSUP, "--%s: %s", f->name, f->help);
	if (!f->operand)
		snprintf(label, sizeof(label), "--%s ", f->name);
	if (!first_time(object, f, seen) && f->type != CONFIG_WORDS)
		return err_set(-EINVAL, "%s%s: given twice; give --%s once",
			label, text_shown(value).s, f->name);
	return config_set(f, label, value, base);
}

static int not_an_option(const struct config_object *object, const char *arg)
{
	return err_set(-EINVAL,
		"%s: not an option; options begin with --, and `muster help "
		"%s` lists them",
		text_shown(arg).s, object->name);
}

static int parse_letter(const struct config_object *object,
	const struct config_field *f, int argc, char *const argv[],
	uint64_t *seen, void *base)
{
	const char *value;
	int used;
	int rc = find_value(f, NULL, argc, argv, &value, &used);

	if (!rc)
		rc = set_option(object, f, value, seen, base);
	return rc ? rc : used;
}

static int parse_operand(const struct config_object *object, const char *arg,
	uint64_t *seen, void *base)
{
	const struct config_field *f = find_operands(object);
	int rc;

	if (!f || (arg[0] == '-' && arg[1]))
		return not_an_option(object, arg);
	rc = set_option(object, f, arg, seen, base);
	return rc ? rc : 1;
}

/* One option or operand; returns how many arguments it took. */
static int parse_option(const struct config_object *object, int argc,
	char *const argv[], uint64_t *seen, void *base)
{
	CLEANUP_FREE char *name = NULL;
	const struct config_field *f;
	const char *value;
	char *equals;
	int used, rc;

	f = find_letter(object, argv[0]);
	if (f)
		return parse_letter(object, f, argc, argv, seen, base);
	if (strncmp(argv[0], "--", 2))
		return parse_operand(object, argv[0], seen, base);
	name = strdup(argv[0] + 2);
	if (!name)
		return -ENOMEM;
	equals = strchr(name, '=');
	if (equals)
		*equals++ = '\0';
	f = find(object, name);
	if (!f)
		return unknown_option(object, name);
	rc = find_value(f, equals, argc, argv, &value, &used);
	if (!rc)
		rc = set_option(object, f, value, seen, base);
	return rc ? rc : used;
}

int config_parse_args(const struct config_object *object, int argc,
	char *const argv[], void *base)
{
	const struct config_field *f;
	uint64_t seen = 0;

	for (int i = 0; i < argc;) {
		int used = parse_option(
			object, argc - i, argv + i, &seen, base);

		if (used < 0)
			return used;
		i += used;
	}
	f = missing(object, seen);
	if (!f)
		return 0;
	if (f->operand)
		return err_set(
			-EINVAL, "%s: missing; give %s", f->metavar, f->help);
	return err_set(-EINVAL, "--%s: missing; give --%s %s, %s", f->name,
		f->name, f->metavar, f->help);
}
