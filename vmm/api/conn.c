/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn.c - one client: requests in, replies out, never waiting
 *
 * Theory of operation: conn_serve() takes one step after the other until one
 * would have to wait: send what there is to send; else handle what was received;
 * else receive.  So a reply is gone before the next request is looked at, and a
 * client that does not take its replies is not read from.  The descriptor is
 * watched for the one thing that is waited for.
 *
 * After the last reply the connection lingers: closed at once, a client that is
 * still sending would meet EPIPE and might never read why.
 */
#include "vmm/api/conn.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"

/* After so many steps it is the others' turn. */
#define STEPS_MAX 32

static void enter(struct conn *conn, enum conn_phase phase)
{
	uint64_t time_ns = conn->server->phase_ns[phase];

	conn->phase = phase;
	conn->deadline_ns = time_ns ? now_ns() + time_ns : NEVER;
	server_wake_at(conn->server, conn->deadline_ns);
}

void conn_close(struct conn *conn)
{
	if (!conn_is_open(conn))
		return;
	stream_end(conn);
	loop_watch_del(conn->server->loop, &conn->watch);
	close_fd(steal_fd(&conn->watch.fd));
	http_reader_reset(conn->reader);
	buf_fini(&conn->out);
	conn->again = false;
}

/* Edge-triggered, and an edge if it is ready already. */
static void wait_for(struct conn *conn, uint32_t events)
{
	struct loop *loop = conn->server->loop;
	int rc;

	if (conn->watch.events == events)
		return;
	loop_watch_del(loop, &conn->watch);
	conn->watch.events = events;
	rc = loop_watch_add(loop, &conn->watch);
	if (rc) {
		log_debug("a client is dropped: %s", err_describe(rc));
		conn_close(conn);
	}
}

/* ---- replies ---- */

static void put_reply(struct conn *conn, const struct reply *reply)
{
	reply_put(reply, !conn->last, &conn->out);
	if (conn->out.failed)
		conn_close(conn);
}

static void put_fault(struct conn *conn, unsigned status, const char *sentence)
{
	CLEANUP(reply_fini) struct reply reply = REPLY_INIT;

	log_debug("a client is refused: %s", sentence);
	reply_fault(&reply, status, sentence);
	conn->last = true;
	put_reply(conn, &reply);
}

static void answer(struct conn *conn)
{
	CLEANUP(reply_fini) struct reply reply = REPLY_INIT;
	const struct http_message *request = http_reader_message(conn->reader);
	const struct server_options *options = &conn->server->options;

	options->handle(options->owner, request, &reply);
	if (reply.stream && stream_check(conn->server))
		reply_fault(&reply, STATUS_FULL, err_text());
	log_info("%s %s: %u", api_method_names[request->method],
		request->target, reply.status);
	conn->last = !request->keep_alive || reply.stream;
	put_reply(conn, &reply);
	if (reply.stream && conn_is_open(conn)) {
		stream_begin(conn, reply.stream);
		enter(conn, CONN_STREAM);
	}
	http_reader_reset(conn->reader);
}

/* Everything has been sent. */
static void reply_is_gone(struct conn *conn)
{
	buf_fini(&conn->out);
	conn->out_at = 0;
	wait_for(conn, POLLIN);
	if (conn->stream)
		return;
	if (conn->last)
		shutdown(conn->watch.fd, SHUT_WR);
	if (conn->last)
		enter(conn, CONN_LINGER);
	else if (!http_reader_is_within(conn->reader))
		enter(conn, CONN_IDLE);
	else if (conn->phase == CONN_REPLY) /* it was "100 Continue" */
		enter(conn, CONN_REQUEST);
}

/* ---- steps: false if there is nothing more to do for now ---- */

static bool send_some(struct conn *conn)
{
	ssize_t n = send(conn->watch.fd, conn->out.data + conn->out_at,
		conn->out.len - conn->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0) {
		conn->out_at += (size_t)n;
		if (conn->out_at == conn->out.len)
			reply_is_gone(conn);
		return true;
	}
	if (errno != EAGAIN && errno != EINTR) {
		conn_close(conn);
		return false;
	}
	if (conn->phase != CONN_REPLY && !conn->stream)
		enter(conn, CONN_REPLY);
	wait_for(conn, POLLOUT);
	return errno == EINTR;
}

static bool receive(struct conn *conn)
{
	ssize_t n = recv(
		conn->watch.fd, conn->input, sizeof(conn->input), MSG_DONTWAIT);

	if (n > 0) {
		conn->input_at = 0;
		conn->input_len = (size_t)n;
		return true;
	}
	/* The end of the stream, in a request or not. */
	if (!n || (errno != EAGAIN && errno != EINTR))
		conn_close(conn);
	return n < 0 && errno == EINTR;
}

static void handle_input(struct conn *conn)
{
	size_t used;
	int rc = http_read(conn->reader, conn->input + conn->input_at,
		conn->input_len - conn->input_at, &used);

	conn->input_at += used;
	if (rc < 0)
		put_fault(conn, STATUS_BAD_REQUEST, err_describe(rc));
	else if (rc == HTTP_DONE)
		answer(conn);
	else if (rc == HTTP_CONTINUE)
		buf_printf(&conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
	if (rc >= 0 && conn->phase == CONN_IDLE &&
		http_reader_is_within(conn->reader))
		enter(conn, CONN_REQUEST);
}

static bool step(struct conn *conn)
{
	if (conn->out.len)
		return send_some(conn);
	if (conn->phase == CONN_LINGER || conn->phase == CONN_STREAM)
		conn->input_at = conn->input_len;
	if (conn->input_at == conn->input_len)
		return receive(conn);
	handle_input(conn);
	return true;
}

void conn_serve_later(struct conn *conn)
{
	conn->again = true;
	loop_defer(conn->server->loop, &conn->server->again);
}

void conn_serve(struct conn *conn)
{
	for (unsigned i = 0; i < STEPS_MAX; i++)
		if (!conn_is_open(conn) || !step(conn))
			return;
	conn_serve_later(conn);
}

/* ---- events ---- */

static void ready(struct loop_watch *watch, uint32_t events) ON_LOOP
{
	(void)events;
	conn_serve(container_of(watch, struct conn, watch));
}

void conn_open(struct conn *conn, int fd)
{
	conn->last = conn->again = false;
	conn->input_at = conn->input_len = conn->out_at = 0;
	conn->watch = (struct loop_watch){ .fd = fd, .ready = ready };
	wait_for(conn, POLLIN);
	if (conn_is_open(conn))
		enter(conn, CONN_IDLE);
}

void conn_refuse(
	struct conn *conn, int fd, unsigned status, const char *sentence)
{
	conn_open(conn, fd);
	if (!conn_is_open(conn))
		return;
	put_fault(conn, status, sentence);
	conn_serve(conn);
}

/*
 * The loop may have been busy with another client's request for longer than this
 * one's time: what came meanwhile is looked at first.
 */
void conn_check_time(struct conn *conn)
{
	if (!conn_is_open(conn) || now_ns() < conn->deadline_ns)
		return;
	conn_serve(conn);
	if (!conn_is_open(conn) || now_ns() < conn->deadline_ns)
		return;
	if (conn->phase != CONN_REQUEST) {
		conn_close(conn);
		return;
	}
	put_fault(conn, STATUS_TOO_SLOW,
		"the request did not come to its end in time");
	conn_serve(conn);
}
