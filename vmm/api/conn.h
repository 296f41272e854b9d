/* SPDX-License-Identifier: Apache-2.0 */
/* conn.h - what server.c and conn.c know of each other */
#ifndef MUSTER_API_CONN_H
#define MUSTER_API_CONN_H

#include "vmm/api/http.h"
#include "vmm/api/listener.h"
#include "vmm/api/server.h"
#include "vmm/base/thread.h"
#include "vmm/events.h"

#define CONN_INPUT_BYTES 4096
#define NEVER            UINT64_MAX

/* More clients, which are only told that there are too many. */
#define REFUSALS_MAX     4
#define CONNS_MAX        (SERVER_CONNECTIONS_MAX + REFUSALS_MAX)

/* What a connection waits for; each has its time. */
enum conn_phase {
	CONN_IDLE,    /* the first byte of a request */
	CONN_REQUEST, /* the rest of it */
	CONN_REPLY,   /* the client, to take the reply */
	CONN_STREAM,  /* events; what the client sends is dropped */
	CONN_LINGER,  /* the client, to close; so too */
	CONN_PHASES,
};

struct conn {
	struct server *server;
	struct loop_watch watch; /* fd -1: not in use */
	struct http_reader *reader;
	enum conn_phase phase;
	uint64_t deadline_ns;
	bool last;  /* the reply in `out` is the last one */
	bool again; /* serve once more at the end of the batch */
	uint8_t input[CONN_INPUT_BYTES];
	size_t input_at, input_len;
	struct buf out;
	size_t out_at;
	struct events *stream; /* what it listens to; NULL: none */
	struct event_listener listener;
};

struct server {
	struct loop *loop;
	struct server_options options;
	uint64_t phase_ns[CONN_PHASES]; /* 0: for ever */
	struct listener listener;
	struct loop_watch accepts;
	struct loop_timer timer;
	uint64_t timer_at_ns; /* when it expires; 0: not set */
	struct loop_defer again;
	bool accept_again; /* at the end of the batch */
	unsigned streams;  /* connections that listen */
	struct conn conn[CONNS_MAX];
};

/* The connection's descriptor becomes its own; closed at once if it fails. */
void conn_open(struct conn *conn, int fd) ON_LOOP;
void conn_close(struct conn *conn);

/* As conn_open(), but only to be told this. */
void conn_refuse(struct conn *conn, int fd, unsigned status,
	const char *sentence) ON_LOOP;

/* Do all that can be done without waiting, within reason. */
void conn_serve(struct conn *conn) ON_LOOP;

/* Serve it once more at the end of the batch under way. */
void conn_serve_later(struct conn *conn) ON_LOOP;

/* Its deadline may have passed. */
void conn_check_time(struct conn *conn) ON_LOOP;

/* ---- stream.c: replies without an end ---- */

/* May one more client listen?  -EBUSY with a sentence. */
int stream_check(const struct server *server);

/* Behind what is in `out`, everything that is posted follows. */
void stream_begin(struct conn *conn, struct events *events);

/* Harmless if it does not listen. */
void stream_end(struct conn *conn);

static inline bool conn_is_open(const struct conn *conn)
{
	return conn->watch.fd >= 0;
}

/* server.c: have conn_check_time() called no later than this. */
void server_wake_at(struct server *server, uint64_t time_ns);

#endif
