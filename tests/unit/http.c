/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - requests and replies out of bytes, however they are cut */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "vmm/api/http.h"
#include "vmm/base/err.h"

#define BODY_MAX 64
#define PATCH                                                \
	"PATCH /vm HTTP/1.1\r\nHost: x\r\nContent-Length: 4" \
	"\r\n\r\nabcd"
#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static int setup(void **state)
{
	*state = http_reader_new(HTTP_OF_CLIENT, BODY_MAX);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	*state = http_reader_free(*state);
	return 0;
}

static int feed(struct http_reader *reader, const char *text)
{
	size_t used;

	return http_read(reader, text, strlen(text), &used);
}

static void refused(struct http_reader *reader, const char *text, int rc,
	const char *sentence)
{
	assert_int_equal(feed(reader, text), rc);
	assert_non_null(strstr(err_text(), sentence));
	http_reader_reset(reader);
	assert_int_equal(feed(reader, GET), HTTP_DONE);
}

static void gives_a_request(void **state)
{
	const struct http_message *m = http_reader_message(*state);

	assert_int_equal(feed(*state, PATCH), HTTP_DONE);
	assert_int_equal(m->method, API_PATCH);
	assert_string_equal(m->target, "/vm");
	assert_int_equal(m->body_bytes, 4);
	assert_string_equal(m->body, "abcd");
	assert_true(m->keep_alive);
}

static void takes_a_request_byte_by_byte(void **state)
{
	const char *text = PATCH;
	size_t used;

	for (size_t i = 0; i + 1 < strlen(text); i++) {
		assert_int_equal(
			http_read(*state, text + i, 1, &used), HTTP_MORE);
		assert_int_equal(used, 1);
		assert_true(http_reader_is_within(*state));
	}
	assert_int_equal(http_read(*state, text + strlen(text) - 1, 1, &used),
		HTTP_DONE);
	assert_string_equal(http_reader_message(*state)->body, "abcd");
	assert_false(http_reader_is_within(*state));
}

static void stops_at_the_end_of_a_request(void **state)
{
	size_t used;

	assert_int_equal(http_read(*state, PATCH GET, strlen(PATCH GET), &used),
		HTTP_DONE);
	assert_int_equal(used, strlen(PATCH));
	assert_int_equal(feed(*state, GET), HTTP_DONE);
	assert_int_equal(http_reader_message(*state)->method, API_GET);
	assert_null(http_reader_message(*state)->body);
}

static void says_when_the_client_waits_to_continue(void **state)
{
	static const char head[] = "PUT /x HTTP/1.1\r\nexpect: 100-Continue"
				   "\r\nContent-Length: 4\r\n\r\n";

	assert_int_equal(feed(*state, head), HTTP_CONTINUE);
	assert_int_equal(feed(*state, "ab"), HTTP_MORE);
	assert_int_equal(feed(*state, "cd"), HTTP_DONE);
	assert_string_equal(http_reader_message(*state)->body, "abcd");
}

static void keeps_alive_as_the_version_has_it(void **state)
{
	const struct http_message *m = http_reader_message(*state);

	assert_int_equal(feed(*state, "GET / HTTP/1.0\r\n\r\n"), HTTP_DONE);
	assert_false(m->keep_alive);
	http_reader_reset(*state);
	assert_int_equal(
		feed(*state, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"),
		HTTP_DONE);
	assert_false(m->keep_alive);
}

static void ignores_an_offer_to_upgrade(void **state)
{
	assert_int_equal(feed(*state, "GET /vm HTTP/1.1\r\nUpgrade: h2c\r\n"
				      "Connection: Upgrade\r\n\r\n"),
		HTTP_DONE);
	assert_string_equal(http_reader_message(*state)->target, "/vm");
	assert_int_equal(feed(*state, PATCH), HTTP_DONE);
}

static void takes_the_path_of_an_absolute_target(void **state)
{
	assert_int_equal(
		feed(*state, "GET http://localhost/vm HTTP/1.1\r\n\r\n"),
		HTTP_DONE);
	assert_string_equal(http_reader_message(*state)->target, "/vm");
}

static void refuses_by_name(void **state)
{
	static const struct {
		const char *text;
		int rc;
		const char *sentence;
	} cases[] = {
		{ "POST / HTTP/1.1\r\n\r\n", -EBADMSG, "POST: not a method" },
		{ "FROB / HTTP/1.1\r\n\r\n", -EBADMSG, "the method GET, PUT" },
		{ "\x16\x03\x01 TLS", -EBADMSG, "no request" },
		{ "GET * HTTP/1.1\r\n\r\n", -EBADMSG, "begin with /" },
		{ "GET http://host HTTP/1.1\r\n\r\n", -EBADMSG,
			"begin with /" },
		{ "GET / HTTP/2.0\r\n\r\n", -EBADMSG, "HTTP/2.0: not supp" },
		{ "GET /\r\n\r\n", -EBADMSG, "HTTP/0.9: not supported" },
		{ "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
			-EBADMSG, "Transfer-Encoding is not supported" },
		{ "PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", -EBADMSG,
			"content-length" },
		{ "PUT / HTTP/1.1\r\nContent-Length: 1\r\n"
		  "Content-Length: 2\r\n\r\n",
			-EBADMSG, "content-length" },
		{ "PUT / HTTP/1.1\r\nContent-Length: 65\r\n\r\n", -E2BIG,
			"65 bytes; at most 64" },
		{ "PUT / HTTP/1.1\r\nContent-Length: "
		  "99999999999999999999\r\n\r\n",
			-EBADMSG, "content-length" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(*state, cases[i].text, cases[i].rc, cases[i].sentence);
}

static void takes_a_body_at_the_limit(void **state)
{
	char text[256];

	snprintf(text, sizeof(text),
		"PUT / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%0*d", BODY_MAX,
		BODY_MAX, 7);
	assert_int_equal(feed(*state, text), HTTP_DONE);
	assert_int_equal(http_reader_message(*state)->body_bytes, BODY_MAX);
}

static void bounds_the_path(void **state)
{
	char text[HTTP_TARGET_MAX + 64];

	snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n\r\n",
		HTTP_TARGET_MAX - 1, 7);
	assert_int_equal(feed(*state, text), HTTP_DONE);
	snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n\r\n",
		HTTP_TARGET_MAX, 7);
	refused(*state, text, -E2BIG, "path is longer than 1024 bytes");
}

static void bounds_the_headers(void **state)
{
	int rc = feed(*state, "GET / HTTP/1.1\r\n");

	for (int i = 0; rc == HTTP_MORE && i < 1000; i++)
		rc = feed(*state, "X-Header: 0123456789\r\n");
	assert_int_equal(rc, -E2BIG);
	assert_non_null(strstr(err_text(), "longer than 8192 bytes"));
}

static void gives_a_reply(void **state)
{
	struct http_reader *reader = http_reader_new(HTTP_OF_SERVER, BODY_MAX);
	const struct http_message *m = http_reader_message(reader);

	(void)state;
	assert_int_equal(
		feed(reader, "HTTP/1.1 400 \r\nContent-Length: 2\r\n\r\n{}"),
		HTTP_DONE);
	assert_int_equal(m->status, 400);
	assert_string_equal(m->body, "{}");
	assert_int_equal(feed(reader, "HTTP/1.1 204 \r\n\r\n"), HTTP_DONE);
	assert_int_equal(m->status, 204);
	assert_null(m->body);
	http_reader_free(reader);
}

static void refuses_a_reply_without_an_end(void **state)
{
	struct http_reader *reader = http_reader_new(HTTP_OF_SERVER, BODY_MAX);

	(void)state;
	assert_int_equal(feed(reader, "HTTP/1.1 200 OK\r\n\r\n{}"), -EBADMSG);
	assert_non_null(strstr(err_text(), "no Content-Length"));
	http_reader_free(reader);
}

static void keep(void *owner, const void *data, size_t len)
{
	strncat(owner, data, len);
}

static void hands_on_a_reply_without_an_end(void **state)
{
	struct http_reader *reader = http_reader_new(HTTP_OF_SERVER, BODY_MAX);
	char got[4 * BODY_MAX] = "";

	(void)state;
	http_reader_stream(reader, keep, got);
	assert_int_equal(feed(reader, "HTTP/1.1 200 OK\r\n"), HTTP_MORE);
	assert_false(http_reader_streams(reader));
	assert_int_equal(feed(reader, "\r\none\n"), HTTP_MORE);
	assert_true(http_reader_streams(reader));
	for (unsigned i = 0; i < BODY_MAX; i++)
		assert_int_equal(feed(reader, "x\n"), HTTP_MORE);
	assert_int_equal(strlen(got), strlen("one\n") + 2 * BODY_MAX);
	assert_int_equal(strncmp(got, "one\nx\nx\n", 8), 0);
	assert_int_equal(http_reader_message(reader)->status, 200);
	http_reader_free(reader);
}

static void keeps_a_reply_with_an_end_all_the_same(void **state)
{
	struct http_reader *reader = http_reader_new(HTTP_OF_SERVER, BODY_MAX);
	char got[BODY_MAX] = "";

	(void)state;
	http_reader_stream(reader, keep, got);
	assert_int_equal(
		feed(reader, "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}"),
		HTTP_DONE);
	assert_string_equal(http_reader_message(reader)->body, "{}");
	assert_string_equal(got, "");
	assert_int_equal(feed(reader, "HTTP/1.1 400 \r\n\r\n{}"), -EBADMSG);
	http_reader_free(reader);
}

#define ON_READER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_READER(gives_a_request),
		ON_READER(takes_a_request_byte_by_byte),
		ON_READER(stops_at_the_end_of_a_request),
		ON_READER(says_when_the_client_waits_to_continue),
		ON_READER(keeps_alive_as_the_version_has_it),
		ON_READER(ignores_an_offer_to_upgrade),
		ON_READER(takes_the_path_of_an_absolute_target),
		ON_READER(refuses_by_name),
		ON_READER(takes_a_body_at_the_limit),
		ON_READER(bounds_the_path),
		ON_READER(bounds_the_headers),
		cmocka_unit_test(gives_a_reply),
		cmocka_unit_test(refuses_a_reply_without_an_end),
		cmocka_unit_test(hands_on_a_reply_without_an_end),
		cmocka_unit_test(keeps_a_reply_with_an_end_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
