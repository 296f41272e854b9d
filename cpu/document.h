/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document.h - read JSON files strictly: whatever is unknown, twice there, of the
 * wrong type or out of range is refused by a sentence that names file and key
 *
 * `origin` is the file in sentences, `where` the path to the object ("" at the
 * top, else "groups[2]").
 */
#ifndef MUSTER_CPU_DOCUMENT_H
#define MUSTER_CPU_DOCUMENT_H

#include <jansson.h>

#include "vmm/base/buf.h"

#define DOCUMENT_MAX       (16 * MIB)
#define DOCUMENT_WHERE_MAX 96

struct document_key {
	const char *name;
	json_type type; /* JSON_TRUE: either of true and false */
	bool optional;
};

/* "FILE: WHERE: SENTENCE"; returns -EBADMSG. */
int document_refuse(const char *origin, const char *where, const char *fmt, ...)
	PRINTF(3, 4);

/* One JSON object with nothing behind it, no key twice; *ret is a reference. */
int document_parse(
	const char *origin, const void *json, size_t len, json_t **ret);

/* The bytes of a file, or of standard input for "-"; at most DOCUMENT_MAX. */
int document_load(const char *path, struct buf *ret);

/* The object has these keys and no others. */
int document_check_keys(const char *origin, const char *where,
	const json_t *object, const struct document_key *keys, unsigned count);

/* Its "format" and "version" are these. */
int document_check_format(const char *origin, const json_t *object,
	const char *format, unsigned version);

/* A string of "0x" and hexadecimal digits, at most `max`. */
int document_hex(const char *origin, const char *where, const char *key,
	const json_t *value, uint64_t max, uint64_t *ret);

/* A copy of a printable text of 1 to `max` bytes; the caller frees it. */
int document_text(const char *origin, const char *where, const char *key,
	const json_t *value, size_t max, char **ret);

/* Append a JSON string; the text is printable UTF-8, as document_text() gives. */
void document_print_text(const char *text, struct buf *out);

#endif
