/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - field tables: what is saved loads again, what is hostile does not */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/base/err.h"
#include "vmm/core/mem.h"
#include "vmm/core/state.h"

#define QUEUES   2
#define MSRS_MAX 100
#define BLOB_MAX 300
#define TRIALS   200

struct inner {
	void *host; /* never saved */
	uint16_t index;
	gpa_t ring;
	bool ready;
};

struct msr {
	uint32_t index;
	uint64_t value;
};

struct thing {
	uint8_t small;
	atomic_uint status;
	unsigned long long wide;
	bool on;
	uint16_t table[3];
	uint8_t id[5];
	struct inner one;
	struct inner two[2];
	struct inner *queues;
	uint32_t queue_count;
	struct msr *msrs;
	uint32_t msr_count;
	uint8_t *blob;
	uint32_t blob_len;
	uint64_t capacity;
	uint32_t late; /* came with version 2 */
};

static const struct state_field inner_fields[] = {
	STATE_U16(struct inner, index),
	STATE_GPA(struct inner, ring),
	STATE_BOOL(struct inner, ready),
};

static const struct state_desc inner_desc = STATE_DESC(
	"inner", 1, struct inner, inner_fields);

static const struct state_field msr_fields[] = {
	STATE_U32(struct msr, index),
	STATE_U64(struct msr, value),
};

static const struct state_desc msr_desc = STATE_DESC(
	"msr", 1, struct msr, msr_fields);

static const struct state_field thing_fields[] = {
	STATE_U8(struct thing, small, .max = 200),
	STATE_U32(struct thing, status),
	STATE_U64(struct thing, wide),
	STATE_BOOL(struct thing, on),
	STATE_U16S(struct thing, table),
	STATE_BYTES(struct thing, id),
	STATE_U32(struct thing, late, .since = 2),
	STATE_OBJECT(struct thing, one, &inner_desc),
	STATE_OBJECTS(struct thing, two, &inner_desc),
	STATE_EACH(struct thing, queues, queue_count, &inner_desc),
	STATE_LIST(struct thing, msrs, msr_count, MSRS_MAX, &msr_desc),
	STATE_BLOB(struct thing, blob, blob_len, BLOB_MAX),
	STATE_U64(struct thing, capacity, .same = true),
};

static const struct state_desc thing_desc = STATE_DESC(
	"thing", 2, struct thing, thing_fields);

/* Where the parts of a thing without lists begin in its encoding. */
enum {
	AT_ON = 1 + 4 + 8,
	AT_LATE = AT_ON + 1 + 6 + 5,
	AT_QUEUES = AT_LATE + 4 + 3 * 11,
	AT_MSRS = AT_QUEUES + 4 + QUEUES * 11,
};

/* ---- things ---- */

static void init(struct thing *t)
{
	*t = (struct thing){ .queue_count = QUEUES, .capacity = 4096 };
	t->queues = calloc(QUEUES, sizeof(*t->queues));
}

static void fini(struct thing *t)
{
	state_fini(&thing_desc, t);
	free(t->queues);
}

static uint64_t random64(void)
{
	return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^
	       (uint64_t)random();
}

static void fill_inner(struct inner *in)
{
	in->host = in;
	in->index = (uint16_t)random64();
	in->ring = GPA(random64());
	in->ready = random64() & 1;
}

static void fill(struct thing *t)
{
	init(t);
	t->small = (uint8_t)(random64() % 201);
	t->status = (uint32_t)random64();
	t->wide = random64();
	t->on = random64() & 1;
	for (unsigned i = 0; i < ARRAY_SIZE(t->table); i++)
		t->table[i] = (uint16_t)random64();
	for (unsigned i = 0; i < sizeof(t->id); i++)
		t->id[i] = (uint8_t)random64();
	fill_inner(&t->one);
	for (unsigned i = 0; i < 2; i++) {
		fill_inner(&t->two[i]);
		fill_inner(&t->queues[i]);
	}
	t->msr_count = (uint32_t)(random64() % (MSRS_MAX + 1));
	t->msrs = t->msr_count ? calloc(t->msr_count, sizeof(*t->msrs)) : NULL;
	for (unsigned i = 0; i < t->msr_count; i++)
		t->msrs[i] = (struct msr){ (uint32_t)random64(), random64() };
	t->blob_len = (uint32_t)(random64() % (BLOB_MAX + 1));
	t->blob = t->blob_len ? calloc(t->blob_len, 1) : NULL;
	t->late = (uint32_t)random64();
}

/* The encoding of a thing without lists: its state after power-on. */
static struct buf plain(void)
{
	struct buf out = BUF_INIT;
	struct thing t;

	init(&t);
	state_save(&thing_desc, &t, &out);
	fini(&t);
	return out;
}

static int load(const struct buf *b, size_t len, unsigned version)
{
	/* A copy of exactly that length: reading past it is an error of memory. */
	uint8_t *copy = malloc(len ? len : 1);
	struct thing t;
	int rc;

	if (len)
		memcpy(copy, b->data, len);
	init(&t);
	err_clear();
	rc = state_load(&thing_desc, version, copy, len, &t);
	fini(&t);
	free(copy);
	return rc;
}

static void assert_refused(const struct buf *b, const char *sentence)
{
	assert_int_equal(load(b, b->len, 2), -EBADMSG);
	assert_string_equal(err_text(), sentence);
}

/* ---- save and load ---- */

static void what_is_saved_loads_and_saves_the_same_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TRIALS; i++) {
		struct buf first = BUF_INIT, again = BUF_INIT, diff = BUF_INIT;
		struct thing a, b;

		fill(&a);
		init(&b);
		state_save(&thing_desc, &a, &first);
		assert_int_equal(
			state_load(&thing_desc, 2, first.data, first.len, &b),
			0);
		assert_int_equal(state_diff(&thing_desc, &a, &b, &diff), 0);
		assert_null(b.one.host);
		state_save(&thing_desc, &b, &again);
		assert_int_equal(again.len, first.len);
		assert_memory_equal(again.data, first.data, first.len);
		fini(&a);
		fini(&b);
		buf_fini(&first);
		buf_fini(&again);
	}
}

static void numbers_are_little_endian_in_the_order_of_the_table(void **state)
{
	static const uint8_t want[] = { 1, 5, 4, 3, 2 };
	struct buf out = BUF_INIT;
	struct thing t;

	(void)state;
	init(&t);
	t.small = 1;
	t.status = 0x02030405;
	state_save(&thing_desc, &t, &out);
	assert_memory_equal(out.data, want, sizeof(want));
	fini(&t);
	buf_fini(&out);
}

static void loading_replaces_the_lists_that_were_there(void **state)
{
	struct buf b = plain();
	struct thing t;

	(void)state;
	fill(&t);
	assert_int_equal(state_load(&thing_desc, 2, b.data, b.len, &t), 0);
	assert_int_equal(t.msr_count, 0);
	assert_null(t.msrs);
	assert_null(t.blob);
	fini(&t);
	buf_fini(&b);
}

static void an_older_version_leaves_newer_fields_at_power_on(void **state)
{
	struct buf b = plain(), old = BUF_INIT;
	struct thing t;

	(void)state;
	buf_append(&old, b.data, AT_LATE);
	buf_append(&old, b.data + AT_LATE + 4, b.len - AT_LATE - 4);
	init(&t);
	t.late = 77;
	assert_int_equal(state_load(&thing_desc, 1, old.data, old.len, &t), 0);
	assert_int_equal(t.late, 77);
	fini(&t);
	buf_fini(&old);
	buf_fini(&b);
}

/* ---- what is refused ---- */

static void every_truncation_is_refused_by_the_name_of_a_field(void **state)
{
	struct buf b = BUF_INIT;
	struct thing t;

	(void)state;
	do {
		fill(&t);
		if (t.msr_count && t.blob_len)
			break;
		fini(&t);
	} while (true);
	state_save(&thing_desc, &t, &b);
	for (size_t len = 0; len < b.len; len++) {
		assert_int_equal(load(&b, len, 2), -EBADMSG);
		assert_non_null(strstr(err_text(), ": the data ends "));
		assert_non_null(strchr(err_text(), '.'));
	}
	assert_int_equal(load(&b, 0, 2), -EBADMSG);
	assert_string_equal(err_text(), "thing.small: the data ends here");
	fini(&t);
	buf_fini(&b);
}

static void bytes_behind_the_last_field_are_refused(void **state)
{
	struct buf b = plain();

	(void)state;
	buf_u16(&b, 0);
	assert_refused(&b, "thing: 2 bytes too many");
	buf_fini(&b);
}

static void an_unknown_version_is_refused(void **state)
{
	struct buf b = plain();

	(void)state;
	assert_int_equal(load(&b, b.len, 3), -EBADMSG);
	assert_non_null(strstr(err_text(), "thing: version 3"));
	assert_int_equal(load(&b, b.len, 0), -EBADMSG);
	buf_fini(&b);
}

static void a_number_above_its_maximum_is_refused(void **state)
{
	struct buf b = plain();

	(void)state;
	b.data[0] = 201;
	assert_refused(&b, "thing.small is 201, at most 200 can be");
	buf_fini(&b);
}

static void a_bool_is_0_or_1(void **state)
{
	struct buf b = plain();

	(void)state;
	b.data[AT_ON] = 2;
	assert_refused(&b, "thing.on is 2, at most 1 can be");
	buf_fini(&b);
}

static void what_must_be_the_same_is_refused_with_both_values(void **state)
{
	struct buf b = plain();

	(void)state;
	b.data[b.len - 8] = 1;
	assert_refused(
		&b, "thing.capacity is 4097 in the snapshot and 4096 here");
	buf_fini(&b);
}

static void another_number_of_existing_elements_is_refused(void **state)
{
	struct buf b = plain();

	(void)state;
	b.data[AT_QUEUES] = 3;
	assert_refused(&b, "thing.queues: 3 in the snapshot and 2 here");
	buf_fini(&b);
}

static void an_element_is_named_by_its_index(void **state)
{
	struct buf b = plain();

	(void)state;
	b.data[AT_QUEUES + 4 + 2 * 11 - 1] = 9; /* queues[1].ready */
	assert_refused(
		&b, "thing.queues[1]: inner.ready is 9, at most 1 can be");
	buf_fini(&b);
}

static void a_list_longer_than_its_maximum_is_refused(void **state)
{
	struct buf b = plain();

	(void)state;
	b.data[AT_MSRS] = MSRS_MAX + 1;
	buf_fill(&b, 0, 12 * (MSRS_MAX + 1));
	assert_refused(&b, "thing.msrs has 101 elements, at most 100 can be");
	buf_fini(&b);
}

/* If it allocated first, a checker of leaks or of sizes would find it. */
static void a_list_that_the_data_cannot_hold_is_refused(void **state)
{
	struct buf b = plain();

	(void)state;
	b.data[AT_MSRS] = 3;
	assert_refused(&b, "thing.msrs: the data ends before its 3 elements");
	buf_fini(&b);
}

static void no_single_byte_flip_does_harm(void **state)
{
	struct buf b = BUF_INIT;
	struct thing t;

	(void)state;
	fill(&t);
	state_save(&thing_desc, &t, &b);
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 0xff;
		load(&b, b.len, 2);
		b.data[i] ^= 0xff;
	}
	assert_int_equal(load(&b, b.len, 2), 0);
	fini(&t);
	buf_fini(&b);
}

/* ---- print and compare ---- */

static char *print(const struct buf *b, unsigned version)
{
	struct buf out = BUF_INIT;
	int rc = state_print(&thing_desc, version, b->data, b->len, &out);

	buf_u8(&out, 0);
	if (rc)
		buf_fini(&out);
	return (char *)out.data;
}

static void what_is_saved_prints_as_json(void **state)
{
	struct buf b = BUF_INIT;
	struct msr msr = { 0x10, 7 };
	uint8_t blob[] = { 0xde, 0x01 };
	struct thing t;
	char *text;

	(void)state;
	init(&t);
	t.table[2] = 5;
	t.msrs = &msr;
	t.msr_count = 1;
	t.blob = blob;
	t.blob_len = sizeof(blob);
	t.one.ready = true;
	state_save(&thing_desc, &t, &b);
	text = print(&b, 2);
	assert_string_equal(text,
		"{\"small\":0,\"status\":0,\"wide\":0,\"on\":false,"
		"\"table\":[0,0,5],\"id\":\"0000000000\",\"late\":0,"
		"\"one\":{\"index\":0,\"ring\":0,\"ready\":true},"
		"\"two\":[{\"index\":0,\"ring\":0,\"ready\":false},"
		"{\"index\":0,\"ring\":0,\"ready\":false}],"
		"\"queues\":[{\"index\":0,\"ring\":0,\"ready\":false},"
		"{\"index\":0,\"ring\":0,\"ready\":false}],"
		"\"msrs\":[{\"index\":16,\"value\":7}],\"blob\":\"de01\","
		"\"capacity\":4096}");
	free(text);
	free(t.queues);
	buf_fini(&b);
}

static void what_is_cut_short_does_not_print(void **state)
{
	struct buf b = plain();
	const size_t whole = b.len;

	(void)state;
	for (b.len = 0; b.len < whole; b.len++) {
		assert_null(print(&b, 2));
		assert_non_null(strstr(err_text(), ": the data ends here"));
	}
	buf_u8(&b, 0);
	assert_null(print(&b, 2));
	assert_string_equal(err_text(), "thing: 1 bytes too many");
	buf_fini(&b);
}

static void diff_names_what_differs(void **state)
{
	struct buf out = BUF_INIT;
	struct thing a, b;

	(void)state;
	init(&a);
	init(&b);
	b.wide = 1;
	b.one.ready = true;
	b.queues[1].index = 9;
	b.blob = calloc(1, 1);
	b.blob_len = 1;
	assert_int_equal(state_diff(&thing_desc, &a, &b, &out), 4);
	buf_u8(&out, 0);
	assert_string_equal(
		(char *)out.data, "wide\none.ready\nqueues[1].index\nblob\n");
	fini(&a);
	fini(&b);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_saved_loads_and_saves_the_same_again),
		cmocka_unit_test(
			numbers_are_little_endian_in_the_order_of_the_table),
		cmocka_unit_test(loading_replaces_the_lists_that_were_there),
		cmocka_unit_test(
			an_older_version_leaves_newer_fields_at_power_on),
		cmocka_unit_test(
			every_truncation_is_refused_by_the_name_of_a_field),
		cmocka_unit_test(bytes_behind_the_last_field_are_refused),
		cmocka_unit_test(an_unknown_version_is_refused),
		cmocka_unit_test(a_number_above_its_maximum_is_refused),
		cmocka_unit_test(a_bool_is_0_or_1),
		cmocka_unit_test(
			what_must_be_the_same_is_refused_with_both_values),
		cmocka_unit_test(
			another_number_of_existing_elements_is_refused),
		cmocka_unit_test(an_element_is_named_by_its_index),
		cmocka_unit_test(a_list_longer_than_its_maximum_is_refused),
		cmocka_unit_test(a_list_that_the_data_cannot_hold_is_refused),
		cmocka_unit_test(no_single_byte_flip_does_harm),
		cmocka_unit_test(what_is_saved_prints_as_json),
		cmocka_unit_test(what_is_cut_short_does_not_print),
		cmocka_unit_test(diff_names_what_differs),
	};

	srandom(1);
	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
