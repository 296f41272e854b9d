/* SPDX-License-Identifier: Apache-2.0 */
/* util.h - the few macros and integer helpers that every layer uses */
#ifndef MUSTER_BASE_UTIL_H
#define MUSTER_BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define MIN(a, b)         ((a) < (b) ? (a) : (b))
#define MAX(a, b)         ((a) > (b) ? (a) : (b))
#define BIT(n)            (1u << (n))
#define BIT64(n)          (1ull << (n))

#define KIB               (1ull << 10)
#define MIB               (1ull << 20)
#define GIB               (1ull << 30)

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Round to a power of two; the caller makes sure that up does not overflow. */
static inline uint64_t align_down(uint64_t value, uint64_t align)
{
	return value & ~(align - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t align)
{
	return align_down(value + align - 1, align);
}

static inline bool is_power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

#endif
