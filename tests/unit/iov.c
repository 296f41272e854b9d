/* SPDX-License-Identifier: Apache-2.0 */
/* iov.c - cutting iovec lists at, before and behind the boundaries of elements */
#include "tests/unit/unit.h"

#include "vmm/base/iov.h"

/* "abc" "d" "efgh" */
static char text[] = "abcdefgh";
static struct iovec iov[3];
static struct iov_list list;

static int setup(void **state)
{
	(void)state;
	memcpy(text, "abcdefgh", 8);
	iov[0] = (struct iovec){ text, 3 };
	iov[1] = (struct iovec){ text + 3, 1 };
	iov[2] = (struct iovec){ text + 4, 4 };
	list = (struct iov_list){ iov, 3 };
	return 0;
}

static void an_empty_list_has_no_bytes(void **state)
{
	struct iov_list empty = { iov, 0 };
	char byte;

	(void)state;
	assert_int_equal(iov_bytes(&empty), 0);
	assert_int_equal(iov_skip(&empty, 1), 0);
	assert_false(iov_take(&empty, &byte, 1));
	assert_true(iov_take(&empty, &byte, 0));
	assert_null(iov_cut_last_byte(&empty));
	assert_int_equal(iov_put(&empty, "x", 1), 0);
}

static void bytes_are_summed_beyond_4_gib(void **state)
{
	struct iovec big[2] = { { text, 0xffffffff }, { text, 0xffffffff } };

	(void)state;
	assert_int_equal(iov_bytes(&list), 8);
	assert_int_equal(
		iov_bytes(&(struct iov_list){ big, 2 }), 2 * 0xffffffffull);
}

static void skipping_within_an_element_keeps_it(void **state)
{
	(void)state;
	assert_int_equal(iov_skip(&list, 2), 2);
	assert_int_equal(list.count, 3);
	assert_ptr_equal(list.iov[0].iov_base, text + 2);
	assert_int_equal(list.iov[0].iov_len, 1);
}

static void skipping_to_a_boundary_leaves_no_empty_element(void **state)
{
	(void)state;
	assert_int_equal(iov_skip(&list, 4), 4);
	assert_int_equal(list.count, 1);
	assert_ptr_equal(list.iov[0].iov_base, text + 4);
	assert_int_equal(list.iov[0].iov_len, 4);
}

static void skipping_too_much_says_how_much_there_was(void **state)
{
	(void)state;
	assert_int_equal(iov_skip(&list, 1ull << 40), 8);
	assert_int_equal(list.count, 0);
}

static void taking_crosses_elements(void **state)
{
	char out[6] = "";

	(void)state;
	assert_true(iov_take(&list, out, 5));
	assert_string_equal(out, "abcde");
	assert_int_equal(iov_bytes(&list), 3);
	assert_ptr_equal(list.iov[0].iov_base, text + 5);
}

static void taking_more_than_there_is_changes_nothing(void **state)
{
	char out[10] = "untouched";

	(void)state;
	assert_false(iov_take(&list, out, 9));
	assert_string_equal(out, "untouched");
	assert_int_equal(iov_bytes(&list), 8);
	assert_int_equal(list.count, 3);
}

static void taking_everything_empties_the_list(void **state)
{
	char out[9] = "";

	(void)state;
	assert_true(iov_take(&list, out, 8));
	assert_string_equal(out, "abcdefgh");
	assert_int_equal(list.count, 0);
}

static void the_last_byte_may_end_an_element(void **state)
{
	(void)state;
	for (int i = 7; i >= 0; i--) {
		assert_ptr_equal(iov_cut_last_byte(&list), text + i);
		assert_int_equal(iov_bytes(&list), i);
		assert_int_equal(list.count, i > 4 ? 3 : i == 4 ? 2 : i > 0);
	}
	assert_null(iov_cut_last_byte(&list));
}

static void putting_fills_elements_in_order(void **state)
{
	(void)state;
	assert_int_equal(iov_put(&list, "12345", 5), 5);
	assert_string_equal(text, "12345fgh");
	assert_int_equal(iov_bytes(&list), 8);
}

static void putting_too_much_says_what_fitted(void **state)
{
	(void)state;
	list.count = 2;
	assert_int_equal(iov_put(&list, "12345678", 8), 4);
	assert_string_equal(text, "1234efgh");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_list_has_no_bytes, setup),
		cmocka_unit_test_setup(bytes_are_summed_beyond_4_gib, setup),
		cmocka_unit_test_setup(
			skipping_within_an_element_keeps_it, setup),
		cmocka_unit_test_setup(
			skipping_to_a_boundary_leaves_no_empty_element, setup),
		cmocka_unit_test_setup(
			skipping_too_much_says_how_much_there_was, setup),
		cmocka_unit_test_setup(taking_crosses_elements, setup),
		cmocka_unit_test_setup(
			taking_more_than_there_is_changes_nothing, setup),
		cmocka_unit_test_setup(
			taking_everything_empties_the_list, setup),
		cmocka_unit_test_setup(the_last_byte_may_end_an_element, setup),
		cmocka_unit_test_setup(putting_fills_elements_in_order, setup),
		cmocka_unit_test_setup(
			putting_too_much_says_what_fitted, setup),
	};

	return cmocka_run_group_tests_name("iov", tests, NULL, NULL);
}
