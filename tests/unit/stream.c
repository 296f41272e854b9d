/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - clients that hear events: in order, to the end, and as fast as they read */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/stage.h"

#define LISTEN "GET /events HTTP/1.1\r\n\r\n"

/* More than a socket and a queue take of what is not read. */
#define FLOOD  8000

/* What fits into a queue. */
#define BURST  500

static int listen_to(struct stage *stage)
{
	int fd = stage_join(stage);

	client_say(fd, LISTEN);
	stage_turn(stage);
	return fd;
}

static void post(struct stage *stage, const char *name)
{
	events_post(&stage->events, name, NULL);
	stage_turn(stage);
}

static void hears(int fd, const char *word)
{
	bool end;

	assert_non_null(strstr(client_heard(fd, &end), word));
	assert_false(end);
}

static void a_stream_begins_with_the_reply_and_goes_on(void **state)
{
	struct stage *stage = *state;
	int fd = listen_to(stage);
	const char *text;
	bool end;

	text = client_heard(fd, &end);
	assert_int_equal(strncmp(text, FINE, strlen(FINE)), 0);
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Type: text/plain\r\n"));
	assert_null(strstr(text, "Content-Length"));
	assert_non_null(strstr(text, "\r\n\r\nbegin\n"));
	post(stage, "one");
	hears(fd, "\"event\":\"one\"}\n");
	post(stage, "two");
	hears(fd, "\"event\":\"two\"}\n");
	close(fd);
}

static void silence_ends_no_stream(void **state)
{
	struct stage *stage = *state;
	int fd = listen_to(stage);

	hears(fd, "begin");
	run_for(stage->loop, 8 * SLOW_MS * MS);
	post(stage, "late");
	hears(fd, "late");
	close(fd);
}

static void what_a_listener_says_means_nothing(void **state)
{
	struct stage *stage = *state;
	int fd = listen_to(stage);

	client_say(fd, GET GET "nonsense");
	stage_turn(stage);
	post(stage, "one");
	hears(fd, "one");
	assert_int_equal(stage->handled, 1);
	close(fd);
}

static void one_that_leaves_makes_room_for_another(void **state)
{
	struct stage *stage = *state;
	int fd[SERVER_STREAMS_MAX], one_more;

	for (unsigned i = 0; i < SERVER_STREAMS_MAX; i++)
		fd[i] = listen_to(stage);
	one_more = listen_to(stage);
	client_expect(one_more, 1, "HTTP/1.1 503 ");
	client_say(one_more, GET);
	stage_turn(stage);
	client_expect(one_more, 1, FINE);
	close(fd[0]);
	stage_turn(stage);
	client_say(one_more, LISTEN);
	stage_turn(stage);
	post(stage, "one");
	hears(one_more, "one");
	for (unsigned i = 1; i < SERVER_STREAMS_MAX; i++) {
		hears(fd[i], "one");
		close(fd[i]);
	}
	close(one_more);
	stage_turn(stage);
	assert_null(stage->events.listeners);
}

/* Everything that comes, for a while; the last lines of it. */
static const char *read_all(struct stage *stage, int fd, unsigned *ret_lines)
{
	static char last[65536 * 2];
	size_t len = 0;
	bool end = false;

	*ret_lines = 0;
	for (unsigned i = 0; !end && i < 1000; i++) {
		const char *text = client_heard(fd, &end);

		*ret_lines += text_count(text, "\n{");
		if (len > 65536)
			len = 0;
		len += (size_t)snprintf(
			last + len, sizeof(last) - len, "%s", text);
		stage_turn(stage);
	}
	assert_true(end);
	return last;
}

static void one_that_does_not_read_is_told_so_and_dropped(void **state)
{
	struct stage *stage = *state;
	int slow = listen_to(stage), quick = listen_to(stage);
	const char *last;
	unsigned heard = 0, posted = 0, lines;
	bool end;

	while (stage->events.listeners->next && posted < FLOOD) {
		for (unsigned i = 0; i < BURST; i++, posted++)
			events_post(&stage->events, "flood", NULL);
		stage_turn(stage);
		heard += text_count(client_heard(quick, &end), "flood");
		assert_false(end);
	}
	assert_int_equal(heard, posted);
	last = read_all(stage, slow, &lines);
	assert_in_range(lines, BURST, posted - 1);
	assert_non_null(strstr(last, "\"event\":\"dropped\",\"reason\":"));
	assert_int_equal(last[strlen(last) - 1], '\n');
	post(stage, "after");
	hears(quick, "after");
	close(slow);
	close(quick);
}

static void one_that_is_dropped_and_never_reads_is_closed(void **state)
{
	struct stage *stage = *state;
	int fd = listen_to(stage);

	for (unsigned i = 0; i < FLOOD; i++)
		events_post(&stage->events, "flood", NULL);
	stage_turn(stage);
	assert_null(stage->events.listeners);
	run_for(stage->loop, 4 * SLOW_MS * MS);
	assert_int_equal(server_connections(stage->server), 0);
	close(fd);
}

static void the_last_events_come_before_the_servers_end(void **state)
{
	struct stage *stage = *state;
	int fd = listen_to(stage);
	bool end;

	hears(fd, "begin");
	events_post(&stage->events, "end", NULL);
	stage->server = server_free(stage->server);
	assert_null(stage->events.listeners);
	assert_non_null(strstr(client_heard(fd, &end), "\"end\"}\n"));
	client_expect_end(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STAGE(a_stream_begins_with_the_reply_and_goes_on),
		ON_STAGE(silence_ends_no_stream),
		ON_STAGE(what_a_listener_says_means_nothing),
		ON_STAGE(one_that_leaves_makes_room_for_another),
		ON_STAGE(one_that_does_not_read_is_told_so_and_dropped),
		ON_STAGE(one_that_is_dropped_and_never_reads_is_closed),
		ON_STAGE(the_last_events_come_before_the_servers_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
