/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - what listeners hear, and in which form */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <time.h>

#include "vmm/events.h"

struct ear {
	struct event_listener listener;
	struct events *leaves; /* with the first line */
	unsigned heard;
	char line[256];
};

static void hear(struct event_listener *listener, const char *line, size_t len)
{
	struct ear *ear = container_of(listener, struct ear, listener);

	ear->heard++;
	assert_true(len < sizeof(ear->line));
	memcpy(ear->line, line, len);
	ear->line[len] = '\0';
	if (ear->leaves)
		events_unlisten(ear->leaves, listener);
}

#define EAR                                 \
	{                                   \
		.listener = {.hear = hear } \
	}

static void a_line_has_version_time_name_and_members_in_this_order(void **state)
{
	struct events events = { 0 };
	struct ear ear = EAR;
	uint64_t before = (uint64_t)time(NULL) * 1000000000, after, told;
	char shown[256];

	(void)state;
	events_listen(&events, &ear.listener);
	events_post(&events, "state", json_pack("{s:s}", "state", "Running"));
	after = ((uint64_t)time(NULL) + 1) * 1000000000;
	assert_int_equal(
		sscanf(ear.line, "{\"version\":1,\"time_ns\":%lu,", &told), 1);
	assert_in_range(told, before, after);
	snprintf(shown, sizeof(shown),
		"{\"version\":1,\"time_ns\":%lu,\"event\":\"state\","
		"\"state\":\"Running\"}\n",
		told);
	assert_string_equal(ear.line, shown);
}

static void an_event_may_have_no_members(void **state)
{
	struct events events = { 0 };
	struct ear ear = EAR;

	(void)state;
	events_listen(&events, &ear.listener);
	events_post(&events, "guest_panic", NULL);
	assert_non_null(strstr(ear.line, ",\"event\":\"guest_panic\"}\n"));
}

static void everybody_who_listens_hears_and_nobody_else(void **state)
{
	struct events events = { 0 };
	struct ear one = EAR, two = EAR;

	(void)state;
	events_post(&events, "a", json_object());
	events_listen(&events, &one.listener);
	events_post(&events, "b", NULL);
	events_listen(&events, &two.listener);
	events_post(&events, "c", NULL);
	events_unlisten(&events, &one.listener);
	events_unlisten(&events, &one.listener);
	events_post(&events, "d", NULL);
	assert_int_equal(one.heard, 2);
	assert_int_equal(two.heard, 2);
}

static void a_listener_may_leave_while_it_hears(void **state)
{
	struct events events = { 0 };
	struct ear one = EAR, two = EAR, three = EAR;

	(void)state;
	two.leaves = &events;
	events_listen(&events, &one.listener);
	events_listen(&events, &two.listener);
	events_listen(&events, &three.listener);
	events_post(&events, "a", NULL);
	events_post(&events, "b", NULL);
	assert_int_equal(one.heard, 2);
	assert_int_equal(two.heard, 1);
	assert_int_equal(three.heard, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_line_has_version_time_name_and_members_in_this_order),
		cmocka_unit_test(an_event_may_have_no_members),
		cmocka_unit_test(everybody_who_listens_hears_and_nobody_else),
		cmocka_unit_test(a_listener_may_leave_while_it_hears),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
