/* SPDX-License-Identifier: Apache-2.0 */
/* ucodekit.c - microcode images for tests, valid until they are bent */
#include "tests/unit/ucodekit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "vmm/base/err.h"

#define HEADER_BYTES 48
#define DATE         0x03062023 /* 2023-03-06 */
#define CHECKSUM_AT  16
#define TABLE_BYTES  20
#define ENTRY_BYTES  12

static uint32_t get32(const struct buf *b, size_t at)
{
	uint32_t v;

	assert_true(at + sizeof(v) <= b->len);
	memcpy(&v, b->data + at, sizeof(v));
	return v;
}

void kit_set32(struct buf *image, size_t at, uint32_t value)
{
	buf_patch(image, at, &value, sizeof(value));
	assert_false(image->failed);
}

void kit_seal(struct buf *image, size_t begin, size_t len, size_t checksum_at)
{
	uint32_t sum = 0;

	kit_set32(image, checksum_at, 0);
	for (size_t at = begin; at < begin + len; at += 4)
		sum += get32(image, at);
	kit_set32(image, checksum_at, -sum);
}

static void put_table(
	struct buf *out, size_t header, const struct kit_intel *what)
{
	uint32_t own = what->signature + what->platforms +
		       get32(out, header + CHECKSUM_AT);
	size_t begin = out->len;

	buf_u32(out, what->extra_count);
	buf_fill(out, 0, TABLE_BYTES - 4);
	for (unsigned i = 0; i < what->extra_count; i++) {
		const struct ucode_sig *sig = &what->extra[i];

		buf_u32(out, sig->signature);
		buf_u32(out, sig->platforms);
		buf_u32(out, own - sig->signature - sig->platforms);
	}
	kit_seal(out, begin, out->len - begin, begin + 4);
}

void kit_put_intel(struct buf *out, const struct kit_intel *what)
{
	size_t table = what->extra_count
			       ? TABLE_BYTES + what->extra_count * ENTRY_BYTES
			       : 0;
	size_t begin = out->len;
	uint32_t data = (uint32_t)(KIT_INTEL_BYTES - HEADER_BYTES - table);
	const uint32_t header[HEADER_BYTES / 4] = {
		1,
		what->revision,
		DATE,
		what->signature,
		0,
		1,
		what->platforms,
		data,
		KIT_INTEL_BYTES,
		0,
		what->min_revision,
		0,
	};

	buf_append(out, header, sizeof(header));
	buf_fill(out, 0xa5, data);
	kit_seal(out, begin, HEADER_BYTES + data, begin + CHECKSUM_AT);
	if (table)
		put_table(out, begin, what);
}

void kit_put_amd(struct buf *out, const struct kit_amd *what)
{
	const uint32_t patch[] = { DATE, what->revision, 0x8004,
		what->min_revision, 0, 0, what->equivalence };

	buf_u32(out, 0x00414d44);
	buf_u32(out, 0);
	buf_u32(out, 2 * 16);
	buf_u32(out, what->signature);
	buf_u64(out, 0);
	buf_u32(out, what->equivalence);
	buf_fill(out, 0, 16);
	buf_u32(out, 1);
	buf_u32(out, KIT_AMD_BYTES);
	buf_append(out, patch, sizeof(patch));
	buf_fill(out, 0x5a, KIT_AMD_BYTES - sizeof(patch));
}

static void put_padding(struct buf *out)
{
	buf_fill(out, 0, -out->len & 3);
}

void kit_put_member(
	struct buf *out, const char *name, const void *data, size_t len)
{
	buf_printf(out, "070701%08x%08x%08x%08x%08x%08x%08x", 1, 0100644, 0, 0,
		1, 0, (unsigned)len);
	buf_printf(out, "%08x%08x%08x%08x%08x%08x", 0, 0, 0, 0,
		(unsigned)strlen(name) + 1, 0);
	buf_append(out, name, strlen(name) + 1);
	put_padding(out);
	buf_append(out, data, len);
	put_padding(out);
}

void kit_put_trailer(struct buf *out)
{
	kit_put_member(out, "TRAILER!!!", NULL, 0);
}

void kit_read(const char *name, struct buf *out)
{
	char path[256], chunk[4096];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "tests/data/microcode/%s", name);
	f = fopen(path, "re");
	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_append(out, chunk, n);
	fclose(f);
}

int kit_parse(struct kit_image *image)
{
	ucode_list_fini(&image->list);
	err_clear();
	return ucode_parse(
		"f", image->bytes.data, image->bytes.len, &image->list);
}

void kit_refused(struct kit_image *image, const char *why)
{
	assert_int_equal(kit_parse(image), -EBADMSG);
	if (!strstr(err_text(), why))
		fail_msg("\"%s\" does not say \"%s\"", err_text(), why);
}

int kit_teardown(void **state)
{
	struct kit_image *image = *state;

	ucode_list_fini(&image->list);
	buf_fini(&image->bytes);
	return 0;
}
