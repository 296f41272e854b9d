/* SPDX-License-Identifier: Apache-2.0 */
/* crc.h - CRC-64/XZ (ECMA-182 polynomial, reflected), the checksum of our files */
#ifndef MUSTER_BASE_CRC_H
#define MUSTER_BASE_CRC_H

#include "vmm/base/util.h"

/* The CRC of `len` bytes that follow those whose CRC is `crc`; start with 0. */
uint64_t crc64(uint64_t crc, const void *data, size_t len);

#endif
