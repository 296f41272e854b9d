/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - what users typed: shown safely, compared kindly */
#include "tests/unit/unit.h"

#include <limits.h>

#include "vmm/base/text.h"

static void distance_counts_single_letters(void **state)
{
	(void)state;
	assert_int_equal(text_distance("kernel", "kernel"), 0);
	assert_int_equal(text_distance("kernel", "kernl"), 1);
	assert_int_equal(text_distance("kernel", "kkernel"), 1);
	assert_int_equal(text_distance("kernel", "kernex"), 1);
	assert_int_equal(text_distance("kernel", "kenrel"), 1);
	assert_int_equal(text_distance("", "rng"), 3);
}

static void words_without_bound_are_far_apart(void **state)
{
	static const char wide[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

	(void)state;
	assert_int_equal(text_distance(wide, wide), UINT_MAX);
	assert_false(text_is_near(wide, "cpus"));
}

static void near_is_a_slip_or_a_beginning(void **state)
{
	(void)state;
	assert_true(text_is_near("cpsu", "cpus"));
	assert_true(text_is_near("mem", "memory"));
	assert_false(text_is_near("m", "memory"));
	assert_false(text_is_near("disk", "cpus"));
	assert_false(text_is_near("", "cpus"));
}

static void shown_text_has_no_control_bytes_and_an_end(void **state)
{
	char wide[1000];

	(void)state;
	memset(wide, '\033', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	assert_string_equal(text_shown("a\n\tb\177").s, "a??b?");
	assert_string_equal(text_shown("").s, "\"\"");
	assert_int_equal(strlen(text_shown(wide).s),
		sizeof(((struct text_shown *)0)->s) - 1);
	assert_non_null(strstr(text_shown(wide).s, "???..."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distance_counts_single_letters),
		cmocka_unit_test(words_without_bound_are_far_apart),
		cmocka_unit_test(near_is_a_slip_or_a_beginning),
		cmocka_unit_test(shown_text_has_no_control_bytes_and_an_end),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
