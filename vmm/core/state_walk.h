/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_walk.h - a field's elements in a structure, and the bytes that were saved;
 * private to vmm/core/state*.c
 */
#ifndef MUSTER_CORE_STATE_WALK_H
#define MUSTER_CORE_STATE_WALK_H

#include "vmm/core/state.h"

struct state_span {
	uint8_t *first;
	uint32_t count;
};

/* The elements that `obj` has; what a const object lends is only to be read. */
struct state_span state_span(const struct state_field *field, const void *obj);

static inline uint8_t *state_element(
	const struct state_field *field, struct state_span span, uint32_t i)
{
	return span.first + (size_t)i * field->size;
}

/* For what is behind a pointer. */
void state_set_span(
	const struct state_field *f, void *obj, struct state_span span);

/* A number of `size` bytes (1, 2, 4 or 8). */
uint64_t state_get(const void *at, size_t size);
void state_set(void *at, size_t size, uint64_t value);

/* state_fini() of one field. */
void state_fini_field(const struct state_field *f, void *obj);

/* What is left of an encoding. */
struct state_reader {
	const uint8_t *at;
	size_t left;
	unsigned version;
};

/* -EBADMSG with a sentence if the table does not know the version. */
int state_check_version(const struct state_desc *desc, unsigned version);

/* The next number, of `size` bytes; -EBADMSG with a sentence that names `field`. */
int state_take_number(struct state_reader *r, const struct state_desc *desc,
	const struct state_field *field, size_t size, uint64_t *ret);

/* The next `len` bytes, NULL if there are fewer, with the sentence. */
const uint8_t *state_take_bytes(struct state_reader *r,
	const struct state_desc *desc, const struct state_field *field,
	size_t len);

#endif
