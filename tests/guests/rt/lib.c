// SPDX-License-Identifier: Apache-2.0
/* lib.c - the few library functions that compilers and payloads expect */
#include "tests/guests/rt/rt.h"

void *memset(void *to, int c, size_t n)
{
	void *p = to;

	__asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(c) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *p = to;

	__asm__ volatile("rep movsb"
			 : "+D"(p), "+S"(from), "+c"(n)
			 :
			 : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < n; i++) {
		if (x[i] != y[i])
			return x[i] - y[i];
	}
	return 0;
}

/* Numerical Recipes' constants; the low bits are poor, so they are dropped. */
uint32_t lcg(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8 ^ *seed << 24;
}
