/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - the elements that a table of fields lists: find, save and free them */
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

void state_set_span(
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

uint64_t state_get(const void *at, size_t size)
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

void state_set(void *at, size_t size, uint64_t value)
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
			uint64_t le = htole64(state_get(at, f->size));

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

/* ---- life ---- */

void *state_new(const struct state_desc *desc)
{
	void *obj = calloc(1, desc->size_bytes);

	if (!obj)
		err_set(-ENOMEM, "%s: no memory", desc->name);
	return obj;
}

void state_fini_field(const struct state_field *f, void *obj)
{
	struct state_span span = state_span(f, obj);

	if (f->kind == STATE_KIND_OBJECT)
		for (uint32_t i = 0; i < span.count; i++)
			state_fini(f->desc, state_element(f, span, i));
	if (f->place == STATE_OWNED) {
		free(span.first);
		state_set_span(f, obj, (struct state_span){ NULL, 0 });
	}
}

void state_fini(const struct state_desc *desc, void *obj)
{
	for (unsigned i = 0; i < desc->count; i++)
		state_fini_field(&desc->fields[i], obj);
}

void *state_free(const struct state_desc *desc, void *obj)
{
	if (obj)
		state_fini(desc, obj);
	free(obj);
	return NULL;
}
