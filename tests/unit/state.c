/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - field tables: what is saved loads again, what is hostile does not */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/thing.h"
#include "vmm/base/err.h"

#define TRIALS 200

/* Where the parts of a thing without lists begin in its encoding. */
enum {
	AT_ON = 1 + 4 + 8,
	AT_LATE = AT_ON + 1 + 6 + 5,
	AT_QUEUES = AT_LATE + 4 + 3 * 11,
	AT_MSRS = AT_QUEUES + 4 + THING_QUEUES * 11,
};

static int load(const struct buf *b, size_t len, unsigned version)
{
	/* A copy of exactly that length: reading past it is an error of memory. */
	uint8_t *copy = malloc(len ? len : 1);
	struct thing t;
	int rc;

	if (len)
		memcpy(copy, b->data, len);
	thing_init(&t);
	err_clear();
	rc = state_load(&thing_desc, version, copy, len, &t);
	thing_fini(&t);
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

		thing_fill(&a);
		thing_init(&b);
		state_save(&thing_desc, &a, &first);
		assert_int_equal(
			state_load(&thing_desc, 2, first.data, first.len, &b),
			0);
		assert_int_equal(state_diff(&thing_desc, &a, &b, &diff), 0);
		assert_null(b.one.host);
		state_save(&thing_desc, &b, &again);
		assert_int_equal(again.len, first.len);
		assert_memory_equal(again.data, first.data, first.len);
		thing_fini(&a);
		thing_fini(&b);
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
	thing_init(&t);
	t.small = 1;
	t.status = 0x02030405;
	state_save(&thing_desc, &t, &out);
	assert_memory_equal(out.data, want, sizeof(want));
	thing_fini(&t);
	buf_fini(&out);
}

static void loading_replaces_the_lists_that_were_there(void **state)
{
	struct buf b = thing_plain();
	struct thing t;

	(void)state;
	thing_fill(&t);
	assert_int_equal(state_load(&thing_desc, 2, b.data, b.len, &t), 0);
	assert_int_equal(t.msr_count, 0);
	assert_null(t.msrs);
	assert_null(t.blob);
	thing_fini(&t);
	buf_fini(&b);
}

static void an_older_version_leaves_newer_fields_at_power_on(void **state)
{
	struct buf b = thing_plain(), old = BUF_INIT;
	struct thing t;

	(void)state;
	buf_append(&old, b.data, AT_LATE);
	buf_append(&old, b.data + AT_LATE + 4, b.len - AT_LATE - 4);
	thing_init(&t);
	t.late = 77;
	assert_int_equal(state_load(&thing_desc, 1, old.data, old.len, &t), 0);
	assert_int_equal(t.late, 77);
	thing_fini(&t);
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
		thing_fill(&t);
		if (t.msr_count && t.blob_len)
			break;
		thing_fini(&t);
	} while (true);
	state_save(&thing_desc, &t, &b);
	for (size_t len = 0; len < b.len; len++) {
		assert_int_equal(load(&b, len, 2), -EBADMSG);
		assert_non_null(strstr(err_text(), ": the data ends "));
		assert_non_null(strchr(err_text(), '.'));
	}
	assert_int_equal(load(&b, 0, 2), -EBADMSG);
	assert_string_equal(err_text(), "thing.small: the data ends here");
	thing_fini(&t);
	buf_fini(&b);
}

static void bytes_behind_the_last_field_are_refused(void **state)
{
	struct buf b = thing_plain();

	(void)state;
	buf_u16(&b, 0);
	assert_refused(&b, "thing: 2 bytes too many");
	buf_fini(&b);
}

static void an_unknown_version_is_refused(void **state)
{
	struct buf b = thing_plain();

	(void)state;
	assert_int_equal(load(&b, b.len, 3), -EBADMSG);
	assert_non_null(strstr(err_text(), "thing: version 3"));
	assert_int_equal(load(&b, b.len, 0), -EBADMSG);
	buf_fini(&b);
}

static void a_number_above_its_maximum_is_refused(void **state)
{
	struct buf b = thing_plain();

	(void)state;
	b.data[0] = 201;
	assert_refused(&b, "thing.small is 201, at most 200 can be");
	buf_fini(&b);
}

static void a_bool_is_0_or_1(void **state)
{
	struct buf b = thing_plain();

	(void)state;
	b.data[AT_ON] = 2;
	assert_refused(&b, "thing.on is 2, at most 1 can be");
	buf_fini(&b);
}

static void what_must_be_the_same_is_refused_with_both_values(void **state)
{
	struct buf b = thing_plain();

	(void)state;
	b.data[b.len - 8] = 1;
	assert_refused(
		&b, "thing.capacity is 4097 in the snapshot and 4096 here");
	buf_fini(&b);
}

static void another_number_of_existing_elements_is_refused(void **state)
{
	struct buf b = thing_plain();

	(void)state;
	b.data[AT_QUEUES] = 3;
	assert_refused(&b, "thing.queues: 3 in the snapshot and 2 here");
	buf_fini(&b);
}

static void an_element_is_named_by_its_index(void **state)
{
	struct buf b = thing_plain();

	(void)state;
	b.data[AT_QUEUES + 4 + 2 * 11 - 1] = 9; /* queues[1].ready */
	assert_refused(
		&b, "thing.queues[1]: inner.ready is 9, at most 1 can be");
	buf_fini(&b);
}

static void a_list_longer_than_its_maximum_is_refused(void **state)
{
	struct buf b = thing_plain();

	(void)state;
	b.data[AT_MSRS] = THING_MSRS_MAX + 1;
	buf_fill(&b, 0, 12 * (THING_MSRS_MAX + 1));
	assert_refused(&b, "thing.msrs has 101 elements, at most 100 can be");
	buf_fini(&b);
}

/* If it allocated first, a checker of leaks or of sizes would find it. */
static void a_list_that_the_data_cannot_hold_is_refused(void **state)
{
	struct buf b = thing_plain();

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
	thing_fill(&t);
	state_save(&thing_desc, &t, &b);
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 0xff;
		load(&b, b.len, 2);
		b.data[i] ^= 0xff;
	}
	assert_int_equal(load(&b, b.len, 2), 0);
	thing_fini(&t);
	buf_fini(&b);
}

/* That nothing of it is left is for the checker of leaks to see. */
static void an_object_of_its_own_goes_with_what_it_loaded(void **state)
{
	struct thing full, *t = state_new(&thing_desc);
	struct buf b = BUF_INIT;

	(void)state;
	thing_fill(&full);
	full.queue_count = 0; /* a new one has none */
	state_save(&thing_desc, &full, &b);
	full.queue_count = THING_QUEUES;
	t->capacity = full.capacity;
	assert_int_equal(state_load(&thing_desc, 2, b.data, b.len, t), 0);
	assert_int_equal(t->msr_count, full.msr_count);
	assert_null(state_free(&thing_desc, t));
	assert_null(state_free(&thing_desc, NULL));
	thing_fini(&full);
	buf_fini(&b);
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
		cmocka_unit_test(an_object_of_its_own_goes_with_what_it_loaded),
	};

	srandom(1);
	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
