/* SPDX-License-Identifier: Apache-2.0 */
/* document.c - read JSON files strictly */
#include "cpu/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

#define READ_BYTES (64 * KIB)

int document_refuse(const char *origin, const char *where, const char *fmt, ...)
{
	char sentence[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	return err_set(-EBADMSG, "%s: %s%s%s", text_shown(origin).s, where,
		*where ? ": " : "", sentence);
}

/* ---- bytes ---- */

static int read_all(int fd, const char *path, struct buf *ret)
{
	CLEANUP_FREE uint8_t *chunk = malloc(READ_BYTES);
	ssize_t n;

	if (!chunk)
		return err_set(-ENOMEM, "no memory to read %s", path);
	while ((n = read(fd, chunk, READ_BYTES)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(-errno, "%s: cannot read: %s",
				text_shown(path).s, strerror(errno));
		buf_append(ret, chunk, (size_t)n);
		if (ret->len > DOCUMENT_MAX)
			return document_refuse(path, "",
				"larger than %llu MiB; this is no file of "
				"muster's",
				DOCUMENT_MAX / MIB);
	}
	return ret->failed ? err_set(-ENOMEM, "no memory to read %s",
				     text_shown(path).s)
			   : 0;
}

int document_load(const char *path, struct buf *ret)
{
	CLEANUP_CLOSE int fd = -1;

	if (!strcmp(path, "-"))
		return read_all(STDIN_FILENO, path, ret);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(-errno, "%s: cannot open: %s",
			text_shown(path).s, strerror(errno));
	return read_all(fd, path, ret);
}

/* ---- structure ---- */

int document_parse(
	const char *origin, const void *json, size_t len, json_t **ret)
{
	json_error_t error;
	json_t *root;

	if (!len)
		return document_refuse(origin, "", "empty");
	root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return document_refuse(origin, "", "line %d: not JSON: %s",
			error.line, text_shown(error.text).s);
	if (!json_is_object(root)) {
		json_decref(root);
		return document_refuse(
			origin, "", "not a JSON object; expected { … }");
	}
	*ret = root;
	return 0;
}

static const char *type_words(json_type type)
{
	static const char *const words[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "a list",
		[JSON_STRING] = "a string",
		[JSON_INTEGER] = "an integer",
		[JSON_TRUE] = "true or false",
	};

	return words[type];
}

static bool has_type(const json_t *value, json_type type)
{
	return type == JSON_TRUE ? json_is_boolean(value)
				 : json_typeof(value) == type;
}

static bool is_known(
	const char *name, const struct document_key *keys, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(keys[i].name, name))
			return true;
	return false;
}

int document_check_keys(const char *origin, const char *where,
	const json_t *object, const struct document_key *keys, unsigned count)
{
	const char *name;
	json_t *value;

	for (unsigned i = 0; i < count; i++) {
		value = json_object_get(object, keys[i].name);
		if (!value && !keys[i].optional)
			return document_refuse(
				origin, where, "%s: missing", keys[i].name);
		if (value && !has_type(value, keys[i].type))
			return document_refuse(origin, where, "%s: must be %s",
				keys[i].name, type_words(keys[i].type));
	}
	json_object_foreach((json_t *)object, name, value)
	{
		if (!is_known(name, keys, count))
			return document_refuse(origin, where, "%s: unknown key",
				text_shown(name).s);
	}
	return 0;
}

int document_check_format(const char *origin, const json_t *object,
	const char *format, unsigned version)
{
	const json_t *name = json_object_get(object, "format");
	const json_t *number = json_object_get(object, "version");

	if (!json_is_string(name))
		return document_refuse(
			origin, "", "format: missing; expected \"%s\"", format);
	if (strcmp(json_string_value(name), format))
		return document_refuse(origin, "", "format: is %s; expected %s",
			text_shown(json_string_value(name)).s, format);
	if (!json_is_integer(number))
		return document_refuse(
			origin, "", "version: missing; expected %u", version);
	if (json_integer_value(number) != version)
		return document_refuse(origin, "",
			"version: is %lld, and this muster reads version %u of "
			"%s; make the file again with this muster",
			(long long)json_integer_value(number), version, format);
	return 0;
}

/* ---- values ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* False unless all of `text` is 0x and 1 to 16 digits. */
static bool parse_hex(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	unsigned digits = 0;

	if (strncmp(text, "0x", 2))
		return false;
	for (text += 2; *text; text++, digits++) {
		int digit = hex_digit(*text);

		if (digit < 0 || digits == 16)
			return false;
		value = value << 4 | (unsigned)digit;
	}
	*ret = value;
	return digits;
}

int document_hex(const char *origin, const char *where, const char *key,
	const json_t *value, uint64_t max, uint64_t *ret)
{
	const char *text = json_string_value(value);
	uint64_t n;

	if (!text)
		return document_refuse(origin, where,
			"%s: missing or not a string; expected \"0x…\"",
			text_shown(key).s);
	if (!parse_hex(text, &n))
		return document_refuse(origin, where,
			"%s: %s: not a hexadecimal number; expected 0x and up "
			"to 16 digits",
			text_shown(key).s, text_shown(text).s);
	if (n > max)
		return document_refuse(origin, where,
			"%s: %s: too large; at most %#llx", text_shown(key).s,
			text, (unsigned long long)max);
	*ret = n;
	return 0;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

int document_text(const char *origin, const char *where, const char *key,
	const json_t *value, size_t max, char **ret)
{
	const char *text = json_string_value(value);
	char *copy;

	if (!text)
		return document_refuse(origin, where, "%s: must be a string",
			text_shown(key).s);
	if (!*text || strlen(text) > max || !is_printable(text))
		return document_refuse(origin, where,
			"%s: %s: must be 1 to %zu printable bytes",
			text_shown(key).s, text_shown(text).s, max);
	copy = strdup(text);
	if (!copy)
		return err_set(-ENOMEM, "no memory for %s", origin);
	*ret = copy;
	return 0;
}

/* ---- print ---- */

void document_print_text(const char *text, struct buf *out)
{
	buf_u8(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_u8(out, '\\');
		buf_u8(out, (uint8_t)*text);
	}
	buf_u8(out, '"');
}
