/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ucode_cpio.c - microcode at the front of an initrd (Linux, x86/microcode.rst)
 *
 * The kernel looks through uncompressed "newc" archives for one member by vendor.
 * Zeros may stand between archives; it stops where something else begins, which is
 * the compressed rest of an initrd.
 */
#include <errno.h>

#include "firmware/ucode_parts.h"
#include "vmm/base/err.h"

#define HEADER_BYTES 110 /* the magic number and 13 fields of 8 hex digits */
#define FIELD_BYTES  8
#define ALIGN        4

/* Fields behind the magic number. */
enum { FIELD_FILE_SIZE = 6, FIELD_NAME_SIZE = 11 };

/* "newc", and the same with checksums, which the kernel does not look at. */
static const char *const magics[] = { "070701", "070702" };
#define MAGIC_BYTES 6

static const struct member {
	const char *name;
	int (*parse)(const struct ucode_span *span, struct ucode_list *list);
} members[] = {
	{ "kernel/x86/microcode/GenuineIntel.bin", ucode_intel_parse },
	{ "kernel/x86/microcode/AuthenticAMD.bin", ucode_amd_parse },
};

static bool is_entry(const struct ucode_span *span, size_t at)
{
	for (unsigned i = 0; i < ARRAY_SIZE(magics); i++)
		if (span->len - at >= MAGIC_BYTES &&
			!memcmp(span->data + at, magics[i], MAGIC_BYTES))
			return true;
	return false;
}

bool ucode_cpio_detect(const struct ucode_span *span)
{
	return is_entry(span, 0);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False if one of its digits is none. */
static bool get_field(const uint8_t *header, unsigned field, uint32_t *ret)
{
	const uint8_t *at = header + MAGIC_BYTES + field * FIELD_BYTES;
	uint32_t v = 0;

	for (unsigned i = 0; i < FIELD_BYTES; i++) {
		int digit = hex_digit(at[i]);

		if (digit < 0)
			return false;
		v = v << 4 | (uint32_t)digit;
	}
	*ret = v;
	return true;
}

/* One member of an archive, within the span. */
struct entry {
	const char *name; /* not necessarily ended by a NUL */
	uint32_t name_len;
	size_t data_at, next_at;
	uint32_t data_len;
};

static int read_entry(
	const struct ucode_span *span, size_t at, struct entry *ret)
{
	const uint8_t *header = span->data + at;

	if (span->len - at < HEADER_BYTES ||
		!get_field(header, FIELD_FILE_SIZE, &ret->data_len) ||
		!get_field(header, FIELD_NAME_SIZE, &ret->name_len))
		return -EBADMSG;
	ret->name = (const char *)header + HEADER_BYTES;
	ret->data_at = align_up(at + HEADER_BYTES + ret->name_len, ALIGN);
	ret->next_at = align_up(ret->data_at + ret->data_len, ALIGN);
	return ret->data_at + ret->data_len > span->len ? -EBADMSG : 0;
}

static const struct member *member_of(const struct entry *entry)
{
	for (unsigned i = 0; i < ARRAY_SIZE(members); i++) {
		size_t size = strlen(members[i].name) + 1;

		if (entry->name_len == size &&
			!memcmp(entry->name, members[i].name, size))
			return &members[i];
	}
	return NULL;
}

static int parse_entry(const struct ucode_span *span, const struct entry *entry,
	struct ucode_list *list)
{
	const struct member *member = member_of(entry);
	const struct ucode_span part = {
		.origin = span->origin,
		.offset = span->offset + entry->data_at,
		.data = span->data + entry->data_at,
		.len = entry->data_len,
	};

	return member ? member->parse(&part, list) : 0;
}

/* The first that is neither zeros nor a member ends what the kernel looks at. */
static size_t skip_zeros(const struct ucode_span *span, size_t at)
{
	while (at < span->len && !span->data[at])
		at += ALIGN;
	return MIN(at, span->len);
}

int ucode_cpio_parse(const struct ucode_span *span, struct ucode_list *list)
{
	struct entry entry;
	size_t at = 0;
	int rc = 0;

	while (!rc && is_entry(span, at)) {
		if (read_entry(span, at, &entry))
			return err_set(-EBADMSG,
				"%s: cpio, at 0x%zx: a damaged member, or cut "
				"short",
				span->origin, at);
		rc = parse_entry(span, &entry, list);
		at = skip_zeros(span, entry.next_at);
	}
	return rc;
}
