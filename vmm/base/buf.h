/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - a byte buffer that grows, with little-endian append
 *
 * Appending never fails at the call: when memory runs out, or the buffer would
 * pass BUF_MAX_BYTES, it turns `failed` and stays as it is, so that a builder
 * checks once at its end.
 */
#ifndef MUSTER_BASE_BUF_H
#define MUSTER_BASE_BUF_H

#include "vmm/base/util.h"

#define BUF_MAX_BYTES (64 * MIB)

struct buf {
	uint8_t *data; /* owned; NULL while empty */
	size_t len;
	size_t room;
	bool failed;
};

#define BUF_INIT  \
	{         \
		0 \
	}

void buf_fini(struct buf *b);

void buf_append(struct buf *b, const void *data, size_t len);
void buf_fill(struct buf *b, uint8_t byte, size_t count);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
/* The text without its terminating NUL. */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

/* Overwrite what was appended before; out of range turns `failed`. */
void buf_patch(struct buf *b, size_t at, const void *data, size_t len);

#endif
