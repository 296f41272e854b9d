/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - HTTP messages by http-parser
 *
 * Theory of operation: the parser runs over the bytes and calls back for their
 * parts.  At the end of a message it is paused, so that it never reads into the
 * next one, and it is made anew for that.  A callback that refuses stores its
 * error in the reader and stops the parser.
 */
#include "vmm/api/http.h"

#include <errno.h>
#include <http_parser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "vmm/base/err.h"

#define EXPECT    "Expect"
#define NO_LENGTH UINT64_MAX /* what http-parser has without the header */
#define ABSOLUTE  "http://"  /* RFC 9112 3.2.2: a target with its host */

struct http_reader {
	http_parser parser;
	enum http_side side;
	size_t body_max;
	int rc; /* of the callback that refused */
	bool within;
	bool done;
	bool expects; /* "100 Continue", and has not been told so */
	size_t target_bytes;
	char header[sizeof(EXPECT)]; /* the name's beginning */
	size_t header_bytes;
	bool in_value;
	struct http_message message;
	void (*sink)(void *owner, const void *data, size_t len);
	void *owner;
	bool streams; /* the body goes there */
};

const char *const api_method_names[API_METHODS] = {
	[API_GET] = "GET",
	[API_PUT] = "PUT",
	[API_PATCH] = "PATCH",
	[API_DELETE] = "DELETE",
};

static int refuse(struct http_reader *reader, int rc)
{
	reader->rc = rc;
	return -1;
}

/* ---- the parser's callbacks: 0, or not 0 to stop ---- */

static int message_begins(http_parser *parser)
{
	struct http_reader *reader = parser->data;

	reader->within = true;
	return 0;
}

static int target_comes(http_parser *parser, const char *at, size_t len)
{
	struct http_reader *reader = parser->data;

	if (len > HTTP_TARGET_MAX - reader->target_bytes)
		return refuse(reader,
			err_set(-E2BIG,
				"the request's path is longer than %d bytes",
				HTTP_TARGET_MAX));
	memcpy(reader->message.target + reader->target_bytes, at, len);
	reader->target_bytes += len;
	return 0;
}

/* A name and its value come in as many pieces as the stream had. */
static int header_name_comes(http_parser *parser, const char *at, size_t len)
{
	struct http_reader *reader = parser->data;
	size_t room;

	if (reader->in_value)
		reader->header_bytes = 0;
	reader->in_value = false;
	room = sizeof(reader->header) - reader->header_bytes;
	memcpy(reader->header + reader->header_bytes, at, MIN(len, room));
	reader->header_bytes += MIN(len, room);
	return 0;
}

/* 100-continue is the only expectation that there is (RFC 9110 10.1.1). */
static int header_value_comes(http_parser *parser, const char *at, size_t len)
{
	struct http_reader *reader = parser->data;

	(void)at;
	(void)len;
	reader->in_value = true;
	if (reader->header_bytes == strlen(EXPECT) &&
		!strncasecmp(reader->header, EXPECT, strlen(EXPECT)))
		reader->expects = true;
	return 0;
}

static int take_method(struct http_reader *reader)
{
	const char *name = http_method_str(reader->parser.method);

	for (unsigned i = 0; i < API_METHODS; i++)
		if (!strcmp(api_method_names[i], name)) {
			reader->message.method = (enum api_method)i;
			return 0;
		}
	return err_set(-EBADMSG,
		"%s: not a method of this API; use GET, PUT, PATCH or DELETE",
		name);
}

/* "http://localhost/vm" is "/vm". */
static int take_target(struct http_reader *reader)
{
	char *target = reader->message.target;
	char *path = target;

	target[reader->target_bytes] = '\0';
	if (!strncasecmp(target, ABSOLUTE, strlen(ABSOLUTE)))
		path = strchr(target + strlen(ABSOLUTE), '/');
	if (!path || *path != '/')
		return err_set(-EBADMSG, "the request's path does not begin "
					 "with /");
	memmove(target, path, strlen(path) + 1);
	return 0;
}

static int make_body(struct http_reader *reader)
{
	uint64_t bytes = reader->parser.content_length;

	if (reader->parser.flags & F_CHUNKED)
		return err_set(-EBADMSG,
			"Transfer-Encoding is not supported; send the body "
			"with its Content-Length");
	reader->streams = reader->sink && bytes == NO_LENGTH &&
			  reader->parser.status_code == 200;
	if (reader->side == HTTP_OF_SERVER && bytes == NO_LENGTH &&
		reader->parser.status_code != 204 && !reader->streams)
		return err_set(-EBADMSG, "the reply has no Content-Length");
	if (bytes == NO_LENGTH || !bytes)
		return 0;
	if (bytes > reader->body_max)
		return err_set(-E2BIG,
			"the body has %llu bytes; at most %zu are accepted",
			(unsigned long long)bytes, reader->body_max);
	reader->message.body = malloc(bytes + 1);
	if (!reader->message.body)
		return err_set(-ENOMEM, "no memory for a body");
	return 0;
}

static int headers_end(http_parser *parser)
{
	struct http_reader *reader = parser->data;
	int rc = 0;

	if (parser->http_major != 1 || parser->http_minor > 1)
		rc = err_set(-EBADMSG,
			"HTTP/%u.%u: not supported; use HTTP/1.1",
			parser->http_major, parser->http_minor);
	if (!rc && reader->side == HTTP_OF_CLIENT)
		rc = take_method(reader);
	if (!rc && reader->side == HTTP_OF_CLIENT)
		rc = take_target(reader);
	if (!rc)
		rc = make_body(reader);
	reader->message.status = parser->status_code;
	reader->message.keep_alive = http_should_keep_alive(parser);
	/* Who has no body to send waits for nothing. */
	reader->expects &= reader->message.body && parser->http_minor;
	return rc ? refuse(reader, rc) : 0;
}

static int body_comes(http_parser *parser, const char *at, size_t len)
{
	struct http_reader *reader = parser->data;
	struct http_message *message = &reader->message;

	if (reader->streams) {
		reader->sink(reader->owner, at, len);
		return 0;
	}
	/* The parser hands on Content-Length bytes, which make_body() has. */
	memcpy(message->body + message->body_bytes, at, len);
	message->body_bytes += len;
	return 0;
}

static int message_ends(http_parser *parser)
{
	struct http_reader *reader = parser->data;

	if (reader->message.body)
		reader->message.body[reader->message.body_bytes] = '\0';
	reader->done = true;
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_message_begin = message_begins,
	.on_url = target_comes,
	.on_header_field = header_name_comes,
	.on_header_value = header_value_comes,
	.on_headers_complete = headers_end,
	.on_body = body_comes,
	.on_message_complete = message_ends,
};

/* ---- the reader ---- */

void http_reader_stream(struct http_reader *reader,
	void (*sink)(void *owner, const void *data, size_t len), void *owner)
{
	reader->sink = sink;
	reader->owner = owner;
}

bool http_reader_streams(const struct http_reader *reader)
{
	return reader->streams;
}

void http_reader_reset(struct http_reader *reader)
{
	free(reader->message.body);
	reader->message = (struct http_message){ 0 };
	reader->rc = 0;
	reader->within = reader->done = reader->expects = false;
	reader->streams = false;
	reader->target_bytes = reader->header_bytes = 0;
	reader->in_value = false;
	http_parser_init(&reader->parser,
		reader->side == HTTP_OF_CLIENT ? HTTP_REQUEST : HTTP_RESPONSE);
	reader->parser.data = reader;
}

struct http_reader *http_reader_new(enum http_side side, size_t body_max)
{
	struct http_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->side = side;
	reader->body_max = body_max;
	/* The library has one limit for all; so have we. */
	http_parser_set_max_header_size(HTTP_HEADER_MAX);
	http_reader_reset(reader);
	return reader;
}

struct http_reader *http_reader_free(struct http_reader *reader)
{
	if (reader)
		free(reader->message.body);
	free(reader);
	return NULL;
}

/* The sentence for what the parser itself refused. */
static int malformed(const struct http_reader *reader)
{
	enum http_errno error = HTTP_PARSER_ERRNO(&reader->parser);

	switch (error) {
	case HPE_HEADER_OVERFLOW:
		return err_set(-E2BIG, "the headers are longer than %d bytes",
			HTTP_HEADER_MAX);
	case HPE_INVALID_METHOD:
		return err_set(-EBADMSG,
			"this is no request of HTTP/1.1 with the method GET, "
			"PUT, PATCH or DELETE");
	default:
		return err_set(-EBADMSG, "this is not HTTP/1.1: %s",
			http_errno_description(error));
	}
}

int http_read(struct http_reader *reader, const void *data, size_t len,
	size_t *ret_used)
{
	http_parser *parser = &reader->parser;

	if (reader->done)
		http_reader_reset(reader);
	*ret_used = http_parser_execute(parser, &settings, data, len);
	if (reader->rc)
		return reader->rc;
	if (reader->done)
		return HTTP_DONE;
	if (HTTP_PARSER_ERRNO(parser) != HPE_OK || *ret_used < len)
		return malformed(reader);
	if (!reader->expects || !reader->message.body)
		return HTTP_MORE;
	reader->expects = false;
	return HTTP_CONTINUE;
}

bool http_reader_is_within(const struct http_reader *reader)
{
	return reader->within && !reader->done;
}

const struct http_message *http_reader_message(const struct http_reader *reader)
{
	return &reader->message;
}

const char *http_reason(unsigned status)
{
	return http_status_str((enum http_status)status);
}
