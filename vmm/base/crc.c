/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc.c - CRC-64/XZ, sixteen bytes at a time
 *
 * Slicing: table[k][b] is what byte b becomes after k more bytes of zeros, so that
 * sixteen look-ups, none of which waits for another, take sixteen bytes in.
 */
#include "vmm/base/crc.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#define POLY   0xc96c5795d7870f42ull
#define SLICES 16

static uint64_t table[SLICES][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_table(void)
{
	for (unsigned b = 0; b < 256; b++) {
		uint64_t v = b;

		for (unsigned bit = 0; bit < 8; bit++)
			v = (v >> 1) ^ (v & 1 ? POLY : 0);
		table[0][b] = v;
	}
	for (unsigned k = 1; k < SLICES; k++)
		for (unsigned b = 0; b < 256; b++) {
			uint64_t v = table[k - 1][b];

			table[k][b] = (v >> 8) ^ table[0][v & 255];
		}
}

/* Eight bytes with `after` more behind them; spelled out, as -O2 unrolls no loop. */
static inline uint64_t eight(uint64_t v, unsigned after)
{
	const uint64_t(*t)[256] = table + after;

	return t[7][v & 255] ^ t[6][v >> 8 & 255] ^ t[5][v >> 16 & 255] ^
	       t[4][v >> 24 & 255] ^ t[3][v >> 32 & 255] ^ t[2][v >> 40 & 255] ^
	       t[1][v >> 48 & 255] ^ t[0][v >> 56];
}

static uint64_t load(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

uint64_t crc64(uint64_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	pthread_once(&once, make_table);
	crc = ~crc;
	for (; len >= SLICES; len -= SLICES, p += SLICES)
		crc = eight(crc ^ load(p), 8) ^ eight(load(p + 8), 0);
	while (len--)
		crc = (crc >> 8) ^ table[0][(crc ^ *p++) & 255];
	return ~crc;
}
