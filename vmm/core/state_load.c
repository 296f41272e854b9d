/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_load.c - fill a structure from what was saved, which may be hostile
 *
 * Nothing is read past the end, and nothing is allocated for elements that the
 * data is too short for.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/err.h"
#include "vmm/core/state_walk.h"

/* ---- the bytes that were saved ---- */

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

/* ---- into the structure ---- */

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
	uint64_t v, mine = state_get(at, f->size);
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
	state_set(at, f->size, v);
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

/* "queues[1]: …", but "first: …" of what is no array. */
static void name_element(int rc, const struct state_desc *desc,
	const struct state_field *f, uint32_t i)
{
	if (f->array)
		err_wrap(rc, "%s.%s[%u]", desc->name, f->name, i);
	else
		err_wrap(rc, "%s.%s", desc->name, f->name);
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
			name_element(rc, desc, f, i);
	}
	return rc;
}

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
	state_fini_field(f, obj);
	if (!count)
		return 0;
	span.first = calloc(count, f->size);
	if (!span.first)
		return err_set(
			-ENOMEM, "%s.%s: no memory", desc->name, f->name);
	state_set_span(f, obj, span);
	return 0;
}

static int load_count(const struct state_desc *desc,
	const struct state_field *f, struct state_reader *r, void *obj)
{
	uint64_t count;
	uint32_t mine = state_span(f, obj).count;
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
