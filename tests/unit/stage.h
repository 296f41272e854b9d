/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage.h - a server and its clients, at the two ends of socketpairs
 *
 * They share a thread: a client sends, the loop runs for a while, the client looks
 * at what came.
 */
#ifndef MUSTER_TESTS_UNIT_STAGE_H
#define MUSTER_TESTS_UNIT_STAGE_H

#include "tests/unit/unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/loop.h"
#include "vmm/api/server.h"
#include "vmm/events.h"

#define GET       "GET /one HTTP/1.1\r\n\r\n"
#define PUT       "PUT /two HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
#define FINE      "HTTP/1.1 200 OK\r\n"
#define TURN_NS   (2 * MS)
#define SLOW_MS   250
#define BIG_BYTES (4 * MIB)

struct stage {
	struct loop *loop;
	struct server *server;
	unsigned handled;
	unsigned put_at; /* which one of them was the PUT */
	bool big;        /* replies of BIG_BYTES */
	uint64_t handler_ns;
	struct events events; /* of GET /events */
};

/* Serves socketpairs only if `path` is NULL. */
struct stage *stage_new(const char *path);

int stage_setup(void **state);
int stage_teardown(void **state);

/* A client's end of a new connection. */
int stage_join(struct stage *stage);

/* Let the server do what it can. */
void stage_turn(struct stage *stage);

void client_say(int fd, const char *text);

/* What has come, as text; `ret_end` says whether the server has closed. */
const char *client_heard(int fd, bool *ret_end);

/* So many replies have come, and they hold `word`; the server has not closed. */
void client_expect(int fd, unsigned replies, const char *word);

/* The server has closed; so do we. */
void client_expect_end(int fd);

unsigned text_count(const char *text, const char *word);

#define ON_STAGE(test) \
	cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

#endif
