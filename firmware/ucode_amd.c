/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ucode_amd.c - AMD's microcode containers
 *
 * A container is a magic number, a table that gives each processor signature a
 * short equivalence id, and patches, each for one id.  A file is one container
 * behind the other.  Since family 14h a patch says neither how long it is nor how it
 * sums up: the section around it bounds it, and only the processor can tell whether
 * it is whole.
 */
#include "firmware/ucode_parts.h"

#define SECTION_BYTES 8  /* type and length */
#define TABLE_AT      12 /* behind the magic number and its section */
#define ENTRY_BYTES   16
#define ENTRY_ID_AT   12
#define HEADER_BYTES  UCODE_HEADER_BYTES
#define UNIT_BYTES    28 /* in which old families count their data */

/* Offsets in a patch's header. */
enum {
	AT_DATE = 0,
	AT_REVISION = 4,
	AT_UNITS = 10,
	AT_CHECKSUM = 12,
	AT_NORTH_BRIDGE = 16,
	AT_SOUTH_BRIDGE = 20,
	AT_EQUIVALENCE = 24,
};

/* The first digit of an id is the family's distance from 0fh. */
static const struct family {
	unsigned digit;
	unsigned family;
	size_t bytes_max;
	bool has_sum; /* of the data, in the header */
} families[] = {
	{ 0x0, 0x0f, 2048, true },
	{ 0x1, 0x10, 2048, true },
	{ 0x2, 0x11, 2048, true },
	{ 0x3, 0x12, 2048, true },
	{ 0x5, 0x14, 1824, false },
	{ 0x6, 0x15, 4096, false },
	{ 0x7, 0x16, 3458, false },
	{ 0x8, 0x17, 3200, false },
	{ 0xa, 0x19, 5568, false },
	{ 0xb, 0x1a, 15296, false },
};

static const struct family *family_of(uint16_t equivalence)
{
	for (unsigned i = 0; i < ARRAY_SIZE(families); i++)
		if (families[i].digit == equivalence >> 12)
			return &families[i];
	return NULL;
}

size_t ucode_amd_bytes_max(uint16_t equivalence)
{
	const struct family *family = family_of(equivalence);

	return family ? family->bytes_max : 0;
}

uint16_t ucode_amd_equivalence(const uint8_t *patch)
{
	return ucode_get16(patch + AT_EQUIVALENCE);
}

uint32_t ucode_amd_signature(uint16_t equivalence)
{
	return (equivalence & 0xf000u) << 8 | (equivalence & 0x0f00u) << 8 |
	       0xf00 | (equivalence & 0xffu);
}

/* ---- a patch ---- */

static void check_sum(struct ucode_update *u, uint32_t want)
{
	size_t len = (size_t)UNIT_BYTES * u->data[AT_UNITS];
	uint32_t sum;

	if (len > u->size_bytes - HEADER_BYTES) {
		ucode_fault(u, "%zu bytes of data: cut short", len);
		return;
	}
	sum = ucode_sum(u->data + HEADER_BYTES, len);
	if (sum != want)
		ucode_fault(u,
			"checksum: the data sums up to 0x%08x, not to 0x%08x",
			sum, want);
}

/*
 * Old families sum up the data here.  Newer ones leave it zero, or say which
 * revision must run before: one of the same model, but for the last byte.
 */
static void read_checksum(struct ucode_update *u, const struct family *family)
{
	uint32_t field = ucode_get32(u->data + AT_CHECKSUM);

	if (family->has_sum)
		check_sum(u, field);
	else if (field && (field ^ u->revision) >> 8)
		ucode_fault(u,
			"checksum 0x%08x: neither zero nor a revision of the "
			"same model",
			field);
	else
		u->min_revision = field;
}

void ucode_amd_read(struct ucode_update *u)
{
	uint16_t id;
	const struct family *family;

	if (u->size_bytes < HEADER_BYTES) {
		ucode_fault(u, "%zu bytes: the header alone takes %d",
			u->size_bytes, HEADER_BYTES);
		return;
	}
	u->date = ucode_get32(u->data + AT_DATE);
	u->revision = ucode_get32(u->data + AT_REVISION);
	id = ucode_amd_equivalence(u->data);
	family = family_of(id);
	if (!family) {
		ucode_fault(u, "equivalence id 0x%04x: of no known family", id);
		return;
	}
	if (u->size_bytes > family->bytes_max)
		ucode_fault(u, "%zu bytes: patches of family %02xh take %zu",
			u->size_bytes, family->family, family->bytes_max);
	if (ucode_get32(u->data + AT_NORTH_BRIDGE) ||
		ucode_get32(u->data + AT_SOUTH_BRIDGE))
		ucode_fault(u, "for a chipset, not for every board");
	if (!u->revision)
		ucode_fault(u, "revision 0: means that none is loaded");
	read_checksum(u, family);
}

/* ---- a container ---- */

struct table {
	const uint8_t *entries;
	unsigned count;
};

static bool is_container(const uint8_t *data, size_t len)
{
	return len >= TABLE_AT && ucode_get32(data) == UCODE_AMD_MAGIC;
}

bool ucode_amd_detect(const struct ucode_span *span)
{
	return is_container(span->data, span->len);
}

/* The table ends with an entry of zeros, or where its section does. */
static struct table read_table(const uint8_t *entries, size_t len)
{
	struct table table = { .entries = entries };

	while ((table.count + 1ul) * ENTRY_BYTES <= len &&
		ucode_get32(entries + table.count * ENTRY_BYTES))
		table.count++;
	return table;
}

static void add_sigs(struct ucode_update *u, const struct table *table)
{
	uint16_t id;

	if (u->size_bytes < HEADER_BYTES)
		return;
	id = ucode_amd_equivalence(u->data);
	for (unsigned i = 0; i < table->count && !*u->fault; i++) {
		const uint8_t *entry = table->entries + i * ENTRY_BYTES;

		if (ucode_get16(entry + ENTRY_ID_AT) == id)
			ucode_add_sig(u, ucode_get32(entry), 0);
	}
	if (!u->sig_count)
		ucode_fault(u,
			"equivalence id 0x%04x: not in the container's table",
			id);
}

/* Where we are in a span. */
struct walk {
	const struct ucode_span *span;
	struct ucode_list *list;
	size_t at;
};

static size_t left(const struct walk *w)
{
	return w->span->len - w->at;
}

/* What cannot be read is an update too: a faulty one that ends the list. */
static int add_broken(struct walk *w, const char *why)
{
	struct ucode_update *u;
	int rc = ucode_list_add(w->list, UCODE_AMD, w->span, w->at, &u);

	if (!rc)
		ucode_fault(u, "%s", why);
	w->at = w->span->len;
	return rc;
}

static int walk_patch(struct walk *w, const struct table *table)
{
	uint32_t len = ucode_get32(w->span->data + w->at + 4);
	struct ucode_update *u;
	int rc;

	if (len > left(w) - SECTION_BYTES)
		return add_broken(w, "patch: longer than what is left: cut "
				     "short");
	rc = ucode_list_add(
		w->list, UCODE_AMD, w->span, w->at + SECTION_BYTES, &u);
	if (rc)
		return rc;
	u->size_bytes = len;
	ucode_amd_read(u);
	add_sigs(u, table);
	w->at += SECTION_BYTES + len;
	return 0;
}

static bool at_patch(const struct walk *w)
{
	return left(w) >= SECTION_BYTES &&
	       ucode_get32(w->span->data + w->at) == UCODE_AMD_PATCH;
}

static int walk_container(struct walk *w)
{
	const uint8_t *data = w->span->data + w->at;
	struct table table;
	uint32_t len;
	int rc = 0;

	if (!is_container(data, left(w)))
		return add_broken(w, "neither a patch nor a container");
	len = ucode_get32(data + 8);
	if (ucode_get32(data + 4) != UCODE_AMD_TABLE || len % ENTRY_BYTES)
		return add_broken(w, "container: no equivalence table");
	if (len > left(w) - TABLE_AT)
		return add_broken(w, "equivalence table: longer than what is "
				     "left: cut short");
	if (len > UCODE_AMD_ENTRIES_MAX * ENTRY_BYTES)
		return add_broken(w, "equivalence table: longer than is "
				     "believed");
	table = read_table(data + TABLE_AT, len);
	w->at += TABLE_AT + len;
	if (!at_patch(w))
		return add_broken(w, "container: no patch behind its table");
	while (!rc && at_patch(w))
		rc = walk_patch(w, &table);
	return rc;
}

int ucode_amd_parse(const struct ucode_span *span, struct ucode_list *list)
{
	struct walk w = { .span = span, .list = list };
	int rc = 0;

	while (!rc && w.at < span->len)
		rc = walk_container(&w);
	return rc;
}
