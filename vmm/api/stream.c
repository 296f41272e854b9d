/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - replies without an end: a client hears every event from now on
 *
 * A line is put behind those that wait to be sent, and sent at the end of the batch.
 * A client that does not keep up finds in the place of the line that had no room one
 * that says so, and then the end; nobody else waits for it.
 */
#include "vmm/api/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define QUEUE_MAX (64 * KIB)

static_assert(SERVER_STREAMS_MAX == 4, "stream_check() says so");

int stream_check(const struct server *server)
{
	if (server->streams < SERVER_STREAMS_MAX)
		return 0;
	return err_set(-EBUSY,
		"too many clients listen; this socket tells 4 of them events, "
		"close one first");
}

/* What has been sent makes room. */
static void append(struct conn *conn, const char *line, size_t len)
{
	struct buf *out = &conn->out;

	if (conn->out_at) {
		out->len -= conn->out_at;
		memmove(out->data, out->data + conn->out_at, out->len);
		conn->out_at = 0;
	}
	buf_append(out, line, len);
}

static void drop(struct conn *conn)
{
	size_t len = 0;
	CLEANUP_FREE char *line = events_line("dropped",
		json_pack("{s:s}", "reason",
			"this client did not read the events in time"),
		&len);

	stream_end(conn);
	if (line)
		append(conn, line, len);
}

static void hear(struct event_listener *listener, const char *line, size_t len)
{
	struct conn *conn = container_of(listener, struct conn, listener);

	claim_loop_thread();
	if (conn->out.len - conn->out_at + len > QUEUE_MAX)
		drop(conn);
	else
		append(conn, line, len);
	if (conn->out.failed)
		conn_close(conn);
	else
		conn_serve_later(conn);
}

void stream_begin(struct conn *conn, struct events *events)
{
	conn->server->streams++;
	conn->stream = events;
	conn->listener.hear = hear;
	events_listen(events, &conn->listener);
}

void stream_end(struct conn *conn)
{
	if (!conn->stream)
		return;
	events_unlisten(conn->stream, &conn->listener);
	conn->stream = NULL;
	conn->server->streams--;
}
