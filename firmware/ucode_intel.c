/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ucode_intel.c - Intel's update files (SDM Vol. 3A, 9.11.1 and 9.11.2)
 *
 * A file is updates one behind the other: a header, encrypted data, and in some a
 * table of further signatures.  Header and data sum up to 0, and so does the table;
 * each of its entries carries the checksum that the header would have, were the
 * entry's signature and platforms the header's.
 */
#include "firmware/ucode_parts.h"

#define HEADER_BYTES    48
#define HEADER_VERSION  1
#define LOADER_REVISION 1
#define DATA_IF_0       2000
#define TOTAL_MULTIPLE  1024

#define TABLE_BYTES     20 /* of the extended signatures, in front of them */
#define ENTRY_BYTES     12

/* Offsets in the header. */
enum {
	AT_VERSION = 0,
	AT_REVISION = 4,
	AT_DATE = 8,
	AT_SIGNATURE = 12,
	AT_CHECKSUM = 16,
	AT_LOADER = 20,
	AT_PLATFORMS = 24,
	AT_DATA_SIZE = 28,
	AT_TOTAL_SIZE = 32,
	AT_MIN_REVISION = 40,
};

/* Offsets in the table and in an entry. */
enum { AT_COUNT = 0, AT_ENTRY_PLATFORMS = 4, AT_ENTRY_CHECKSUM = 8 };

static uint32_t data_size(const uint8_t *header)
{
	uint32_t size = ucode_get32(header + AT_DATA_SIZE);

	return size ? size : DATA_IF_0;
}

/* A total size counts only beside a data size. */
static uint32_t total_size(const uint8_t *header)
{
	return ucode_get32(header + AT_DATA_SIZE)
		       ? ucode_get32(header + AT_TOTAL_SIZE)
		       : DATA_IF_0 + HEADER_BYTES;
}

/* Nothing behind sizes that lie can be told apart. */
static bool check_sizes(struct ucode_update *u, size_t room)
{
	uint32_t data = data_size(u->data);
	uint32_t total = total_size(u->data);

	if (data % 4)
		ucode_fault(u, "data size %u: not a multiple of 4", data);
	else if (total % TOTAL_MULTIPLE)
		ucode_fault(u, "total size %u: not a multiple of %d", total,
			TOTAL_MULTIPLE);
	else if (total > UCODE_UPDATE_MAX)
		ucode_fault(u, "total size %u: at most %llu are believed",
			total, UCODE_UPDATE_MAX);
	else if ((uint64_t)data + HEADER_BYTES > total)
		ucode_fault(u,
			"total size %u: less than the header and %u bytes of "
			"data",
			total, data);
	else if (total > room)
		ucode_fault(u,
			"total size %u: only %zu bytes are left: cut "
			"short",
			total, room);
	return !*u->fault;
}

/* Packed BCD, mmddyyyy: iucode-tool refuses other dates too. */
static bool is_date(uint32_t bcd)
{
	uint32_t month = bcd >> 24, day = bcd >> 16 & 0xff;

	for (uint32_t digits = bcd; digits; digits >>= 4)
		if ((digits & 0xf) > 9)
			return false;
	return month >= 0x01 && month <= 0x12 && day >= 0x01 && day <= 0x31;
}

static void check_header(struct ucode_update *u)
{
	const uint8_t *header = u->data;
	uint32_t loader = ucode_get32(header + AT_LOADER);
	uint32_t sum = ucode_sum(header, HEADER_BYTES + data_size(header));

	if (sum)
		ucode_fault(u,
			"checksum: header and data sum up to 0x%08x, not to 0",
			sum);
	if (loader != LOADER_REVISION)
		ucode_fault(u, "loader revision %u: only %d is known", loader,
			LOADER_REVISION);
	if (!u->revision)
		ucode_fault(u, "revision 0: means that none is loaded");
	if (!is_date(u->date))
		ucode_fault(u, "date 0x%08x: not a date as mmddyyyy", u->date);
}

static void read_entry(struct ucode_update *u, const uint8_t *entry, unsigned i)
{
	const uint8_t *header = u->data;
	uint32_t signature = ucode_get32(entry);
	uint32_t platforms = ucode_get32(entry + AT_ENTRY_PLATFORMS);
	uint32_t own = ucode_get32(header + AT_SIGNATURE) +
		       ucode_get32(header + AT_PLATFORMS) +
		       ucode_get32(header + AT_CHECKSUM);
	uint32_t sum = signature + platforms +
		       ucode_get32(entry + AT_ENTRY_CHECKSUM);

	if (sum != own)
		ucode_fault(u,
			"extended signature %u, 0x%08x: its checksum is 0x%08x "
			"off",
			i, signature, sum - own);
	ucode_add_sig(u, signature, platforms);
}

static void read_table(struct ucode_update *u)
{
	size_t begin = HEADER_BYTES + (size_t)data_size(u->data);
	size_t len = u->size_bytes - begin;
	const uint8_t *table = u->data + begin;
	uint32_t count, sum;

	if (!len)
		return;
	if (len < TABLE_BYTES) {
		ucode_fault(u, "extended table: %zu bytes hold none", len);
		return;
	}
	count = ucode_get32(table + AT_COUNT);
	if (TABLE_BYTES + (uint64_t)count * ENTRY_BYTES != len) {
		ucode_fault(u,
			"extended table: %u signatures do not take its "
			"%zu bytes",
			count, len);
		return;
	}
	sum = ucode_sum(table, len);
	if (sum)
		ucode_fault(
			u, "extended table: sums up to 0x%08x, not to 0", sum);
	for (unsigned i = 0; i < count && i < UCODE_SIGS_MAX; i++)
		read_entry(u, table + TABLE_BYTES + i * ENTRY_BYTES, i);
	if (count >= UCODE_SIGS_MAX)
		ucode_fault(u,
			"extended table: %u signatures; at most %d are "
			"believed",
			count, UCODE_SIGS_MAX - 1);
}

static bool check_version(struct ucode_update *u, size_t room)
{
	if (room < HEADER_BYTES)
		ucode_fault(u,
			"%zu bytes: the header alone takes %d: cut "
			"short",
			room, HEADER_BYTES);
	else if (ucode_get32(u->data + AT_VERSION) != HEADER_VERSION)
		ucode_fault(u, "header version %u: not a microcode update",
			ucode_get32(u->data + AT_VERSION));
	return !*u->fault;
}

bool ucode_intel_read(struct ucode_update *u)
{
	const uint8_t *header = u->data;
	size_t room = u->size_bytes;

	if (!check_version(u, room))
		return false;
	u->revision = ucode_get32(header + AT_REVISION);
	u->min_revision = ucode_get32(header + AT_MIN_REVISION);
	u->date = ucode_get32(header + AT_DATE);
	ucode_add_sig(u, ucode_get32(header + AT_SIGNATURE),
		ucode_get32(header + AT_PLATFORMS));
	if (!check_sizes(u, room))
		return false;
	u->size_bytes = total_size(header);
	check_header(u);
	read_table(u);
	return true;
}

uint32_t ucode_intel_bytes(const uint8_t *header)
{
	bool known = ucode_get32(header + AT_VERSION) == HEADER_VERSION;

	return known ? total_size(header) : 0;
}

bool ucode_intel_detect(const struct ucode_span *span)
{
	return span->len >= HEADER_BYTES &&
	       ucode_get32(span->data + AT_VERSION) == HEADER_VERSION &&
	       ucode_get32(span->data + AT_LOADER) == LOADER_REVISION;
}

int ucode_intel_parse(const struct ucode_span *span, struct ucode_list *list)
{
	struct ucode_update *u;

	for (size_t at = 0; at < span->len; at += u->size_bytes) {
		int rc = ucode_list_add(list, UCODE_INTEL, span, at, &u);

		if (rc)
			return rc;
		if (!ucode_intel_read(u))
			break;
	}
	return 0;
}
