/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - a stream of requests; the first byte says how it is cut
 *
 * Whole or in pieces, the stream must give the same requests and be refused or
 * not; of two reasons to refuse, pieces may meet the other one first.
 */
#include "tests/fuzz/fuzz.h"

#include "tests/fuzz/input.h"
#include "vmm/api/http.h"

#define BODY_MAX 300

struct seen {
	unsigned requests;
	uint64_t digest;
	int rc;
	bool within;
};

static void take(const struct http_message *m, struct seen *seen)
{
	must(m->method < API_METHODS && m->target[0] == '/');
	must(strlen(m->target) <= HTTP_TARGET_MAX);
	must(m->body_bytes <= BODY_MAX && !m->body == !m->body_bytes);
	must(!m->body || !m->body[m->body_bytes]);
	seen->requests++;
	seen->digest = 31 * seen->digest + m->method + m->keep_alive;
	for (const char *c = m->target; *c; c++)
		seen->digest = 31 * seen->digest + (uint8_t)*c;
	for (size_t i = 0; i < m->body_bytes; i++)
		seen->digest = 31 * seen->digest + (uint8_t)m->body[i];
}

static struct seen read_all(const uint8_t *data, size_t len, size_t piece)
{
	struct http_reader *reader = http_reader_new(HTTP_OF_CLIENT, BODY_MAX);
	struct seen seen = { 0 };

	while (len && seen.rc >= 0) {
		/* malloc(), so that one byte too many is seen. */
		size_t n = MIN(len, piece), used = 0;
		uint8_t *copy = malloc(n);

		memcpy(copy, data, n);
		seen.rc = http_read(reader, copy, n, &used);
		free(copy);
		must(used <= n);
		must(seen.rc < 0 || used);
		if (seen.rc == HTTP_DONE)
			take(http_reader_message(reader), &seen);
		data += used;
		len -= used;
	}
	if (seen.rc > 0)
		seen.rc = 0;
	seen.within = seen.rc == 0 && http_reader_is_within(reader);
	http_reader_free(reader);
	return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seen whole, pieces;

	if (!len)
		return 0;
	whole = read_all(data + 1, len - 1, SIZE_MAX);
	pieces = read_all(data + 1, len - 1, 1 + data[0] % 16);
	must(whole.requests == pieces.requests);
	must(whole.digest == pieces.digest);
	must((whole.rc < 0) == (pieces.rc < 0));
	must(whole.within == pieces.within);
	return 0;
}
