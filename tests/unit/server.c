/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c - clients good and bad at the other end of a socketpair
 *
 * Client and server share a thread: the client sends, the loop runs for a while,
 * the client looks at what came.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/loop.h"
#include "vmm/api/server.h"

#define GET       "GET /one HTTP/1.1\r\n\r\n"
#define PUT       "PUT /two HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
#define FINE      "HTTP/1.1 200 OK\r\n"
#define TURN_NS   (2 * MS)
#define SLOW_MS   40
#define BIG_BYTES (4 * MIB)

struct stage {
	struct loop *loop;
	struct server *server;
	unsigned handled;
	unsigned put_at; /* which one of them was the PUT */
	bool big;        /* replies of BIG_BYTES */
	uint64_t handler_ns;
};

static void sleep_ns(uint64_t ns)
{
	usleep((useconds_t)(ns / 1000));
}

/* Says back what it was asked. */
static void handle(
	void *owner, const struct http_message *request, struct reply *reply)
{
	struct stage *stage = owner;

	stage->handled++;
	if (request->method == API_PUT)
		stage->put_at = stage->handled;
	sleep_ns(stage->handler_ns);
	reply_json(reply, json_pack("{s:s, s:s}", "target", request->target,
				  "body", request->body ? request->body : ""));
	if (stage->big)
		buf_fill(&reply->body, ' ', BIG_BYTES);
}

static struct stage *stage_new(const char *path)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	const struct server_options options = {
		.path = path,
		.label = "--control ",
		.body_max = 1000,
		.request_ms = SLOW_MS,
		.reply_ms = SLOW_MS,
		.idle_ms = 3 * SLOW_MS,
		.handle = handle,
		.owner = stage,
	};

	assert_int_equal(loop_new(LOOP_EPOLL, &stage->loop), 0);
	assert_int_equal(server_new(stage->loop, &options, &stage->server), 0);
	return stage;
}

static int setup(void **state)
{
	*state = stage_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	struct stage *stage = *state;

	server_free(stage->server);
	loop_free(stage->loop);
	free(stage);
	return 0;
}

/* ---- a client ---- */

static int join(struct stage *stage)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	server_add(stage->server, fd[1]);
	return fd[0];
}

static void say(int fd, const char *text)
{
	ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL);

	assert_int_equal(n, strlen(text));
}

static void turn(struct stage *stage)
{
	run_for(stage->loop, TURN_NS);
}

/* What has come, as text; `ret_end` says whether the server has closed. */
static const char *heard(int fd, bool *ret_end)
{
	static char text[65536];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	*ret_end = !n || (n < 0 && errno == ECONNRESET);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

static void expect(int fd, unsigned replies, const char *word)
{
	bool end;
	const char *text = heard(fd, &end);

	assert_false(end);
	assert_int_equal(
		count(text, "HTTP/1.1 100") + count(text, "Server: "), replies);
	assert_non_null(strstr(text, word));
}

static void expect_end(int fd)
{
	bool end;

	heard(fd, &end);
	assert_true(end);
	close(fd);
}

/* ---- requests ---- */

static void answers_and_keeps_the_connection(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);

	for (int i = 0; i < 3; i++) {
		say(fd, PUT);
		turn(stage);
		expect(fd, 1, "{\"target\":\"/two\",\"body\":\"abc\"}");
	}
	close(fd);
}

static void answers_a_request_that_comes_byte_by_byte(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);

	for (const char *c = PUT; *c; c++) {
		const char byte[] = { *c, '\0' };

		assert_int_equal(stage->handled, 0);
		say(fd, byte);
		run_for(stage->loop, MS / 10);
	}
	expect(fd, 1, "abc");
	close(fd);
}

static void answers_pipelined_requests_in_order(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);
	bool end;
	const char *text;

	say(fd, GET PUT GET);
	turn(stage);
	text = heard(fd, &end);
	assert_int_equal(count(text, FINE), 3);
	assert_true(strstr(text, "/one") < strstr(text, "/two"));
	assert_non_null(strstr(strstr(text, "/two"), "/one"));
	close(fd);
}

static void lets_others_in_between_many_pipelined_requests(void **state)
{
	struct stage *stage = *state;
	int greedy = join(stage), other = join(stage);

	for (int i = 0; i < 200; i++)
		say(greedy, GET);
	say(other, PUT);
	run_for(stage->loop, 50 * TURN_NS);
	assert_int_equal(stage->handled, 201);
	assert_true(stage->put_at < 100);
	expect(greedy, 200, "/one");
	expect(other, 1, "/two");
	close(greedy);
	close(other);
}

static void tells_a_waiting_client_to_continue(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);

	say(fd, "PUT /x HTTP/1.1\r\nExpect: 100-continue\r\n"
		"Content-Length: 3\r\n\r\n");
	turn(stage);
	expect(fd, 1, "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "xyz");
	turn(stage);
	expect(fd, 1, "xyz");
	close(fd);
}

static void closes_when_asked_to(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);

	say(fd, "GET /one HTTP/1.1\r\nConnection: close\r\n\r\n" GET);
	turn(stage);
	expect(fd, 1, "Connection: close\r\n");
	assert_int_equal(stage->handled, 1);
	expect_end(fd);
	turn(stage);
	assert_int_equal(server_connections(stage->server), 0);
}

/* ---- bad clients ---- */

static void refuses_what_is_no_request(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);

	say(fd, GET "nonsense\r\n\r\n" GET);
	turn(stage);
	expect(fd, 2, "{\"fault_message\":");
	assert_int_equal(stage->handled, 1);
	expect_end(fd);
}

static void lets_a_client_finish_what_is_refused(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);

	say(fd, "PUT / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n");
	turn(stage);
	say(fd, "the body that nobody wants"); /* without EPIPE */
	turn(stage);
	expect(fd, 1, "1001 bytes; at most 1000");
	expect_end(fd);
}

static void forgets_a_client_that_leaves_in_a_request(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);

	say(fd, "PUT /two HTTP/1.1\r\nContent-Length: 3\r\n\r\na");
	turn(stage);
	assert_int_equal(server_connections(stage->server), 1);
	close(fd);
	turn(stage);
	assert_int_equal(server_connections(stage->server), 0);
	assert_int_equal(stage->handled, 0);
}

static void forgets_a_client_that_leaves_in_a_reply(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);

	stage->big = true;
	say(fd, GET GET);
	turn(stage);
	assert_int_equal(stage->handled, 1);
	close(fd);
	turn(stage);
	assert_int_equal(server_connections(stage->server), 0);
	assert_int_equal(stage->handled, 1);
}

static void answers_a_client_that_has_said_all(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);

	say(fd, PUT);
	shutdown(fd, SHUT_WR);
	turn(stage);
	expect(fd, 1, "abc");
	expect_end(fd);
	assert_int_equal(server_connections(stage->server), 0);
}

static void sends_a_reply_as_the_client_takes_it(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);
	size_t total = 0;
	bool end = false;

	stage->big = true;
	say(fd, GET);
	for (int i = 0; i < 1000 && total < BIG_BYTES; i++) {
		run_for(stage->loop, MS / 10);
		total += strlen(heard(fd, &end));
		assert_false(end);
	}
	stage->big = false;
	say(fd, PUT);
	turn(stage);
	while (!end && total < BIG_BYTES + 1000) {
		const char *text = heard(fd, &end);

		total += strlen(text);
		if (strstr(text, "abc"))
			break;
		turn(stage);
	}
	assert_int_equal(stage->handled, 2);
	close(fd);
}

/* ---- time ---- */

static void ends_a_request_that_takes_too_long(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);

	/* A byte now and then does not help. */
	for (const char *c = "GET / HTTP"; *c; c++) {
		const char byte[] = { *c, '\0' };

		say(fd, byte);
		run_for(stage->loop, SLOW_MS * MS / 8);
	}
	expect(fd, 1, "HTTP/1.1 408 Request Timeout");
	expect_end(fd);
}

static void drops_a_client_that_does_not_take_its_reply(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);

	stage->big = true;
	say(fd, GET);
	run_for(stage->loop, 2 * SLOW_MS * MS);
	assert_int_equal(server_connections(stage->server), 0);
	close(fd);
}

static void drops_a_client_that_says_nothing(void **state)
{
	struct stage *stage = *state;
	int fd = join(stage);

	run_for(stage->loop, 2 * SLOW_MS * MS);
	assert_int_equal(server_connections(stage->server), 1);
	run_for(stage->loop, 2 * SLOW_MS * MS);
	assert_int_equal(server_connections(stage->server), 0);
	expect_end(fd);
}

/* The second client's request was there while the first one's was handled. */
static void does_not_count_the_time_of_others(void **state)
{
	struct stage *stage = *state;
	int first = join(stage), second = join(stage);

	stage->handler_ns = 2 * SLOW_MS * MS;
	say(second, "PUT /two HTTP/1.1\r\nContent-Length: 3\r\n\r\n");
	turn(stage);
	say(first, GET);
	say(second, "abc");
	run_for(stage->loop, 10 * SLOW_MS * MS);
	expect(second, 1, "abc");
	close(first);
	close(second);
}

/* ---- many ---- */

static void turns_the_eleventh_client_away(void **state)
{
	struct stage *stage = *state;
	int fd[SERVER_CONNECTIONS_MAX], one_more;

	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = join(stage);
	one_more = join(stage);
	expect(one_more, 1, "HTTP/1.1 503 Service Unavailable");
	expect_end(one_more);
	say(fd[9], GET);
	turn(stage);
	expect(fd[9], 1, FINE);
	close(fd[0]);
	turn(stage);
	one_more = join(stage);
	say(one_more, GET);
	turn(stage);
	expect(one_more, 1, FINE);
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
		say(fd[i], GET);
	}
	turn(stage);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
		expect(fd[i], 1, FINE);
		close(fd[i]);
	}
	teardown((void **)&stage);
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
	say(fd, GET);
	getrlimit(RLIMIT_NOFILE, &limit);
	next = dup(fd); /* one more, for run_for()'s timer */
	close(next);
	none = (struct rlimit){ (rlim_t)next + 1, limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	turn(stage);
	setrlimit(RLIMIT_NOFILE, &limit);
	run_for(stage->loop, 1200 * MS);
	expect(fd, 1, FINE);
	close(fd);
	teardown((void **)&stage);
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STAGE(answers_and_keeps_the_connection),
		ON_STAGE(answers_a_request_that_comes_byte_by_byte),
		ON_STAGE(answers_pipelined_requests_in_order),
		ON_STAGE(lets_others_in_between_many_pipelined_requests),
		ON_STAGE(tells_a_waiting_client_to_continue),
		ON_STAGE(closes_when_asked_to),
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
