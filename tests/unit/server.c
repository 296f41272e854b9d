/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - requests as good clients send them, on many connections */
#include "tests/unit/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/un.h>

/* ---- requests ---- */

static void answers_and_keeps_the_connection(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);

	for (int i = 0; i < 3; i++) {
		client_say(fd, PUT);
		stage_turn(stage);
		client_expect(fd, 1, "{\"target\":\"/two\",\"body\":\"abc\"}");
	}
	close(fd);
}

static void answers_a_request_that_comes_byte_by_byte(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);

	for (const char *c = PUT; *c; c++) {
		const char byte[] = { *c, '\0' };

		assert_int_equal(stage->handled, 0);
		client_say(fd, byte);
		run_for(stage->loop, MS / 10);
	}
	client_expect(fd, 1, "abc");
	close(fd);
}

static void answers_pipelined_requests_in_order(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);
	bool end;
	const char *text;

	client_say(fd, GET PUT GET);
	stage_turn(stage);
	text = client_heard(fd, &end);
	assert_int_equal(text_count(text, FINE), 3);
	assert_true(strstr(text, "/one") < strstr(text, "/two"));
	assert_non_null(strstr(strstr(text, "/two"), "/one"));
	close(fd);
}

static void lets_others_in_between_many_pipelined_requests(void **state)
{
	struct stage *stage = *state;
	int greedy = stage_join(stage), other = stage_join(stage);

	for (int i = 0; i < 200; i++)
		client_say(greedy, GET);
	client_say(other, PUT);
	run_for(stage->loop, 50 * TURN_NS);
	assert_int_equal(stage->handled, 201);
	assert_true(stage->put_at < 100);
	client_expect(greedy, 200, "/one");
	client_expect(other, 1, "/two");
	close(greedy);
	close(other);
}

static void tells_a_waiting_client_to_continue(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);

	client_say(fd, "PUT /x HTTP/1.1\r\nExpect: 100-continue\r\n"
		       "Content-Length: 3\r\n\r\n");
	stage_turn(stage);
	client_expect(fd, 1, "HTTP/1.1 100 Continue\r\n\r\n");
	client_say(fd, "xyz");
	stage_turn(stage);
	client_expect(fd, 1, "xyz");
	close(fd);
}

static void closes_when_asked_to(void **state)
{
	struct stage *stage = *state;
	int fd = stage_join(stage);

	client_say(fd, "GET /one HTTP/1.1\r\nConnection: close\r\n\r\n" GET);
	stage_turn(stage);
	client_expect(fd, 1, "Connection: close\r\n");
	assert_int_equal(stage->handled, 1);
	client_expect_end(fd);
	stage_turn(stage);
	assert_int_equal(server_connections(stage->server), 0);
}

/* ---- many ---- */

static void turns_the_eleventh_client_away(void **state)
{
	struct stage *stage = *state;
	int fd[SERVER_CONNECTIONS_MAX], one_more;

	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = stage_join(stage);
	one_more = stage_join(stage);
	client_expect(one_more, 1, "HTTP/1.1 503 Service Unavailable");
	client_expect_end(one_more);
	client_say(fd[9], GET);
	stage_turn(stage);
	client_expect(fd[9], 1, FINE);
	close(fd[0]);
	stage_turn(stage);
	one_more = stage_join(stage);
	client_say(one_more, GET);
	stage_turn(stage);
	client_expect(one_more, 1, FINE);
	for (unsigned i = 1; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	close(one_more);
}

static void serves_a_socket_by_its_name(void **state)
{
	static const char path[] = "server.sock";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stage *stage = stage_new(path);
	int fd[3];

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(
			connect(fd[i], (void *)&address, sizeof(address)), 0);
		client_say(fd[i], GET);
	}
	stage_turn(stage);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
		client_expect(fd[i], 1, FINE);
		close(fd[i]);
	}
	stage_teardown((void **)&stage);
	assert_int_equal(access(path, F_OK), -1);
}

/* The loop goes on to accept when there are descriptors again. */
static void accepts_later_what_it_cannot_now(void **state)
{
	static const char path[] = "server.sock";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stage *stage = stage_new(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct rlimit limit, none;
	int next;

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(fd, (void *)&address, sizeof(address)), 0);
	client_say(fd, GET);
	getrlimit(RLIMIT_NOFILE, &limit);
	next = dup(fd); /* one more, for run_for()'s timer */
	close(next);
	none = (struct rlimit){ (rlim_t)next + 1, limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	stage_turn(stage);
	setrlimit(RLIMIT_NOFILE, &limit);
	run_for(stage->loop, 1200 * MS);
	client_expect(fd, 1, FINE);
	close(fd);
	stage_teardown((void **)&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STAGE(answers_and_keeps_the_connection),
		ON_STAGE(answers_a_request_that_comes_byte_by_byte),
		ON_STAGE(answers_pipelined_requests_in_order),
		ON_STAGE(lets_others_in_between_many_pipelined_requests),
		ON_STAGE(tells_a_waiting_client_to_continue),
		ON_STAGE(closes_when_asked_to),
		ON_STAGE(turns_the_eleventh_client_away),
		cmocka_unit_test(serves_a_socket_by_its_name),
		cmocka_unit_test(accepts_later_what_it_cannot_now),
	};
	char folder[] = "/tmp/muster-server-XXXXXX";
	int rc;

	if (!mkdtemp(folder) || chdir(folder))
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	return rmdir(folder) ? 1 : rc;
}
