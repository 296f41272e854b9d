/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - ask a server of this API one thing */
#ifndef MUSTER_API_CLIENT_H
#define MUSTER_API_CLIENT_H

#include "vmm/api/http.h"

struct client_request {
	const char *label; /* in front of the path in sentences: "--socket " */
	const char *path;  /* of the socket */
	enum api_method method;
	const char *target;
	const char *body;    /* JSON, or NULL */
	uint64_t timeout_ms; /* until the answer is there; 0: for ever */
	/*
	 * Gets what a reply without an end tells, as it comes, for as long as it
	 * does.  NULL: such a reply is an error.
	 */
	void (*stream)(void *owner, const void *data, size_t len);
	void *owner;
};

struct client_answer {
	unsigned status;
	char *body; /* owned; NULL: none, or it went to `stream` */
};

/*
 * Connect, ask and wait for the answer, whatever it says.  0, and *ret is the
 * caller's to free; or -errno with a sentence.
 */
int client_ask(const struct client_request *request, struct client_answer *ret);

void client_answer_fini(struct client_answer *answer);

#endif
