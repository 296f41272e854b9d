/* SPDX-License-Identifier: Apache-2.0 */
/* state_print.c - a state as text, and what two states differ in */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "tests/unit/thing.h"
#include "vmm/base/err.h"

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
	thing_init(&t);
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
	struct buf b = thing_plain();
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
	thing_init(&a);
	thing_init(&b);
	b.wide = 1;
	b.one.ready = true;
	b.queues[1].index = 9;
	b.blob = calloc(1, 1);
	b.blob_len = 1;
	assert_int_equal(state_diff(&thing_desc, &a, &b, &out), 4);
	buf_u8(&out, 0);
	assert_string_equal(
		(char *)out.data, "wide\none.ready\nqueues[1].index\nblob\n");
	thing_fini(&a);
	thing_fini(&b);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_saved_prints_as_json),
		cmocka_unit_test(what_is_cut_short_does_not_print),
		cmocka_unit_test(diff_names_what_differs),
	};

	return cmocka_run_group_tests_name("state_print", tests, NULL, NULL);
}
