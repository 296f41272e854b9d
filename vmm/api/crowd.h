/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd.h - ask many servers of this API one thing at once, and wait for all
 *
 * Each member has a connection, made when it is first needed and kept.  One that does
 * not answer in time loses it, so that no late answer is taken for another one's.
 */
#ifndef MUSTER_API_CROWD_H
#define MUSTER_API_CROWD_H

#include <jansson.h>

#include "vmm/api/http.h"
#include "vmm/base/buf.h"

#define CROWD_MAX 4096

struct crowd_member {
	const char *path; /* the socket; the caller's */
	bool asked; /* the caller's: the next question is for this one too */

	/* The answer to the last question that it was asked: */
	int rc;       /* 0; or -errno, and `fault` is a sentence */
	json_t *body; /* owned; NULL: none */
	char *fault;  /* owned; NULL: none, or no memory */
	uint64_t asked_ns, answered_ns;

	/* crowd.c's: */
	int fd;
	bool waiting;
	struct http_reader *reader;
	struct buf out;
	size_t sent;
};

struct crowd {
	unsigned count;
	struct crowd_member *member; /* owned */
};

struct crowd_question {
	enum api_method method;
	const char *target;
	/* Append the body for a member; NULL: there is none. */
	void (*put_body)(void *ctx, unsigned index, struct buf *out);
	void *ctx;
	uint64_t until_ns; /* CLOCK_MONOTONIC */
};

/* For these sockets, none of them connected; 0 or -ENOMEM with a sentence. */
int crowd_init(struct crowd *crowd, char *const paths[], unsigned count);
void crowd_fini(struct crowd *crowd);

/*
 * Ask those that are `asked`, and return when each has answered, failed or run out
 * of time: how many failed.  -ECONNREFUSED: nobody listens; -ETIMEDOUT: no answer;
 * -ECONNRESET: it ended; -EREMOTEIO: it refused, and `fault` is its own sentence.
 */
unsigned crowd_ask(struct crowd *crowd, const struct crowd_question *question);

#endif
