/* SPDX-License-Identifier: Apache-2.0 */
/* config_words.c - fields described to people, and objects printed as arguments */
#include <inttypes.h>
#include <string.h>

#include "vmm/config_field.h"

/* What stands for the value in a synopsis. */
static void put_value(const struct config_field *f, struct buf *out)
{
	const char *between = "";

	switch (f->type) {
	case CONFIG_BOOL:
		buf_printf(out, "on|off");
		break;
	case CONFIG_CHOICE:
		for (const struct config_choice *c = f->choices; c->name; c++) {
			buf_printf(out, c->arg ? "%s%s=%s" : "%s%s", between,
				c->name, c->arg);
			between = "|";
		}
		break;
	case CONFIG_LIST:
		for (unsigned i = 0; i < f->item->count; i++) {
			const struct config_field *key = &f->item->fields[i];

			buf_printf(out, key->required ? "%s" : "[%s", between);
			config_put_synopsis(key, '=', out);
			buf_printf(out, key->required ? "" : "]");
			between = ",";
		}
		break;
	default:
		buf_printf(out, "%s", f->metavar);
	}
}

void config_put_synopsis(
	const struct config_field *f, char sep, struct buf *out)
{
	buf_printf(out, "%s", f->name);
	/* An option that switches something on needs no value. */
	if (f->type == CONFIG_BOOL && sep == ' ') {
		buf_printf(out, "[=on|off]");
		return;
	}
	buf_printf(out, "%c", sep);
	put_value(f, out);
}

static void put_range(const struct config_field *f, struct buf *out)
{
	config_put_number(f->type, f->min, out);
	buf_printf(out, " to ");
	config_put_number(f->type, f->max, out);
	if (f->multiple_of) {
		buf_printf(out, ", a multiple of ");
		config_put_number(f->type, f->multiple_of, out);
	}
}

static void put_choices(const struct config_field *f, struct buf *out)
{
	for (const struct config_choice *c = f->choices; c->name; c++) {
		const char *sep = !c[1].name ? " or " : ", ";

		buf_printf(out, "%s%s", c == f->choices ? "" : sep, c->name);
		if (c->arg)
			buf_printf(out, "=%s", c->arg);
	}
}

void config_put_expected(const struct config_field *f, struct buf *out)
{
	switch (f->type) {
	case CONFIG_STRING:
		buf_printf(out, "at most %" PRIu64 " bytes", f->max);
		break;
	case CONFIG_PATH:
		buf_printf(out, "a file's name of at most %" PRIu64 " bytes",
			f->max);
		break;
	case CONFIG_NAME:
		buf_printf(out,
			"%" PRIu64 " to %" PRIu64
			" letters, digits, '.', '_' or '-'",
			f->min, f->max);
		break;
	case CONFIG_BOOL:
		buf_printf(out, "on or off");
		break;
	case CONFIG_UNSIGNED:
		buf_printf(out, "a number from ");
		put_range(f, out);
		break;
	case CONFIG_SIZE:
		buf_printf(out, "bytes, or a number with K, M, G or T, from ");
		put_range(f, out);
		break;
	case CONFIG_DURATION:
		buf_printf(out, "a number with ms, s, m or h, from ");
		put_range(f, out);
		break;
	case CONFIG_CHOICE:
		put_choices(f, out);
		break;
	case CONFIG_LIST:
		put_value(f, out);
		break;
	}
}

static bool is_number(const struct config_field *f)
{
	return f->type == CONFIG_UNSIGNED || f->type == CONFIG_SIZE ||
	       f->type == CONFIG_DURATION;
}

void config_put_notes(const struct config_field *f, struct buf *out)
{
	if (f->required)
		buf_printf(out, "required");
	else if (f->type == CONFIG_LIST)
		buf_printf(out, "up to %" PRIu64 " times", f->max);
	else if (f->type == CONFIG_NAME)
		buf_printf(out, "at most %" PRIu64 " bytes", f->max);
	else if (is_number(f))
		put_range(f, out);
	if (f->fallback)
		buf_printf(out, "%sdefault %s", is_number(f) ? "; " : "",
			f->fallback);
}

/* ---- an object as arguments ---- */

/* Between the keys of a list a comma in a text is written twice. */
static void put_text(const char *text, bool in_list, struct buf *out)
{
	for (; *text; text++)
		buf_printf(out, in_list && *text == ',' ? ",," : "%c", *text);
}

/* Never given and without a default: nothing to print. */
static bool is_absent(const struct config_field *f, const void *at)
{
	switch (f->type) {
	case CONFIG_STRING:
	case CONFIG_PATH:
	case CONFIG_NAME:
		return !*(char *const *)at;
	case CONFIG_SIZE:
	case CONFIG_DURATION:
		return *(const uint64_t *)at < f->min;
	default:
		return false;
	}
}

static void put_member(const struct config_field *f, const void *base,
	bool in_list, struct buf *out)
{
	const void *at = (const char *)base + f->offset;
	const void *aux = (const char *)base + f->aux_offset;
	const struct config_choice *c;

	switch (f->type) {
	case CONFIG_BOOL:
		buf_printf(out, *(const bool *)at ? "on" : "off");
		break;
	case CONFIG_UNSIGNED:
		config_put_number(f->type, *(const unsigned *)at, out);
		break;
	case CONFIG_SIZE:
	case CONFIG_DURATION:
		config_put_number(f->type, *(const uint64_t *)at, out);
		break;
	case CONFIG_CHOICE:
		c = &f->choices[*(const unsigned *)at];
		buf_printf(out, c->arg ? "%s=" : "%s", c->name);
		if (c->arg)
			put_text(*(char *const *)aux, in_list, out);
		break;
	default:
		put_text(*(char *const *)at, in_list, out);
	}
}

static void put_item(
	const struct config_object *item, const void *base, struct buf *out)
{
	const char *between = "";

	for (unsigned i = 0; i < item->count; i++) {
		const struct config_field *f = &item->fields[i];

		if (is_absent(f, (const char *)base + f->offset))
			continue;
		buf_printf(out, "%s%s=", between, f->name);
		put_member(f, base, true, out);
		between = ",";
	}
}

static void put_list(
	const struct config_field *f, const void *base, struct buf *out)
{
	const char *items = (const char *)base + f->offset;
	unsigned count = *(const unsigned *)(const void *)((const char *)base +
							   f->aux_offset);

	for (unsigned i = 0; i < count; i++) {
		buf_printf(out, "--%s=", f->name);
		put_item(f->item, items + i * f->item->size_bytes, out);
		buf_u8(out, '\0');
	}
}

void config_print_args(
	const struct config_object *object, const void *base, struct buf *out)
{
	for (unsigned i = 0; i < object->count; i++) {
		const struct config_field *f = &object->fields[i];

		if (f->type == CONFIG_LIST) {
			put_list(f, base, out);
		} else if (!is_absent(f, (const char *)base + f->offset)) {
			buf_printf(out, "--%s=", f->name);
			put_member(f, base, false, out);
			buf_u8(out, '\0');
		}
	}
}
