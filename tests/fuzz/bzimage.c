/* SPDX-License-Identifier: Apache-2.0 */
/* bzimage.c - any bytes as a bzImage; the magics are given, the rest is free */
#include "tests/fuzz/fuzz.h"

#include "tests/fuzz/kernel.h"

#define MAGIC_AT 0x1fe

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* boot_flag, a jump to the header's end at 0x26c, HdrS */
	static const uint8_t magic[] = { 0x55, 0xaa, 0xeb, 0x6a, 'H', 'd', 'r',
		'S' };

	kernel_load(kernel_file(data, len, MAGIC_AT, magic, sizeof(magic)));
	return 0;
}
