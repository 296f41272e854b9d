/* SPDX-License-Identifier: Apache-2.0 */
/* config_value.c - one field: its value from text, its number as text */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/config_field.h"

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* The first of two spellings is the one that is printed. */
static const struct unit plain_units[] = { { "", 1 }, { NULL, 0 } };
static const struct unit size_units[] = {
	{ "", 1 },
	{ "K", KIB },
	{ "M", MIB },
	{ "G", GIB },
	{ "T", 1024 * GIB },
	{ "k", KIB },
	{ "m", MIB },
	{ "g", GIB },
	{ "t", 1024 * GIB },
	{ NULL, 0 },
};
static const struct unit duration_units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 3600 * 1000 },
	{ NULL, 0 },
};

static const struct unit *units_of(enum config_type type)
{
	switch (type) {
	case CONFIG_SIZE:
		return size_units;
	case CONFIG_DURATION:
		return duration_units;
	default:
		return plain_units;
	}
}

/* "--cpus 300: out of range; give a number from 1 to 254" */
static int refuse(int rc, const struct config_field *field, const char *label,
	const char *value, const char *why)
{
	CLEANUP(buf_fini) struct buf expected = BUF_INIT;

	config_put_expected(field, &expected);
	buf_u8(&expected, '\0');
	if (expected.failed)
		return -ENOMEM;
	return err_set(rc, "%s%s: %s; give %s", label, text_shown(value).s, why,
		(const char *)expected.data);
}

/* ---- numbers ---- */

int config_parse_number(enum config_type type, const char *value, uint64_t *ret)
{
	const struct unit *unit = units_of(type);
	uint64_t n = 0;

	if (!isdigit((unsigned char)*value))
		return -EINVAL;
	for (; isdigit((unsigned char)*value); value++)
		if (__builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, *value - '0', &n))
			n = UINT64_MAX;
	while (unit->suffix && strcmp(unit->suffix, value))
		unit++;
	if (!unit->suffix)
		return -EINVAL;
	if (__builtin_mul_overflow(n, unit->factor, &n))
		n = UINT64_MAX;
	*ret = n;
	return 0;
}

static int set_number(const struct config_field *f, const char *label,
	const char *value, void *at)
{
	uint64_t n;

	if (config_parse_number(f->type, value, &n))
		return refuse(-EINVAL, f, label, value,
			f->type == CONFIG_SIZE       ? "not a size"
			: f->type == CONFIG_DURATION ? "not a length of time"
						     : "not a number");
	if (n < f->min || n > f->max)
		return refuse(-ERANGE, f, label, value, "out of range");
	if (f->multiple_of && n % f->multiple_of)
		return refuse(-EINVAL, f, label, value, "not a multiple");
	if (f->type == CONFIG_UNSIGNED)
		*(unsigned *)at = (unsigned)n;
	else
		*(uint64_t *)at = n;
	return 0;
}

void config_put_number(enum config_type type, uint64_t n, struct buf *out)
{
	const struct unit *best = units_of(type);

	for (const struct unit *u = best; n && u->suffix; u++)
		if (n % u->factor == 0 && u->factor > best->factor)
			best = u;
	buf_printf(out, "%" PRIu64 "%s", n / best->factor, best->suffix);
}

static int set_rate(const struct config_field *f, const char *label,
	const char *value, void *at)
{
	int rc = config_parse_rate(value, at);

	return rc ? refuse(rc, f, label, value,
			    rc == -ERANGE ? "out of range" : "not a rate")
		  : 0;
}

/* ---- texts ---- */

static int store(const char *value, char **at)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*at);
	*at = copy;
	return 0;
}

static bool is_name(const char *value)
{
	for (; *value; value++)
		if (!isalnum((unsigned char)*value) && !strchr("._-", *value))
			return false;
	return true;
}

static int set_text(const struct config_field *f, const char *label,
	const char *value, char **at)
{
	size_t len = strlen(value);

	if (len < f->min)
		return refuse(-EINVAL, f, label, value, "empty");
	if (len > f->max)
		return refuse(-ERANGE, f, label, value, "too long");
	if (f->type == CONFIG_NAME && !is_name(value))
		return refuse(-EINVAL, f, label, value, "not a name");
	return store(value, at);
}

static int add_word(const struct config_field *f, const char *label,
	const char *value, struct config_words *words)
{
	unsigned room = words->room ? 2 * words->room : 8;
	char **word = words->word;
	int rc;

	if (words->count == f->max)
		return refuse(-ERANGE, f, label, value, "one too many");
	if (!*value)
		return refuse(-EINVAL, f, label, value, "empty");
	if (words->count == words->room) {
		word = realloc(word, room * sizeof(*word));
		if (!word)
			return -ENOMEM;
		words->word = word;
		words->room = room;
	}
	word[words->count] = NULL;
	rc = store(value, &word[words->count]);
	words->count += !rc;
	return rc;
}

/* ---- words ---- */

static int set_bool(const struct config_field *f, const char *label,
	const char *value, bool *at)
{
	bool on = !strcmp(value, "on");

	if (!on && strcmp(value, "off"))
		return refuse(-EINVAL, f, label, value, "neither on nor off");
	*at = on;
	return 0;
}

static bool is_choice(const struct config_field *f,
	const struct config_choice *c, const char *value, size_t len)
{
	return strlen(c->name) == len &&
	       !(f->any_case ? strncasecmp(c->name, value, len)
			     : strncmp(c->name, value, len));
}

static int set_choice(const struct config_field *f, const char *label,
	const char *value, void *base)
{
	size_t len = strcspn(value, "=");
	const struct config_choice *c = f->choices;
	unsigned *at = (void *)((char *)base + f->offset);
	char **arg = (void *)((char *)base + f->aux_offset);
	char arg_label[CONFIG_LABEL_MAX];

	while (c->name && !is_choice(f, c, value, len))
		c++;
	if (!c->name)
		return refuse(-EINVAL, f, label, value, "unknown");
	if (c->arg && !value[len])
		return refuse(-EINVAL, f, label, value, "incomplete");
	if (!c->arg && value[len])
		return refuse(-EINVAL, f, label, value, "takes no argument");
	*at = (unsigned)(c - f->choices);
	if (!c->arg)
		return 0;
	snprintf(arg_label, sizeof(arg_label), "%s%s=", label, c->name);
	return set_text(f, arg_label, value + len + 1, arg);
}

int config_set(const struct config_field *f, const char *label,
	const char *value, void *base)
{
	void *at = (char *)base + f->offset;

	switch (f->type) {
	case CONFIG_STRING:
	case CONFIG_PATH:
	case CONFIG_NAME:
		return set_text(f, label, value, at);
	case CONFIG_BOOL:
		return set_bool(f, label, value, at);
	case CONFIG_UNSIGNED:
	case CONFIG_COUNT:
	case CONFIG_SIZE:
	case CONFIG_DURATION:
		return set_number(f, label, value, at);
	case CONFIG_RATE:
		return set_rate(f, label, value, at);
	case CONFIG_CHOICE:
		return set_choice(f, label, value, base);
	case CONFIG_WORDS:
		return add_word(f, label, value, at);
	case CONFIG_LIST:
	case CONFIG_OBJECT:
	case CONFIG_TEXTS:
	case CONFIG_ABSENT:
		break;
	}
	return -EINVAL;
}
