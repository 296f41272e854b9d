/* SPDX-License-Identifier: Apache-2.0 */
/* buf.c - a byte buffer that grows */
#include "vmm/base/buf.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 256

void buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

/* Room for `len` more bytes; returns where they go, or NULL (then `failed`). */
static uint8_t *reserve(struct buf *b, size_t len)
{
	size_t room = b->room ? b->room : FIRST_ROOM;
	uint8_t *data;

	if (b->failed || len > BUF_MAX_BYTES - b->len)
		goto fail;
	if (len <= b->room - b->len)
		return b->data + b->len;
	while (room - b->len < len)
		room *= 2;
	data = realloc(b->data, room);
	if (!data)
		goto fail;
	b->data = data;
	b->room = room;
	return data + b->len;
fail:
	b->failed = true;
	return NULL;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
	uint8_t *at = reserve(b, len);

	if (!at || !len)
		return;
	memcpy(at, data, len);
	b->len += len;
}

void buf_fill(struct buf *b, uint8_t byte, size_t count)
{
	uint8_t *at = reserve(b, count);

	if (!at || !count)
		return;
	memset(at, byte, count);
	b->len += count;
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_append(b, &v, sizeof(v));
}

void buf_u16(struct buf *b, uint16_t v)
{
	v = htole16(v);
	buf_append(b, &v, sizeof(v));
}

void buf_u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_append(b, &v, sizeof(v));
}

void buf_u64(struct buf *b, uint64_t v)
{
	v = htole64(v);
	buf_append(b, &v, sizeof(v));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	uint8_t *at;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	/* One byte more than is kept: vsnprintf wants to end with a NUL. */
	at = n < 0 ? NULL : reserve(b, (size_t)n + 1);
	if (at) {
		vsnprintf((char *)at, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	} else {
		b->failed = true;
	}
	va_end(again);
}

void buf_patch(struct buf *b, size_t at, const void *data, size_t len)
{
	if (at > b->len || len > b->len - at) {
		b->failed = true;
		return;
	}
	memcpy(b->data + at, data, len);
}
