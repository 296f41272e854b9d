/* SPDX-License-Identifier: Apache-2.0 */
/* input.h - numbers from the front of an input; past its end all are 0 */
#ifndef MUSTER_TESTS_FUZZ_INPUT_H
#define MUSTER_TESTS_FUZZ_INPUT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/util.h"

struct input {
	const uint8_t *at;
	size_t left;
};

/* Up to `len` bytes, the rest of `to` is zeroed; returns how many there were. */
static inline size_t input_bytes(struct input *in, void *to, size_t len)
{
	size_t n = MIN(len, in->left);

	memset(to, 0, len);
	if (n)
		memcpy(to, in->at, n);
	in->at += n;
	in->left -= n;
	return n;
}

static inline uint64_t input_number(struct input *in, size_t bytes)
{
	uint64_t value = 0;

	input_bytes(in, &value, bytes); /* little-endian, as we are */
	return value;
}

static inline uint8_t input_u8(struct input *in)
{
	return (uint8_t)input_number(in, 1);
}

static inline uint16_t input_u16(struct input *in)
{
	return (uint16_t)input_number(in, 2);
}

static inline uint32_t input_u32(struct input *in)
{
	return (uint32_t)input_number(in, 4);
}

static inline uint64_t input_u64(struct input *in)
{
	return input_number(in, 8);
}

/* What holds for any input; says which line does not. */
#define must(holds)                                                        \
	do {                                                               \
		if (!(holds)) {                                            \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#holds);                                   \
			abort();                                           \
		}                                                          \
	} while (0)

#endif
