/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.c - many servers are asked at once; here each is a thread with a fixed answer */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/api/crowd.h"
#include "vmm/base/thread.h"

#define SERVERS   3
#define SECOND_NS ((uint64_t)1000000000)

#define FINE      "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"n\": 7}"
#define REFUSE                                                   \
	"HTTP/1.1 400 Bad Request\r\nContent-Length: 24\r\n\r\n" \
	"{\"fault_message\": \"no.\"}"

/* A listening socket and what it says to each request; "" is nothing. */
static struct one {
	char path[64];
	int fd;
	const char *_Atomic answer;
	atomic_uint accepted;
	pthread_t thread;
} one[SERVERS];

static char *paths[SERVERS];
static struct crowd crowd;

static void serve_client(struct one *s, int client)
{
	char request[1024];

	while (recv(client, request, sizeof(request), 0) > 0) {
		const char *answer = s->answer;

		if (send(client, answer, strlen(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	close(client);
}

static void *serve(void *arg)
{
	struct one *s = arg;
	int client;

	while ((client = accept(s->fd, NULL, NULL)) >= 0) {
		s->accepted++;
		if (s->answer)
			serve_client(s, client);
		else
			close(client);
	}
	return NULL;
}

static void start(unsigned i, const char *answer)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct one *s = &one[i];

	snprintf(s->path, sizeof(s->path), "/tmp/crowd-%d-%u", getpid(), i);
	paths[i] = s->path;
	strcpy(address.sun_path, s->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	s->answer = answer;
	s->accepted = 0;
	assert_int_equal(
		bind(s->fd, (const void *)&address, sizeof(address)), 0);
	assert_int_equal(listen(s->fd, 8), 0);
	assert_int_equal(thread_start(&s->thread, "server", serve, s), 0);
}

static int setup(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SERVERS; i++)
		start(i, FINE);
	return crowd_init(&crowd, paths, SERVERS);
}

static int teardown(void **state)
{
	(void)state;
	crowd_fini(&crowd);
	for (unsigned i = 0; i < SERVERS; i++) {
		shutdown(one[i].fd, SHUT_RDWR);
		pthread_join(one[i].thread, NULL);
		close(one[i].fd);
		unlink(one[i].path);
	}
	return 0;
}

static unsigned ask(uint64_t ns)
{
	const struct crowd_question question = {
		.method = API_GET,
		.target = "/vm",
		.until_ns = now_ns() + ns,
	};

	for (unsigned i = 0; i < SERVERS; i++)
		crowd.member[i].asked = true;
	return crowd_ask(&crowd, &question);
}

static json_int_t n_of(unsigned i)
{
	return json_integer_value(json_object_get(crowd.member[i].body, "n"));
}

static void everybody_is_heard(void **state)
{
	(void)state;
	assert_int_equal(ask(10 * SECOND_NS), 0);
	for (unsigned i = 0; i < SERVERS; i++) {
		assert_int_equal(n_of(i), 7);
		assert_true(crowd.member[i].asked_ns <=
			    crowd.member[i].answered_ns);
	}
}

static void a_connection_serves_for_all_questions(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(ask(10 * SECOND_NS), 0);
	assert_int_equal(one[0].accepted, 1);
}

static void who_refuses_is_quoted(void **state)
{
	(void)state;
	one[1].answer = REFUSE;
	assert_int_equal(ask(10 * SECOND_NS), 1);
	assert_int_equal(crowd.member[1].rc, -EREMOTEIO);
	assert_string_equal(crowd.member[1].fault, "no.");
	assert_int_equal(crowd.member[2].rc, 0);
}

static void who_ends_is_told_of(void **state)
{
	(void)state;
	one[1].answer = NULL;
	assert_int_equal(ask(10 * SECOND_NS), 1);
	assert_int_equal(crowd.member[1].rc, -ECONNRESET);
	assert_int_equal(n_of(0), 7);
}

static void where_nobody_listens_is_told_at_once(void **state)
{
	(void)state;
	shutdown(one[1].fd, SHUT_RDWR);
	assert_int_equal(ask(10 * SECOND_NS), 1);
	assert_int_equal(crowd.member[1].rc, -ECONNREFUSED);
}

static void who_is_silent_is_not_waited_for_longer(void **state)
{
	uint64_t begun = now_ns();

	(void)state;
	one[1].answer = "";
	assert_int_equal(ask(SECOND_NS / 10), 1);
	assert_int_equal(crowd.member[1].rc, -ETIMEDOUT);
	assert_true(now_ns() - begun >= SECOND_NS / 10);
	assert_int_equal(n_of(0), 7);
}

static void a_late_answer_is_not_the_next_one_s(void **state)
{
	(void)state;
	one[1].answer = "";
	assert_int_equal(ask(SECOND_NS / 10), 1);
	one[1].answer = FINE;
	assert_int_equal(ask(10 * SECOND_NS), 0);
	assert_int_equal(one[1].accepted, 2);
	assert_int_equal(n_of(1), 7);
}

static void who_is_not_asked_keeps_its_answer(void **state)
{
	const struct crowd_question question = {
		.method = API_GET,
		.target = "/vm",
		.until_ns = now_ns() + 10 * SECOND_NS,
	};

	(void)state;
	assert_int_equal(ask(10 * SECOND_NS), 0);
	one[1].answer = REFUSE;
	crowd.member[1].asked = false;
	assert_int_equal(crowd_ask(&crowd, &question), 0);
	assert_int_equal(n_of(1), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everybody_is_heard),
		TEST(a_connection_serves_for_all_questions),
		TEST(who_refuses_is_quoted),
		TEST(who_ends_is_told_of),
		TEST(where_nobody_listens_is_told_at_once),
		TEST(who_is_silent_is_not_waited_for_longer),
		TEST(a_late_answer_is_not_the_next_one_s),
		TEST(who_is_not_asked_keeps_its_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
