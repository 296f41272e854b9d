/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - save and load what a table of fields lists */
#include "vmm/core/state.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/err.h"
#include "vmm/core/state_walk.h"

/* ---- elements in the structure ---- */

static uint32_t *count_of(const struct state_field *f, const void *obj)
{
	return (uint32_t *)((uintptr_t)obj + f->count_at);
}

struct state_span state_span(const struct state_field *field, const void *obj)
{
	uint8_t *member = (uint8_t *)((uintptr_t)obj + field->offset);
	struct state_span span = { member, field->count };

	if (field->place != STATE_INLINE) {
		memcpy(&span.first, member, sizeof(span.first));
		span.count = *count_of(field, obj);
	}
	return span;
}

static void set_span(
	const struct state_field *f, void *obj, struct state_span span)
{
	memcpy((uint8_t *)obj + f->offset, &span.first, sizeof(span.first));
	*count_of(f, obj) = span.count;
}

union number {
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
};

static uint64_t get_number(const void *at, size_t size)
{
	union number n = { 0 };

	memcpy(&n, at, size);
	switch (size) {
	case sizeof(n.u8):
		return n.u8;
	case sizeof(n.u16):
		return n.u16;
	case sizeof(n.u32):
		return n.u32;
	default:
		return n.u64;
	}
}

static void set_number(void *at, size_t size, uint64_t value)
{
	union number n;

	switch (size) {
	case sizeof(n.u8):
		n.u8 = (uint8_t)value;
		break;
	case sizeof(n.u16):
		n.u16 = (uint16_t)value;
		break;
	case sizeof(n.u32):
		n.u32 = (uint32_t)value;
		break;
	default:
		n.u64 = value;
		break;
	}
	memcpy(at, &n, size);
}

/* ---- save ---- */

static void save_elements(
	const struct state_field *f, struct state_span span, struct buf *out)
{
	if (f->kind == STATE_KIND_BYTE) {
		buf_append(out, span.first, span.count);
		return;
	}
	for (uint32_t i = 0; i < span.count; i++) {
		const uint8_t *at = state_element(f, span, i);

		if (f->kind == STATE_KIND_OBJECT) {
			state_save(f->desc, at, out);
		} else {
			uint64_t le = htole64(get_number(at, f->size));

			buf_append(out, &le, f->size);
		}
	}
}

void state_save(const struct state_desc *desc, const void *obj, struct buf *out)
{
	for (unsigned i = 0; i < desc->count; i++) {
		const struct state_field *f = &desc->fields[i];
		struct state_span span = state_span(f, obj);

		assert(f->place != STATE_OWNED || span.count <= f->count);
		if (f->place != STATE_INLINE)
			buf_u32(out, span.count);
		save_elements(f, span, out);
	}
}

/* ---- load ---- */

int state_check_version(const struct state_desc *desc, unsigned version)
{
	if (version && version <= desc->version)
		return 0;
	return err_set(-EBADMSG,
		"%s: version %u; this muster knows 1 to %u, a newer one may "
		"know more",
		desc->name, version, desc->version);
}

const uint8_t *state_take_bytes(struct state_reader *r,
	const struct state_desc *desc, const struct state_field *field,
	size_t len)
{
	const uint8_t *at = r->at;

	if (len > r->left) {
		err_set(-EBADMSG, "%s.%s: the data ends here", desc->name,
			field->name);
		return NULL;
	}
	r->at += len;
	r->left -= len;
	return at;
}

int state_take_number(struct state_reader *r, const struct state_desc *desc,
	const struct state_field *field, size_t size, uint64_t *ret)
{
	const uint8_t *at = state_take_bytes(r, desc, field, size);
	uint64_t le = 0;

	if (!at)
		return -EBADMSG;
	memcpy(&le, at, size);
	*ret = le64toh(le);
	return 0;
}

/* The least that one element takes in the encoding of `version`. */
static size_t element_bytes(const struct state_field *f, unsigned version)
{
	size_t sum = 0;

	if (f->kind != STATE_KIND_OBJECT)
		return f->size;
	for (unsigned i = 0; i < f->desc->count; i++) {
		const struct state_field *inner = &f->desc->fields[i];

		if (inner->since > version)
			continue;
		sum += inner->place == STATE_INLINE
			       ? inner->count * element_bytes(inner, version)
			       : sizeof(uint32_t);
	}
	return sum;
}

static int load_object(
	const struct state_desc *desc, struct state_reader *r, void *obj);

static int load_number(const struct state_desc *desc,
	const struct state_field *f, struct state_reader *r, uint8_t *at)
{
	uint64_t max = f->kind == STATE_KIND_BOOL ? 1 : f->max;
	uint64_t v, mine = get_number(at, f->size);
	int rc = state_take_number(r, desc, f, f->size, &v);

	if (rc)
		return rc;
	if (max && v > max)
		return err_set(-EBADMSG, "%s.%s is %llu, at most %llu can be",
			desc->name, f->name, (unsigned long long)v,
			(unsigned long long)max);
	if (f->same && v != mine)
		return err_set(-EBADMSG,
			"%s.%s is %llu in the snapshot and %llu here",
			desc->name, f->name, (unsigned long long)v,
			(unsigned long long)mine);
	set_number(at, f->size, v);
	return 0;
}

static int load_bytes(const struct state_desc *desc,
	const struct state_field *f, struct state_reader *r,
	struct state_span span)
{
	const uint8_t *at = state_take_bytes(r, desc, f, span.count);

	if (!at)
		return -EBADMSG;
	if (!span.count)
		return 0;
	if (f->same && memcmp(at, span.first, span.count))
		return err_set(-EBADMSG,
			"%s.%s differs between the snapshot and here",
			desc->name, f->name);
	memcpy(span.first, at, span.count);
	return 0;
}

static int load_elements(const struct state_desc *desc,
	const struct state_field *f, struct state_reader *r,
	struct state_span span)
{
	int rc = 0;

	if (f->kind == STATE_KIND_BYTE)
		return load_bytes(desc, f, r, span);
	for (uint32_t i = 0; !rc && i < span.count; i++) {
		uint8_t *at = state_element(f, span, i);

		if (f->kind != STATE_KIND_OBJECT) {
			rc = load_number(desc, f, r, at);
			continue;
		}
		rc = load_object(f->desc, r, at);
		if (rc)
			err_wrap(rc, "%s.%s[%u]", desc->name, f->name, i);
	}
	return rc;
}

static void free_field(const struct state_field *f, void *obj);

/* Storage for `count` elements, which so many bytes of input stand for. */
static int make_room(const struct state_desc *desc, const struct state_field *f,
	struct state_reader *r, uint32_t count, void *obj)
{
	size_t each = MAX(element_bytes(f, r->version), 1u);
	struct state_span span = { NULL, count };

	if (count > f->count)
		return err_set(-EBADMSG,
			"%s.%s has %u elements, at most %u can be", desc->name,
			f->name, count, f->count);
	if (count > r->left / each)
		return err_set(-EBADMSG,
			"%s.%s: the data ends before its %u elements",
			desc->name, f->name, count);
	free_field(f, obj);
	if (!count)
		return 0;
	span.first = calloc(count, f->size);
	if (!span.first)
		return err_set(
			-ENOMEM, "%s.%s: no memory", desc->name, f->name);
	set_span(f, obj, span);
	return 0;
}

static int load_count(const struct state_desc *desc,
	const struct state_field *f, struct state_reader *r, void *obj)
{
	uint64_t count;
	uint32_t mine = *count_of(f, obj);
	int rc = state_take_number(r, desc, f, sizeof(mine), &count);

	if (rc)
		return rc;
	if (f->place == STATE_OWNED)
		return make_room(desc, f, r, (uint32_t)count, obj);
	if (count != mine)
		return err_set(-EBADMSG,
			"%s.%s: %llu in the snapshot and %u here", desc->name,
			f->name, (unsigned long long)count, mine);
	return 0;
}

static int load_object(
	const struct state_desc *desc, struct state_reader *r, void *obj)
{
	int rc = 0;

	for (unsigned i = 0; !rc && i < desc->count; i++) {
		const struct state_field *f = &desc->fields[i];

		if (f->since > r->version)
			continue;
		if (f->place != STATE_INLINE)
			rc = load_count(desc, f, r, obj);
		if (!rc)
			rc = load_elements(desc, f, r, state_span(f, obj));
	}
	return rc;
}

int state_load(const struct state_desc *desc, unsigned version,
	const void *data, size_t len, void *obj)
{
	struct state_reader r = { data, len, version };
	int rc = state_check_version(desc, version);

	if (!rc)
		rc = load_object(desc, &r, obj);
	if (!rc && r.left)
		rc = err_set(
			-EBADMSG, "%s: %zu bytes too many", desc->name, r.left);
	return rc;
}

/* ---- free ---- */

static void free_field(const struct state_field *f, void *obj)
{
	struct state_span span = state_span(f, obj);

	if (f->kind == STATE_KIND_OBJECT)
		for (uint32_t i = 0; i < span.count; i++)
			state_fini(f->desc, state_element(f, span, i));
	if (f->place == STATE_OWNED) {
		free(span.first);
		set_span(f, obj, (struct state_span){ NULL, 0 });
	}
}

void state_fini(const struct state_desc *desc, void *obj)
{
	for (unsigned i = 0; i < desc->count; i++)
		free_field(&desc->fields[i], obj);
}
