/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - what listeners hear, and in which form */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <time.h>

#include "tests/unit/loop.h"
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

static void texts_that_are_no_utf8_are_told_in_ascii(void **state)
{
	struct events events = { 0 };
	struct ear ear = EAR;

	(void)state;
	events_listen(&events, &ear.listener);
	events_post(
		&events, "a", json_pack("{s:o}", "b", events_text("\xffx")));
	assert_non_null(strstr(ear.line, "\"b\":\"?x\""));
	events_post(
		&events, "a", json_pack("{s:o}", "b", events_text("\u00fc")));
	assert_non_null(strstr(ear.line, "\"b\":\"\u00fc\""));
}

/* ---- from other threads ---- */

struct reporter {
	struct events events;
	unsigned count;
};

static void *report_many(void *arg)
{
	struct reporter *r = arg;

	for (unsigned i = 0; i < r->count; i++)
		events_report(&r->events, "device_error",
			json_pack("{s:i}", "n", (int)i));
	return NULL;
}

/* So many are reported by another thread before the loop runs. */
static void report_from_thread(struct reporter *r, struct ear *ear)
{
	struct loop *loop;
	pthread_t thread;

	assert_int_equal(loop_new(LOOP_EPOLL, &loop), 0);
	events_init(&r->events, loop);
	events_listen(&r->events, &ear->listener);
	assert_int_equal(pthread_create(&thread, NULL, report_many, r), 0);
	pthread_join(thread, NULL);
	assert_int_equal(ear->heard, 0);
	run_for(loop, 2 * MS);
	events_fini(&r->events);
	loop_free(loop);
}

static void another_threads_report_is_told_by_the_loop(void **state)
{
	struct reporter r = { .count = 3 };
	struct ear ear = EAR;

	(void)state;
	report_from_thread(&r, &ear);
	assert_int_equal(ear.heard, 3);
	assert_non_null(
		strstr(ear.line, ",\"event\":\"device_error\",\"n\":2}\n"));
}

static void reports_beyond_the_room_are_lost_and_counted(void **state)
{
	struct reporter r = { .count = EVENTS_REPORTS_MAX + 4 };
	struct ear ear = EAR;

	(void)state;
	report_from_thread(&r, &ear);
	assert_int_equal(ear.heard, EVENTS_REPORTS_MAX + 1);
	assert_non_null(
		strstr(ear.line, ",\"event\":\"lost\",\"events\":4}\n"));
}

static void reports_that_nobody_will_hear_are_freed(void **state)
{
	struct reporter r = { .count = 2 };
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_new(LOOP_EPOLL, &loop), 0);
	events_init(&r.events, loop);
	report_many(&r);
	events_fini(&r.events);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_line_has_version_time_name_and_members_in_this_order),
		cmocka_unit_test(an_event_may_have_no_members),
		cmocka_unit_test(everybody_who_listens_hears_and_nobody_else),
		cmocka_unit_test(a_listener_may_leave_while_it_hears),
		cmocka_unit_test(texts_that_are_no_utf8_are_told_in_ascii),
		cmocka_unit_test(another_threads_report_is_told_by_the_loop),
		cmocka_unit_test(reports_beyond_the_room_are_lost_and_counted),
		cmocka_unit_test(reports_that_nobody_will_hear_are_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
