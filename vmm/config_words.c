/* SPDX-License-Identifier: Apache-2.0 */
/* config_words.c - fields in words: synopsis, range, default */
#include <inttypes.h>

#include "vmm/config_field.h"

static void put_choice(const struct config_choice *choice, struct buf *out)
{
	buf_printf(out, "%s", choice->name);
	if (choice->arg)
		buf_printf(out, "=%s", choice->arg);
}

/* path=FILE[,KEY=VALUE]...: those that must be given come first. */
static void put_keys(const struct config_object *item, struct buf *out)
{
	unsigned i = 0;

	for (; i < item->count && item->fields[i].required; i++) {
		buf_printf(out, "%s", i ? "," : "");
		config_put_synopsis(&item->fields[i], '=', out);
	}
	if (i < item->count)
		buf_printf(out, "[,KEY=VALUE]...");
}

/* What stands for the value in a synopsis. */
static void put_value(const struct config_field *f, struct buf *out)
{
	switch (f->type) {
	case CONFIG_BOOL:
		buf_printf(out, "on|off");
		break;
	case CONFIG_CHOICE:
		for (const struct config_choice *c = f->choices; c->name; c++) {
			buf_printf(out, "%s", c == f->choices ? "" : "|");
			put_choice(c, out);
		}
		break;
	case CONFIG_LIST:
		put_keys(f->item, out);
		break;
	default:
		buf_printf(out, "%s", f->metavar);
	}
}

void config_put_synopsis(
	const struct config_field *f, char sep, struct buf *out)
{
	if (f->operand) {
		buf_printf(out, "%s...", f->metavar);
		return;
	}
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
		if (c != f->choices)
			buf_printf(out, "%s", c[1].name ? ", " : " or ");
		put_choice(c, out);
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
	case CONFIG_COUNT:
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
	case CONFIG_RATE:
		buf_printf(out,
			"an amount, and perhaps /TIME and +BURST: 100M, "
			"100M/500ms, 100M/1s+2G");
		break;
	case CONFIG_CHOICE:
		put_choices(f, out);
		break;
	case CONFIG_LIST:
		put_value(f, out);
		break;
	case CONFIG_OBJECT:
		buf_printf(out, "an object");
		break;
	case CONFIG_TEXTS:
		buf_printf(out,
			"an object of strings, of at most %" PRIu64 " bytes",
			f->max);
		break;
	case CONFIG_ABSENT:
		buf_printf(out, "nothing");
		break;
	case CONFIG_WORDS:
		if (f->max == 1)
			buf_printf(out, "one %s", f->metavar);
		else
			buf_printf(out, "%s, up to %" PRIu64 " times",
				f->metavar, f->max);
		break;
	}
}

static bool is_number(const struct config_field *f)
{
	return f->type == CONFIG_UNSIGNED || f->type == CONFIG_COUNT ||
	       f->type == CONFIG_SIZE || f->type == CONFIG_DURATION;
}

void config_put_notes(const struct config_field *f, struct buf *out)
{
	size_t before = out->len;

	if (f->required)
		buf_printf(out, "required");
	else if (f->type == CONFIG_LIST || f->type == CONFIG_WORDS)
		buf_printf(out, f->max == 1 ? "at most once" : "up to %u times",
			(unsigned)f->max);
	else if (f->type == CONFIG_NAME)
		buf_printf(out, "at most %" PRIu64 " bytes", f->max);
	else if (is_number(f))
		put_range(f, out);
	if (f->fallback)
		buf_printf(out, "%sdefault %s", out->len > before ? "; " : "",
			f->fallback);
}
