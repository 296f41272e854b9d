/* SPDX-License-Identifier: Apache-2.0 */
/* state_print.c - a state as JSON, and what two states differ in */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/err.h"
#include "vmm/core/state.h"
#include "vmm/core/state_walk.h"

#define PATH_MAX_BYTES 256

/* ---- JSON ---- */

struct printer {
	struct state_reader r;
	struct buf *out;
};

static int print_object(struct printer *p, const struct state_desc *desc);

static int print_hex(struct printer *p, const struct state_desc *desc,
	const struct state_field *f, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = state_take_bytes(&p->r, desc, f, len);

	if (!bytes)
		return -EBADMSG;
	buf_u8(p->out, '"');
	for (size_t i = 0; i < len; i++) {
		buf_u8(p->out, (uint8_t)digits[bytes[i] >> 4]);
		buf_u8(p->out, (uint8_t)digits[bytes[i] & 15]);
	}
	buf_u8(p->out, '"');
	return 0;
}

static int print_element(struct printer *p, const struct state_desc *desc,
	const struct state_field *f)
{
	uint64_t v;
	int rc;

	if (f->kind == STATE_KIND_OBJECT)
		return print_object(p, f->desc);
	rc = state_take_number(&p->r, desc, f, f->size, &v);
	if (rc)
		return rc;
	if (f->kind == STATE_KIND_BOOL)
		buf_printf(p->out, "%s", v ? "true" : "false");
	else
		buf_printf(p->out, "%llu", (unsigned long long)v);
	return 0;
}

static int print_array(struct printer *p, const struct state_desc *desc,
	const struct state_field *f, uint64_t count)
{
	int rc = 0;

	buf_u8(p->out, '[');
	for (uint64_t i = 0; !rc && i < count; i++) {
		if (i)
			buf_u8(p->out, ',');
		rc = print_element(p, desc, f);
	}
	buf_u8(p->out, ']');
	return rc;
}

static int print_field(struct printer *p, const struct state_desc *desc,
	const struct state_field *f)
{
	uint64_t count = f->count;
	int rc = 0;

	if (f->place != STATE_INLINE)
		rc = state_take_number(
			&p->r, desc, f, sizeof(uint32_t), &count);
	if (rc)
		return rc;
	buf_printf(p->out, "\"%s\":", f->name);
	if (f->kind == STATE_KIND_BYTE)
		return print_hex(p, desc, f, count);
	return f->array ? print_array(p, desc, f, count)
			: print_element(p, desc, f);
}

static int print_object(struct printer *p, const struct state_desc *desc)
{
	bool first = true;
	int rc = 0;

	buf_u8(p->out, '{');
	for (unsigned i = 0; !rc && i < desc->count; i++) {
		if (desc->fields[i].since > p->r.version)
			continue;
		if (!first)
			buf_u8(p->out, ',');
		first = false;
		rc = print_field(p, desc, &desc->fields[i]);
	}
	buf_u8(p->out, '}');
	return rc;
}

int state_print(const struct state_desc *desc, unsigned version,
	const void *data, size_t len, struct buf *out)
{
	struct printer p = { { data, len, version }, out };
	int rc = state_check_version(desc, version);

	if (!rc)
		rc = print_object(&p, desc);
	if (!rc && p.r.left)
		rc = err_set(-EBADMSG, "%s: %zu bytes too many", desc->name,
			p.r.left);
	return rc;
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
