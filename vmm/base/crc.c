/* SPDX-License-Identifier: Apache-2.0 */
/* crc.c - CRC-64/XZ, four bits at a time: a 128-byte table needs no start-up */
#include "vmm/base/crc.h"

#define POLY     0xc96c5795d7870f42ull
#define STEP(v)  (((v) >> 1) ^ ((v)&1 ? POLY : 0))
#define ENTRY(n) STEP(STEP(STEP(STEP((uint64_t)(n)))))

static const uint64_t table[16] = {
	ENTRY(0),
	ENTRY(1),
	ENTRY(2),
	ENTRY(3),
	ENTRY(4),
	ENTRY(5),
	ENTRY(6),
	ENTRY(7),
	ENTRY(8),
	ENTRY(9),
	ENTRY(10),
	ENTRY(11),
	ENTRY(12),
	ENTRY(13),
	ENTRY(14),
	ENTRY(15),
};

uint64_t crc64(uint64_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	crc = ~crc;
	while (len--) {
		crc ^= *p++;
		crc = (crc >> 4) ^ table[crc & 15];
		crc = (crc >> 4) ^ table[crc & 15];
	}
	return ~crc;
}
