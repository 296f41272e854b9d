/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ucode.c - the input is a microcode image, which is taken apart as it is and once
 * more with the checksums of Intel's updates made right; what is accepted can be
 * put in front of an initrd, and is found there again.
 */
#include "tests/fuzz/fuzz.h"

#include <endian.h>
#include <errno.h>

#include "firmware/ucode_early.h"
#include "tests/fuzz/input.h"
#include "vmm/base/err.h"

#define INTEL_HEADER 48
#define CHECKSUM_AT  16
#define TABLE_HEADER 20
#define ENTRY_BYTES  12

static uint32_t get(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return le32toh(v);
}

static void put(uint8_t *at, uint32_t v)
{
	v = htole32(v);
	memcpy(at, &v, sizeof(v));
}

/* ---- what holds ---- */

static void check_update(
	const struct ucode_update *u, const uint8_t *data, size_t len, int rc)
{
	must(u->offset <= len && u->size_bytes <= len - u->offset);
	must(u->data == data + u->offset);
	must(u->sig_count <= UCODE_SIGS_MAX);
	must(!*u->fault == !rc);
	must(rc || u->sig_count);
}

static void check_choice(const struct ucode_list *list, int rc)
{
	const struct ucode_update *u = &list->updates[list->count / 2];
	struct ucode_cpu cpu = { .vendor = u->vendor, .platforms = 1 };
	struct buf text = BUF_INIT;

	if (u->sig_count) {
		cpu.signature = u->sigs[0].signature;
		cpu.platforms |= u->sigs[0].platforms;
	}
	for (int moment = UCODE_AT_BOOT; moment <= UCODE_LATE; moment++) {
		struct ucode_choice choice = ucode_select(list, &cpu, moment);

		must(!choice.update || !*choice.update->fault);
		must(!rc == (choice.verdict != UCODE_NO_MATCH));
		ucode_put_choice(&choice, &cpu, &text);
	}
	buf_fini(&text);
}

static void check_early(const struct ucode_list *list)
{
	const struct ucode_update **all = calloc(list->count, sizeof(*all));
	struct ucode_list again = { 0 };
	struct buf archive = BUF_INIT;

	for (unsigned i = 0; i < list->count; i++)
		all[i] = &list->updates[i];
	if (!ucode_put_early(all, list->count, &archive)) {
		must(!archive.failed);
		must(!ucode_parse("-", archive.data, archive.len, &again));
		must(again.count <= list->count);
	}
	ucode_list_fini(&again);
	buf_fini(&archive);
	free(all);
}

static void parse(const uint8_t *data, size_t len)
{
	struct ucode_list list = { 0 };
	int rc;

	err_clear();
	rc = ucode_parse("-", data, len, &list);
	must(!rc || *err_text());
	must(rc || list.count);
	for (unsigned i = 0; i < list.count; i++)
		check_update(&list.updates[i], data, len, rc);
	if (list.count)
		check_choice(&list, rc);
	if (!rc)
		check_early(&list);
	ucode_list_fini(&list);
}

static void load(enum ucode_vendor vendor, const uint8_t *data, size_t len)
{
	struct ucode_update u;

	if (len >= UCODE_HEADER_BYTES) {
		int bytes = ucode_bytes_to_load(vendor, data);

		must(bytes == -EBADMSG ||
			(bytes > 0 && bytes <= (int)UCODE_UPDATE_MAX));
	}
	if (!ucode_parse_loaded(vendor, data, len, &u))
		must(u.data == data && u.size_bytes <= len && u.sig_count);
}

/* ---- checksums made right ---- */

static uint32_t sum(const uint8_t *data, size_t len)
{
	uint32_t v = 0;

	for (size_t at = 0; at + 4 <= len; at += 4)
		v += get(data + at);
	return v;
}

static void seal_table(uint8_t *header, uint8_t *table, size_t len)
{
	uint32_t own = get(header + 12) + get(header + CHECKSUM_AT) +
		       get(header + 24);

	for (size_t at = TABLE_HEADER; at + ENTRY_BYTES <= len;
		at += ENTRY_BYTES)
		put(table + at + 8,
			own - get(table + at) - get(table + at + 4));
	if (len >= TABLE_HEADER)
		put(table + 4, get(table + 4) - sum(table, len));
}

static void seal(uint8_t *data, size_t len)
{
	for (size_t at = 0; len - at >= INTEL_HEADER;) {
		uint8_t *header = data + at;
		uint64_t body = INTEL_HEADER + (uint64_t)get(header + 28);
		uint32_t total = get(header + 32);

		if (total > len - at || body > total || body % 4)
			return;
		put(header + CHECKSUM_AT,
			get(header + CHECKSUM_AT) - sum(header, body));
		seal_table(header, header + body, total - body);
		at += total;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *copy;

	parse(data, len);
	load(UCODE_INTEL, data, len);
	load(UCODE_AMD, data, len);
	if (len < INTEL_HEADER)
		return 0;
	copy = malloc(len);
	memcpy(copy, data, len);
	seal(copy, len);
	parse(copy, len);
	load(UCODE_INTEL, copy, len);
	free(copy);
	return 0;
}
