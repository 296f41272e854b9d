/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - HTTP/1.1 messages out of a stream of bytes
 *
 * The only file behind this header is the only one that knows the library.
 * What the API has no use for is refused: methods beyond the four, bodies
 * without a Content-Length, and more bytes than the limits below.
 */
#ifndef MUSTER_API_HTTP_H
#define MUSTER_API_HTTP_H

#include "vmm/base/util.h"

#define HTTP_TARGET_MAX 1024 /* bytes of a request's path */
#define HTTP_HEADER_MAX 8192 /* bytes in front of the body */
#define HTTP_BODY_MAX   51200 /* of a request, unless the server says otherwise */

enum http_side { HTTP_OF_CLIENT, HTTP_OF_SERVER }; /* requests, replies */

enum api_method { API_GET, API_PUT, API_PATCH, API_DELETE, API_METHODS };

extern const char *const api_method_names[API_METHODS];

struct http_message {
	enum api_method method;           /* of a request */
	char target[HTTP_TARGET_MAX + 1]; /* of a request: its path */
	unsigned status;                  /* of a reply */
	bool keep_alive; /* another message may follow on the connection */
	char *body;      /* a NUL stands behind it; NULL: there is none */
	size_t body_bytes;
};

struct http_reader;

/* Reads what `side` sends.  NULL when there is no memory. */
struct http_reader *http_reader_new(enum http_side side, size_t body_max);
struct http_reader *http_reader_free(struct http_reader *reader);

/*
 * Hand on the body of a reply without a length as it comes: it ends with the
 * connection, and no message is ever done.  Without this such a reply is refused.
 */
void http_reader_stream(struct http_reader *reader,
	void (*sink)(void *owner, const void *data, size_t len), void *owner);

/* Has such a body begun?  Then http_reader_message() tells the rest. */
bool http_reader_streams(const struct http_reader *reader);

/* Forget a message that is under way; the next byte begins one. */
void http_reader_reset(struct http_reader *reader);

enum http_progress {
	HTTP_MORE,     /* all bytes are used and the message is not complete */
	HTTP_CONTINUE, /* so, and the client waits for "100 Continue" */
	HTTP_DONE,     /* http_reader_message() is complete */
};

/*
 * Use bytes up to the end of the message at most; *ret_used says how many.  After
 * HTTP_DONE the next call begins the next message.  -errno with a sentence for what
 * is no message or is refused: then only http_reader_reset() and _free() may follow.
 */
int http_read(struct http_reader *reader, const void *data, size_t len,
	size_t *ret_used);

/* Has a message begun that is not complete? */
bool http_reader_is_within(const struct http_reader *reader);

/* After HTTP_DONE, until the next http_read(). */
const struct http_message *http_reader_message(
	const struct http_reader *reader);

/* "Bad Request" */
const char *http_reason(unsigned status);

#endif
