/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aml.c - append ACPI machine language to a buffer
 *
 * A package's length stands in front of it and takes one to four bytes, itself
 * included, so that it is inserted when the package is closed and its size is
 * known.  Everything is encoded as short as it can be, as iasl does.
 */
#include "firmware/aml.h"

#include <string.h>

#define NAME_SEG_BYTES 4

/* ACPI 6.4, 20.3: AML byte stream byte values. */
enum {
	AML_ZERO = 0x00,
	AML_ONE = 0x01,
	AML_NAME = 0x08,
	AML_BYTE = 0x0a,
	AML_WORD = 0x0b,
	AML_DWORD = 0x0c,
	AML_STRING = 0x0d,
	AML_QWORD = 0x0e,
	AML_SCOPE = 0x10,
	AML_BUFFER = 0x11,
	AML_PACKAGE = 0x12,
	AML_METHOD = 0x14,
	AML_EXT = 0x5b,
	AML_EXT_DEVICE = 0x82,
	AML_NOTIFY = 0x86,
};

static void insert(struct buf *b, size_t at, const uint8_t *bytes, size_t n)
{
	buf_fill(b, 0, n);
	if (b->failed)
		return;
	memmove(b->data + at + n, b->data + at, b->len - n - at);
	buf_patch(b, at, bytes, n);
}

/* `name` as segments of four, padded with '_' (20.2.2). */
static void append_name(struct buf *b, const char *name)
{
	size_t len;

	if (*name == '\\')
		buf_u8(b, (uint8_t)*name++);
	len = strnlen(name, NAME_SEG_BYTES);
	buf_append(b, name, len);
	buf_fill(b, '_', NAME_SEG_BYTES - len);
}

/* ---- packages ---- */

size_t aml_scope(struct buf *b, const char *name)
{
	size_t mark;

	buf_u8(b, AML_SCOPE);
	mark = b->len;
	append_name(b, name);
	return mark;
}

size_t aml_device(struct buf *b, const char *name)
{
	size_t mark;

	buf_u8(b, AML_EXT);
	buf_u8(b, AML_EXT_DEVICE);
	mark = b->len;
	append_name(b, name);
	return mark;
}

size_t aml_package(struct buf *b, uint8_t elements)
{
	size_t mark;

	buf_u8(b, AML_PACKAGE);
	mark = b->len;
	buf_u8(b, elements);
	return mark;
}

size_t aml_method(struct buf *b, const char *name, uint8_t args)
{
	size_t mark;

	buf_u8(b, AML_METHOD);
	mark = b->len;
	append_name(b, name);
	buf_u8(b, args);
	return mark;
}

/*
 * PkgLength (20.2.4): one byte for up to 63; else the first byte holds the low
 * four bits and, in its top two, how many bytes of eight bits follow.
 */
void aml_close(struct buf *b, size_t mark)
{
	uint8_t bytes[4];
	size_t body, more = 0, total;

	if (b->failed)
		return;
	body = b->len - mark;
	if (body + 1 > 0x3f)
		for (more = 1; body + 1 + more >= 1ull << (4 + 8 * more);)
			more++;
	if (more >= sizeof(bytes)) {
		b->failed = true;
		return;
	}
	total = body + 1 + more;
	bytes[0] = (uint8_t)(more ? (more << 6) | (total & 0xf) : total);
	for (size_t i = 0; i < more; i++)
		bytes[i + 1] = (uint8_t)(total >> (4 + 8 * i));
	insert(b, mark, bytes, 1 + more);
}

/* ---- names and values ---- */

void aml_name(struct buf *b, const char *name)
{
	buf_u8(b, AML_NAME);
	append_name(b, name);
}

void aml_notify(struct buf *b, const char *object, uint64_t value)
{
	buf_u8(b, AML_NOTIFY);
	append_name(b, object);
	aml_integer(b, value);
}

void aml_integer(struct buf *b, uint64_t value)
{
	if (value <= 1) {
		buf_u8(b, value ? AML_ONE : AML_ZERO);
	} else if (value <= UINT8_MAX) {
		buf_u8(b, AML_BYTE);
		buf_u8(b, (uint8_t)value);
	} else if (value <= UINT16_MAX) {
		buf_u8(b, AML_WORD);
		buf_u16(b, (uint16_t)value);
	} else if (value <= UINT32_MAX) {
		buf_u8(b, AML_DWORD);
		buf_u32(b, (uint32_t)value);
	} else {
		buf_u8(b, AML_QWORD);
		buf_u64(b, value);
	}
}

void aml_string(struct buf *b, const char *text)
{
	buf_u8(b, AML_STRING);
	buf_append(b, text, strlen(text) + 1);
}

static uint32_t hex_digit(char c)
{
	return (uint32_t)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* Three letters of five bits, four hex digits; big-endian (ACPI 6.4, 19.3.4). */
void aml_eisa_id(struct buf *b, const char *id)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 3; i++)
		value = value << 5 | (uint32_t)(id[i] - '@');
	for (unsigned i = 3; i < 7; i++)
		value = value << 4 | hex_digit(id[i]);
	aml_integer(b, __builtin_bswap32(value));
}

/* ---- resource templates (6.4) ---- */

enum {
	RES_IO = 0x47,       /* small: I/O port, 7 bytes follow */
	RES_END_TAG = 0x79,  /* small: end, 1 byte follows */
	RES_MEMORY32 = 0x86, /* large: 32-bit fixed memory */
	RES_INTERRUPT = 0x89,
};

#define IO_DECODE_16 1
#define MEMORY_RW    1
/* Extended interrupt flags: consumer, edge; active high, exclusive are 0. */
#define IRQ_CONSUMER BIT(0)
#define IRQ_EDGE     BIT(1)
#define NO_CHECKSUM  0

size_t aml_template(struct buf *b)
{
	buf_u8(b, AML_BUFFER);
	return b->len;
}

void aml_template_close(struct buf *b, size_t mark)
{
	struct buf size = BUF_INIT;

	buf_u8(b, RES_END_TAG);
	buf_u8(b, NO_CHECKSUM);
	aml_integer(&size, b->len - mark);
	if (size.failed)
		b->failed = true;
	else
		insert(b, mark, size.data, size.len);
	buf_fini(&size);
	aml_close(b, mark);
}

void aml_memory32_fixed(struct buf *b, uint32_t base, uint32_t size_bytes)
{
	buf_u8(b, RES_MEMORY32);
	buf_u16(b, sizeof(uint8_t) + 2 * sizeof(uint32_t));
	buf_u8(b, MEMORY_RW);
	buf_u32(b, base);
	buf_u32(b, size_bytes);
}

void aml_io(struct buf *b, uint16_t port, uint8_t ports)
{
	buf_u8(b, RES_IO);
	buf_u8(b, IO_DECODE_16);
	buf_u16(b, port); /* minimum and maximum */
	buf_u16(b, port);
	buf_u8(b, 1); /* alignment */
	buf_u8(b, ports);
}

void aml_interrupt(struct buf *b, uint32_t gsi)
{
	buf_u8(b, RES_INTERRUPT);
	buf_u16(b, 2 * sizeof(uint8_t) + sizeof(uint32_t));
	buf_u8(b, IRQ_CONSUMER | IRQ_EDGE);
	buf_u8(b, 1); /* interrupts in the table */
	buf_u32(b, gsi);
}
