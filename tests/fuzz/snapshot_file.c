/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_file.c - the input is a container, which is taken apart as it is and
 * once more with its checksums made right.  What is accepted is what the writer
 * would have written.
 */
#include "tests/fuzz/fuzz.h"

#include <endian.h>

#include "tests/fuzz/input.h"
#include "vmm/base/crc.h"
#include "vmm/base/err.h"
#include "vmm/snapshot_file.h"

#define HEADER_BYTES 40 /* of the file, and of a section */
#define CRC_BYTES    8
#define CRC_AT       (HEADER_BYTES - CRC_BYTES)
#define LENGTH_AT    24

static struct snapshot_file file;

static void check_same(const uint8_t *data, size_t len)
{
	struct buf b = BUF_INIT;

	snapshot_file_begin(&b);
	for (unsigned i = 0; i + 1 < file.count; i++) {
		const struct snapshot_section *s = &file.section[i];

		snapshot_file_add(
			&b, s->name, s->instance, s->version, s->data, s->len);
	}
	snapshot_file_end(&b);
	must(!b.failed && b.len == len && !memcmp(b.data, data, len));
	buf_fini(&b);
}

static void parse(const uint8_t *data, size_t len)
{
	err_clear();
	if (snapshot_file_parse("input", data, len, &file))
		must(*err_text());
	else
		check_same(data, len);
}

static void put_crc(uint8_t *at, uint64_t crc)
{
	crc = htole64(crc);
	memcpy(at, &crc, sizeof(crc));
}

static void seal(uint8_t *data, size_t len)
{
	size_t at = HEADER_BYTES;

	put_crc(data + CRC_AT, crc64(0, data, CRC_AT));
	while (len - at >= HEADER_BYTES) {
		uint8_t *payload = data + at + HEADER_BYTES;
		size_t left = len - at - HEADER_BYTES;
		uint64_t bytes, crc;

		memcpy(&bytes, data + at + LENGTH_AT, sizeof(bytes));
		bytes = le64toh(bytes);
		if (bytes > left)
			return;
		if (!memcmp(data + at, "end", 4) && bytes == CRC_BYTES)
			put_crc(payload, crc64(0, data, at));
		crc = crc64(0, data + at, CRC_AT);
		put_crc(data + at + CRC_AT, crc64(crc, payload, bytes));
		at += HEADER_BYTES + bytes;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *copy;

	parse(data, len);
	if (len < HEADER_BYTES)
		return 0;
	copy = malloc(len);
	memcpy(copy, data, len);
	seal(copy, len);
	parse(copy, len);
	free(copy);
	return 0;
}
