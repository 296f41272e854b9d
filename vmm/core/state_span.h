/* SPDX-License-Identifier: Apache-2.0 */
/* state_span.h - where a field's elements are; private to vmm/core/state*.c */
#ifndef MUSTER_CORE_STATE_SPAN_H
#define MUSTER_CORE_STATE_SPAN_H

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

/* A number of `size` bytes (1, 2, 4 or 8) in host order. */
uint64_t state_number(const void *at, size_t size);

#endif
