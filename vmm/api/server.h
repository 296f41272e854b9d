/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - serve HTTP on a Unix socket, on the loop that is given
 *
 * All functions are called on the loop's thread, or while the loop does not run.
 * One request of a connection is handled at a time, in order, and its reply is
 * gone before the next one is looked at; a handler that takes long makes all
 * clients wait.
 */
#ifndef MUSTER_API_SERVER_H
#define MUSTER_API_SERVER_H

#include "vmm/api/http.h"
#include "vmm/api/reply.h"
#include "vmm/core/loop.h"

/* One more is told 503 and closed. */
#define SERVER_CONNECTIONS_MAX 10

/* So many of them may hear events: others must be left to control the VM. */
#define SERVER_STREAMS_MAX     4

struct server;

struct server_options {
	const char *path; /* outlives the server; NULL: see server_add() */
	int fd; /* a listening socket in its place, which is taken; 0: none */
	const char *label;   /* in front of either in sentences: "--control " */
	size_t body_max;     /* 0: HTTP_BODY_MAX */
	unsigned request_ms; /* from a request's first byte to its last */
	unsigned reply_ms;   /* for the client to take a reply */
	unsigned idle_ms;    /* between requests */
	void (*handle)(void *owner, const struct http_message *request,
		struct reply *reply);
	void *owner;
};

/* A time that is 0 becomes its default. */
#define SERVER_REQUEST_MS 10000
#define SERVER_REPLY_MS   10000
#define SERVER_IDLE_MS    60000

/* 0 or -errno with a sentence: what listener_open() refuses. */
int server_new(struct loop *loop, const struct server_options *options,
	struct server **ret);

/* Close all connections and remove the socket.  NULL is fine. */
struct server *server_free(struct server *server);

/* Serve a connected socket, which becomes the server's. */
void server_add(struct server *server, int fd);

/* How many connections are open. */
unsigned server_connections(const struct server *server);

#endif
