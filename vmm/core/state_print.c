/* SPDX-License-Identifier: Apache-2.0 */
/* state_print.c - a state as JSON, and what two states differ in */
#include <stdio.h>
#include <string.h>

#include "vmm/core/state.h"
#include "vmm/core/state_span.h"

#define PATH_MAX_BYTES 256

/* ---- JSON ---- */

static void print_hex(struct state_span span, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";

	buf_u8(out, '"');
	for (uint32_t i = 0; i < span.count; i++) {
		buf_u8(out, (uint8_t)digits[span.first[i] >> 4]);
		buf_u8(out, (uint8_t)digits[span.first[i] & 15]);
	}
	buf_u8(out, '"');
}

static void print_element(
	const struct state_field *f, const uint8_t *at, struct buf *out)
{
	if (f->kind == STATE_KIND_OBJECT)
		state_print(f->desc, at, out);
	else if (f->kind == STATE_KIND_BOOL)
		buf_printf(out, "%s", *at ? "true" : "false");
	else
		buf_printf(out, "%llu",
			(unsigned long long)state_number(at, f->size));
}

static void print_field(
	const struct state_field *f, const void *obj, struct buf *out)
{
	struct state_span span = state_span(f, obj);

	buf_printf(out, "\"%s\":", f->name);
	if (f->kind == STATE_KIND_BYTE) {
		print_hex(span, out);
		return;
	}
	if (f->array)
		buf_u8(out, '[');
	for (uint32_t i = 0; i < span.count; i++) {
		if (i)
			buf_u8(out, ',');
		print_element(f, state_element(f, span, i), out);
	}
	if (f->array)
		buf_u8(out, ']');
}

void state_print(
	const struct state_desc *desc, const void *obj, struct buf *out)
{
	buf_u8(out, '{');
	for (unsigned i = 0; i < desc->count; i++) {
		if (i)
			buf_u8(out, ',');
		print_field(&desc->fields[i], obj, out);
	}
	buf_u8(out, '}');
}

/* ---- differences ---- */

struct path {
	char text[PATH_MAX_BYTES]; /* "queues[1]." */
};

static unsigned diff_object(const struct state_desc *desc, const void *a,
	const void *b, const struct path *path, struct buf *out);

static unsigned diff_objects(const struct state_field *f, struct state_span a,
	struct state_span b, const struct path *path, struct buf *out)
{
	unsigned found = 0;

	for (uint32_t i = 0; i < a.count; i++) {
		struct path inner;

		if (f->array)
			snprintf(inner.text, sizeof(inner.text), "%s%s[%u].",
				path->text, f->name, i);
		else
			snprintf(inner.text, sizeof(inner.text), "%s%s.",
				path->text, f->name);
		found += diff_object(f->desc, state_element(f, a, i),
			state_element(f, b, i), &inner, out);
	}
	return found;
}

static unsigned diff_field(const struct state_field *f, const void *a,
	const void *b, const struct path *path, struct buf *out)
{
	struct state_span x = state_span(f, a), y = state_span(f, b);

	if (x.count == y.count) {
		if (f->kind == STATE_KIND_OBJECT)
			return diff_objects(f, x, y, path, out);
		if (!x.count || !memcmp(x.first, y.first, x.count * f->size))
			return 0;
	}
	buf_printf(out, "%s%s\n", path->text, f->name);
	return 1;
}

static unsigned diff_object(const struct state_desc *desc, const void *a,
	const void *b, const struct path *path, struct buf *out)
{
	unsigned found = 0;

	for (unsigned i = 0; i < desc->count; i++)
		found += diff_field(&desc->fields[i], a, b, path, out);
	return found;
}

unsigned state_diff(const struct state_desc *desc, const void *a, const void *b,
	struct buf *out)
{
	return diff_object(desc, a, b, &(struct path){ "" }, out);
}
