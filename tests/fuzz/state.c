/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.c - the input is a version and what a table of every kind of field is
 * loaded from.  What is accepted prints, and saves as the same bytes.
 */
#include "tests/fuzz/fuzz.h"

#include "tests/fuzz/input.h"
#include "vmm/base/err.h"
#include "vmm/core/state.h"

#define BLOB_MAX 64
#define LIST_MAX 16

struct page {
	uint8_t *bytes;
	uint32_t len;
	bool dirty;
};

struct book {
	uint8_t kind;
	uint16_t table[3];
	uint64_t size;
	char title[4];
	struct page first;
	struct page *pages;
	uint32_t page_count;
	struct page *spare;
	uint32_t spare_count;
};

static const struct state_field page_fields[] = {
	STATE_BLOB(struct page, bytes, len, BLOB_MAX),
	STATE_BOOL(struct page, dirty, .since = 2),
};

static const struct state_desc page_desc = STATE_DESC(
	"page", 2, struct page, page_fields);

static const struct state_field book_fields[] = {
	STATE_U8(struct book, kind, .max = 7),
	STATE_U16S(struct book, table),
	STATE_U64(struct book, size, .same = true),
	STATE_BYTES(struct book, title, .since = 2),
	STATE_OBJECT(struct book, first, &page_desc),
	STATE_LIST(struct book, pages, page_count, LIST_MAX, &page_desc),
	STATE_EACH(struct book, spare, spare_count, &page_desc),
};

static const struct state_desc book_desc = STATE_DESC(
	"book", 2, struct book, book_fields);

static void check(
	struct book *book, unsigned version, const uint8_t *data, size_t len)
{
	struct buf text = BUF_INIT, saved = BUF_INIT;

	must(book->kind <= 7 && book->page_count <= LIST_MAX);
	must(!state_print(&book_desc, version, data, len, &text));
	state_save(&book_desc, book, &saved);
	/* The older version lacks the newer fields. */
	must(saved.len >= len);
	if (version == book_desc.version)
		must(saved.len == len && !memcmp(saved.data, data, len));
	buf_fini(&text);
	buf_fini(&saved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	unsigned version = input_u8(&in);
	struct page spare[2] = { { 0 } };
	struct book book = { .spare = spare, .spare_count = 2 };

	err_clear();
	if (state_load(&book_desc, version, in.at, in.left, &book))
		must(*err_text());
	else
		check(&book, version, in.at, in.left);
	state_fini(&book_desc, &book);
	return 0;
}
