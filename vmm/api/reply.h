/* SPDX-License-Identifier: Apache-2.0 */
/* reply.h - what a request is answered with: a status, and perhaps a body */
#ifndef MUSTER_API_REPLY_H
#define MUSTER_API_REPLY_H

#include <jansson.h>

#include "vmm/base/buf.h"

#define STATUS_FINE        200
#define STATUS_NO_CONTENT  204
#define STATUS_BAD_REQUEST 400
#define STATUS_TOO_SLOW    408
#define STATUS_FULL        503

struct events;

struct reply {
	unsigned status;
	bool deprecated;  /* the request asked for what is going away */
	const char *type; /* of the body; NULL: JSON */
	struct buf body;  /* empty: none */
	/*
	 * The body goes on with what is posted here until the connection ends,
	 * which then has no other reply.  NULL: it does not.
	 */
	struct events *stream;
};

/* 204 until something is said; reply_fini() releases. */
#define REPLY_INIT                                            \
	{                                                     \
		.status = STATUS_NO_CONTENT, .body = BUF_INIT \
	}

void reply_fini(struct reply *reply);

/* 200 and this object, which is dropped; NULL turns the body failed. */
void reply_json(struct reply *reply, json_t *root);

/* {"fault_message": sentence} in the place of what was there. */
void reply_fault(struct reply *reply, unsigned status, const char *sentence);

/* Append the reply as it is sent. */
void reply_put(const struct reply *reply, bool keep_alive, struct buf *out);

#endif
