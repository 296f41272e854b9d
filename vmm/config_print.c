/* SPDX-License-Identifier: Apache-2.0 */
/* config_print.c - an object as the arguments that give it */
#include "vmm/config_field.h"

/* Between the keys of a list a comma in a text is written twice. */
static void put_text(const char *text, bool in_list, struct buf *out)
{
	for (; *text; text++) {
		if (in_list && *text == ',')
			buf_u8(out, ',');
		buf_u8(out, (uint8_t)*text);
	}
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
	case CONFIG_RATE:
		return !rate_limits(at);
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
		buf_printf(out, "%s", *(const bool *)at ? "on" : "off");
		break;
	case CONFIG_UNSIGNED:
		config_put_number(f->type, *(const unsigned *)at, out);
		break;
	case CONFIG_RATE:
		config_put_rate(at, out);
		break;
	case CONFIG_COUNT:
	case CONFIG_SIZE:
	case CONFIG_DURATION:
		config_put_number(f->type, *(const uint64_t *)at, out);
		break;
	case CONFIG_CHOICE:
		c = &f->choices[*(const unsigned *)at];
		buf_printf(out, "%s%s", c->name, c->arg ? "=" : "");
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

static void put_words(const struct config_field *f,
	const struct config_words *words, struct buf *out)
{
	for (unsigned i = 0; i < words->count; i++) {
		if (!f->operand)
			buf_printf(out, "--%s=", f->name);
		put_text(words->word[i], false, out);
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
		} else if (f->type == CONFIG_WORDS) {
			put_words(f,
				(const void *)((const char *)base + f->offset),
				out);
		} else if (!is_absent(f, (const char *)base + f->offset)) {
			buf_printf(out, "--%s=", f->name);
			put_member(f, base, false, out);
			buf_u8(out, '\0');
		}
	}
}
