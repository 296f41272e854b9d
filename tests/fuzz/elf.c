/* SPDX-License-Identifier: Apache-2.0 */
/* elf.c - any bytes as an ELF kernel; the magic is given, the rest is free */
#include "tests/fuzz/fuzz.h"

#include <elf.h>

#include "tests/fuzz/kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	kernel_load(kernel_file(data, len, 0, ELFMAG, SELFMAG));
	return 0;
}
