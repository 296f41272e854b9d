/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - ask a server of this API one thing */
#ifndef MUSTER_API_CLIENT_H
#define MUSTER_API_CLIENT_H

#include "vmm/api/http.h"

struct client_answer {
	unsigned status;
	char *body; /* owned; NULL: none */
};

/*
 * Connect to the socket at `path`, ask and wait for the answer, whatever it says.
 * `body` may be NULL.  `label` stands in front of the path in sentences:
 * "--socket ".  0, and *ret is the caller's to free; or -errno with a sentence.
 */
int client_ask(const char *label, const char *path, enum api_method method,
	const char *target, const char *body, struct client_answer *ret);

void client_answer_fini(struct client_answer *answer);

#endif
