/* SPDX-License-Identifier: Apache-2.0 */
/* stage.c - a server that says back what it is asked */
#include "tests/unit/stage.h"

#include <errno.h>
#include <stdlib.h>

static void sleep_ns(uint64_t ns)
{
	usleep((useconds_t)(ns / 1000));
}

static void begin_stream(struct stage *stage, struct reply *reply)
{
	buf_printf(&reply->body, "begin\n");
	reply->status = STATUS_FINE;
	reply->type = "text/plain";
	reply->stream = &stage->events;
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
	if (!strcmp(request->target, "/events")) {
		begin_stream(stage, reply);
		return;
	}
	reply_json(reply, json_pack("{s:s, s:s}", "target", request->target,
				  "body", request->body ? request->body : ""));
	if (stage->big)
		buf_fill(&reply->body, ' ', BIG_BYTES);
}

struct stage *stage_new(const char *path)
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

int stage_setup(void **state)
{
	*state = stage_new(NULL);
	return 0;
}

int stage_teardown(void **state)
{
	struct stage *stage = *state;

	server_free(stage->server);
	loop_free(stage->loop);
	free(stage);
	return 0;
}

/* ---- a client ---- */

int stage_join(struct stage *stage)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	server_add(stage->server, fd[1]);
	return fd[0];
}

void client_say(int fd, const char *text)
{
	ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL);

	assert_int_equal(n, strlen(text));
}

void stage_turn(struct stage *stage)
{
	run_for(stage->loop, TURN_NS);
}

const char *client_heard(int fd, bool *ret_end)
{
	static char text[65536];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	*ret_end = !n || (n < 0 && errno == ECONNRESET);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

unsigned text_count(const char *text, const char *word)
{
	unsigned n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

void client_expect(int fd, unsigned replies, const char *word)
{
	bool end;
	const char *text = client_heard(fd, &end);

	assert_false(end);
	assert_int_equal(
		text_count(text, "HTTP/1.1 100") + text_count(text, "Server: "),
		replies);
	assert_non_null(strstr(text, word));
}

void client_expect_end(int fd)
{
	bool end;

	client_heard(fd, &end);
	assert_true(end);
	close(fd);
}
