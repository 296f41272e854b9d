/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd.c - questions to many servers, by poll()
 *
 * All requests are written before the first answer is waited for, so that the servers
 * work at the same time.
 */
#include "vmm/api/crowd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "vmm/api/reply.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/thread.h"

#define ANSWER_MAX MIB

static void forget_answer(struct crowd_member *m)
{
	json_decref(m->body);
	m->body = NULL;
	free(m->fault);
	m->fault = NULL;
	m->rc = 0;
}

static void hang_up(struct crowd_member *m)
{
	if (m->fd >= 0)
		close_fd(steal_fd(&m->fd));
	m->waiting = false;
}

int crowd_init(struct crowd *crowd, char *const paths[], unsigned count)
{
	*crowd = (struct crowd){
		.member = calloc(count + 1, sizeof(*crowd->member)),
	};
	if (!crowd->member)
		return err_set(-ENOMEM, "no memory for %u sockets", count);
	for (unsigned i = 0; i < count; i++) {
		struct crowd_member *m = &crowd->member[i];

		m->path = paths[i];
		m->fd = -1;
		m->reader = http_reader_new(HTTP_OF_SERVER, ANSWER_MAX);
		crowd->count++;
		if (!m->reader)
			return err_set(
				-ENOMEM, "no memory for %u sockets", count);
	}
	return 0;
}

void crowd_fini(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->count; i++) {
		struct crowd_member *m = &crowd->member[i];

		hang_up(m);
		forget_answer(m);
		http_reader_free(m->reader);
		buf_fini(&m->out);
	}
	free(crowd->member);
	*crowd = (struct crowd){ 0 };
}

/* ---- one member ---- */

/* The answer is this error; its sentence is err_set()'s. */
static void fail(struct crowd_member *m, int rc)
{
	hang_up(m);
	m->rc = rc;
	m->fault = strdup(err_describe(rc));
}

static int connect_to(struct crowd_member *m)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP_CLOSE int fd = socket(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_set(-errno, "socket: %s", strerror(errno));
	if (strlen(m->path) >= sizeof(address.sun_path))
		return err_set(-ENAMETOOLONG, "too long for a socket");
	strcpy(address.sun_path, m->path);
	if (connect(fd, (const void *)&address, sizeof(address)))
		return err_set(-errno, "cannot connect: %s", strerror(errno));
	m->fd = steal_fd(&fd);
	http_reader_reset(m->reader);
	return 0;
}

static void put_request(
	struct crowd_member *m, const struct crowd_question *q, unsigned index)
{
	CLEANUP(buf_fini) struct buf body = BUF_INIT;

	if (q->put_body)
		q->put_body(q->ctx, index, &body);
	m->out.len = 0;
	m->out.failed = body.failed;
	buf_printf(&m->out, "%s %s HTTP/1.1\r\nHost: localhost\r\n",
		api_method_names[q->method], q->target);
	if (q->put_body)
		buf_printf(&m->out,
			"Content-Type: application/json\r\n"
			"Content-Length: %zu\r\n",
			body.len);
	buf_printf(&m->out, "\r\n");
	buf_append(&m->out, body.data, body.len);
	m->sent = 0;
}

/* A server that has closed may have said why: that is read then. */
static void send_some(struct crowd_member *m)
{
	ssize_t n = send(m->fd, m->out.data + m->sent, m->out.len - m->sent,
		MSG_NOSIGNAL);

	if (n >= 0)
		m->sent += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		m->sent = m->out.len;
}

static void begin(
	struct crowd_member *m, const struct crowd_question *q, unsigned index)
{
	int rc = 0;

	forget_answer(m);
	m->asked_ns = now_ns();
	if (m->fd < 0)
		rc = connect_to(m);
	if (!rc) {
		put_request(m, q, index);
		if (m->out.failed)
			rc = err_set(-ENOMEM, "no memory for a request");
	}
	if (rc) {
		fail(m, rc);
		return;
	}
	m->waiting = true;
	send_some(m);
}

static void take_answer(struct crowd_member *m)
{
	const struct http_message *answer = http_reader_message(m->reader);
	const char *sentence;

	m->waiting = false;
	m->answered_ns = now_ns();
	m->body = json_loads(answer->body ? answer->body : "", 0, NULL);
	if (answer->status == STATUS_FINE ||
		answer->status == STATUS_NO_CONTENT) {
		if (!answer->keep_alive)
			hang_up(m);
		return;
	}
	sentence = json_string_value(json_object_get(m->body, "fault_message"));
	m->rc = err_set(-EREMOTEIO, "%s",
		sentence ? sentence : "it refuses and gives no reason");
	m->fault = strdup(err_text());
	if (!answer->keep_alive)
		hang_up(m);
}

/* Returns whether to go on reading. */
static bool receive_some(struct crowd_member *m)
{
	char data[16384];
	ssize_t n = recv(m->fd, data, sizeof(data), 0);
	size_t used;
	int rc;

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		fail(m, err_set(-ECONNRESET, "it ended before it answered"));
		return false;
	}
	rc = http_read(m->reader, data, (size_t)n, &used);
	if (rc < 0)
		fail(m, rc);
	else if (rc == HTTP_DONE)
		take_answer(m);
	return m->waiting;
}

/* ---- all ---- */

static unsigned collect_polls(const struct crowd *crowd, struct pollfd *polls)
{
	unsigned waiting = 0;

	for (unsigned i = 0; i < crowd->count; i++) {
		const struct crowd_member *m = &crowd->member[i];

		polls[i] = (struct pollfd){
			.fd = m->waiting ? m->fd : -1,
			.events = m->sent < m->out.len ? POLLIN | POLLOUT
						       : POLLIN,
		};
		waiting += m->waiting;
	}
	return waiting;
}

static void serve(struct crowd_member *m, short events)
{
	if (events & POLLOUT)
		send_some(m);
	if (events & (POLLIN | POLLHUP | POLLERR))
		while (receive_some(m))
			;
}

/* Milliseconds for poll(), rounded up so that it does not spin at the end. */
static int time_left(uint64_t until_ns)
{
	uint64_t now = now_ns();
	uint64_t left = until_ns > now ? until_ns - now : 0;

	return (int)MIN((left + 999999) / 1000000, 1000000);
}

static void give_up(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->count; i++) {
		struct crowd_member *m = &crowd->member[i];

		if (m->waiting)
			fail(m, err_set(-ETIMEDOUT,
					"does not answer within %.1f s",
					(double)(now_ns() - m->asked_ns) /
						1e9));
	}
}

static void wait_for_all(
	struct crowd *crowd, struct pollfd *polls, uint64_t until_ns)
{
	while (collect_polls(crowd, polls)) {
		int ready = poll(polls, crowd->count, time_left(until_ns));

		if (ready <= 0 && now_ns() >= until_ns)
			break;
		for (unsigned i = 0; ready > 0 && i < crowd->count; i++)
			if (polls[i].revents)
				serve(&crowd->member[i], polls[i].revents);
	}
	give_up(crowd);
}

unsigned crowd_ask(struct crowd *crowd, const struct crowd_question *question)
{
	CLEANUP_FREE struct pollfd *polls = calloc(
		crowd->count + 1, sizeof(*polls));
	unsigned failed = 0;

	for (unsigned i = 0; i < crowd->count; i++)
		if (crowd->member[i].asked)
			begin(&crowd->member[i], question, i);
	if (polls)
		wait_for_all(crowd, polls, question->until_ns);
	else
		give_up(crowd);
	for (unsigned i = 0; i < crowd->count; i++)
		failed += crowd->member[i].asked && crowd->member[i].rc;
	return failed;
}
