/* SPDX-License-Identifier: Apache-2.0 */
/* server_bad.c - clients that break the rules, leave early, or take their time */
#include "tests/unit/stage.h"

/* ---- bad clients ---- */

static void refuses_what_is_no_request(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);

	client_say(fd, GET "nonsense\r\n\r\n" GET);
	stage_turn(stage);
	client_expect(fd, 2, "{\"fault_message\":");
	assert_int_equal(stage->handled, 1);
	client_expect_end(fd);
}

static void lets_a_client_finish_what_is_refused(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);

	client_say(fd, "PUT / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n");
	stage_turn(stage);
	client_say(fd, "the body that nobody wants"); /* without EPIPE */
	stage_turn(stage);
	client_expect(fd, 1, "1001 bytes; at most 1000");
	client_expect_end(fd);
}

static void forgets_a_client_that_leaves_in_a_request(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);

	client_say(fd, "PUT /two HTTP/1.1\r\nContent-Length: 3\r\n\r\na");
	stage_turn(stage);
	assert_int_equal(server_connections(stage->server), 1);
	close(fd);
	stage_turn(stage);
	assert_int_equal(server_connections(stage->server), 0);
	assert_int_equal(stage->handled, 0);
}

static void forgets_a_client_that_leaves_in_a_reply(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);

	stage->big = true;
	client_say(fd, GET GET);
	stage_turn(stage);
	assert_int_equal(stage->handled, 1);
	close(fd);
	stage_turn(stage);
	assert_int_equal(server_connections(stage->server), 0);
	assert_int_equal(stage->handled, 1);
}

static void answers_a_client_that_has_said_all(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);

	client_say(fd, PUT);
	shutdown(fd, SHUT_WR);
	stage_turn(stage);
	client_expect(fd, 1, "abc");
	client_expect_end(fd);
	assert_int_equal(server_connections(stage->server), 0);
}

static void sends_a_reply_as_the_client_takes_it(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);
	size_t total = 0;
	bool end = false;

	stage->big = true;
	client_say(fd, GET);
	for (int i = 0; i < 1000 && total < BIG_BYTES; i++) {
		run_for(stage->loop, MS / 10);
		total += strlen(client_heard(fd, &end));
		assert_false(end);
	}
	stage->big = false;
	client_say(fd, PUT);
	stage_turn(stage);
	while (!end && total < BIG_BYTES + 1000) {
		const char *text = client_heard(fd, &end);

		total += strlen(text);
		if (strstr(text, "abc"))
			break;
		stage_turn(stage);
	}
	assert_int_equal(stage->handled, 2);
	close(fd);
}

/* ---- time ---- */

static void ends_a_request_that_takes_too_long(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);

	/* A byte now and then does not help. */
	for (const char *c = "GET / HTTP"; *c; c++) {
		const char byte[] = { *c, '\0' };

		client_say(fd, byte);
		run_for(stage->loop, SLOW_MS * MS / 8);
	}
	client_expect(fd, 1, "HTTP/1.1 408 Request Timeout");
	client_expect_end(fd);
}

static void drops_a_client_that_does_not_take_its_reply(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);

	stage->big = true;
	client_say(fd, GET);
	run_for(stage->loop, 2 * SLOW_MS * MS);
	assert_int_equal(server_connections(stage->server), 0);
	close(fd);
}

static void drops_a_client_that_says_nothing(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);

	run_for(stage->loop, 2 * SLOW_MS * MS);
	assert_int_equal(server_connections(stage->server), 1);
	run_for(stage->loop, 2 * SLOW_MS * MS);
	assert_int_equal(server_connections(stage->server), 0);
	client_expect_end(fd);
}

/* The second client's request was there while the first one's was handled. */
static void does_not_count_the_time_of_others(void **state)
{
	struct stage *stage = *state;
	int first = stage_join(stage), second = stage_join(stage);

	stage->handler_ns = 2 * SLOW_MS * MS;
	client_say(second, "PUT /two HTTP/1.1\r\nContent-Length: 3\r\n\r\n");
	stage_turn(stage);
	client_say(first, GET);
	client_say(second, "abc");
	run_for(stage->loop, 10 * SLOW_MS * MS);
	client_expect(second, 1, "abc");
	close(first);
	close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STAGE(refuses_what_is_no_request),
		ON_STAGE(lets_a_client_finish_what_is_refused),
		ON_STAGE(forgets_a_client_that_leaves_in_a_request),
		ON_STAGE(forgets_a_client_that_leaves_in_a_reply),
		ON_STAGE(answers_a_client_that_has_said_all),
		ON_STAGE(sends_a_reply_as_the_client_takes_it),
		ON_STAGE(ends_a_request_that_takes_too_long),
		ON_STAGE(drops_a_client_that_does_not_take_its_reply),
		ON_STAGE(drops_a_client_that_says_nothing),
		ON_STAGE(does_not_count_the_time_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
