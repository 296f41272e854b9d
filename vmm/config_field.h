/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_field.h - describe the settings of an object; text to values and back
 *
 * An object is a plain struct and a table of fields.  Everything that knows the
 * settings works from the table: the parser of the command line, its error
 * sentences, the help, the man pages.  Nothing here opens or creates a file.
 *
 * A table states its members with CONFIG_AT(), which does not compile when the
 * member's type is not the one that the field's type is stored as.
 */
#ifndef MUSTER_VMM_CONFIG_FIELD_H
#define MUSTER_VMM_CONFIG_FIELD_H

#include "vmm/base/bucket.h"
#include "vmm/base/buf.h"
#include "vmm/base/util.h"

enum config_type {
	CONFIG_STRING,   /* char *, owned; min to max bytes */
	CONFIG_PATH,     /* char *, owned; the name of a file */
	CONFIG_NAME,     /* char *, owned; letters, digits, '.', '_', '-' */
	CONFIG_BOOL,     /* bool: on, off */
	CONFIG_UNSIGNED, /* unsigned */
	CONFIG_COUNT,    /* uint64_t */
	CONFIG_SIZE,     /* uint64_t, bytes: 4096, 512M, 5G */
	CONFIG_DURATION, /* uint64_t, milliseconds: 500ms, 30s, 2m */
	CONFIG_RATE,     /* struct rate: 100M, 100M/500ms, 100M/1s+2G */
	CONFIG_CHOICE,   /* unsigned, an index into `choices` */
	CONFIG_LIST,  /* an array of `item` objects, given as key=value,… */
	CONFIG_WORDS, /* struct config_words; each time it is given adds one */
	/* Refused, but for a null of JSON; `help` says why; stored nowhere. */
	CONFIG_ABSENT,
	/* In JSON only: */
	CONFIG_OBJECT, /* one `item` */
	CONFIG_TEXTS,  /* char *, owned; the JSON of an object of strings */
};

struct config_words {
	unsigned count;
	unsigned room;
	char **word; /* owned, as each word is */
};

/* One word of a CONFIG_CHOICE; with `arg` it is given as NAME=ARG. */
struct config_choice {
	const char *name;
	const char *arg; /* what stands for the argument in the help, or NULL */
};

struct config_field {
	const char *name;
	enum config_type type;
	bool required;
	bool any_case; /* CHOICE: upper and lower case are the same */
	bool operand;  /* WORDS: the arguments that are no option; "-" is one */
	bool hidden;   /* no help speaks of it: for tests, or ABSENT */
	char letter;   /* the option's short form, or 0 */
	size_t offset;
	/*
	 * CHOICE: where an argument goes (char *), or 0; LIST: the count (unsigned);
	 * OBJECT: whether it was given (bool), or 0.
	 */
	size_t aux_offset;
	uint64_t min, max; /* of the number, of the bytes of a text, of items */
	uint64_t multiple_of;
	const char
		*fallback; /* the value when none is given, as text, or NULL */
	const char *metavar;
	const char *help;                    /* a phrase, no capital, no stop */
	const struct config_choice *choices; /* ends with a NULL name */
	const struct config_object *item;
};

#define CONFIG_FIELDS_MAX 64

struct config_object {
	const char
		*name; /* the verb that takes it, for "see muster help NAME" */
	const struct config_field *fields;
	unsigned count; /* at most CONFIG_FIELDS_MAX */
	size_t size_bytes;
};

#define CONFIG_AT(object, member, type) \
	(offsetof(object, member) +     \
		0 * sizeof((type *)NULL == &((object *)NULL)->member))

/* ---- an object ---- */

/* Give every field of a zeroed object its default.  0 or -ENOMEM. */
int config_defaults(const struct config_object *object, void *base);

/* Free what the fields own and zero the object. */
void config_fini(const struct config_object *object, void *base);

/*
 * Read `--name value` and `--name=value` (a bool also as `--name`, a field with a
 * letter also as `-l value`) into an object
 * that holds its defaults.  0, or -errno with a sentence that names the option,
 * its value and the remedy; the object is then partly set and needs its fini.
 */
int config_parse_args(const struct config_object *object, int argc,
	char *const argv[], void *base);

/*
 * Append the arguments that give this object, each as `--name=value` and a NUL:
 * parsing them again yields the same object.
 */
void config_print_args(
	const struct config_object *object, const void *base, struct buf *out);

/*
 * Read a JSON object of `len` bytes into a zeroed object: a member of a STRING,
 * PATH, NAME or CHOICE is a string, of a BOOL true or false, of an UNSIGNED or COUNT
 * a number, of a LIST an array of objects, of TEXTS an object; WORDS do not occur.
 * null is as good as no member.  0, or -errno with a sentence that names the
 * member; the object then needs nothing.
 */
int config_parse_json(const struct config_object *object, const char *text,
	size_t len, void *base);

/*
 * The same into an object that holds its values: only members that are given
 * change, one at least.  After an error the object is partly changed.
 */
int config_patch_json(const struct config_object *object, const char *text,
	size_t len, void *base);

/* The same, and it may be none. */
int config_update_json(const struct config_object *object, const char *text,
	size_t len, void *base);

/* ---- one field ---- */

/* `label` stands in front of the value in sentences: "--cpus ", "--disk id=". */
#define CONFIG_LABEL_MAX 64
int config_set(const struct config_field *field, const char *label,
	const char *value, void *base);

/* Digits and a unit of the type; what is past 64 bits becomes UINT64_MAX. */
int config_parse_number(
	enum config_type type, const char *value, uint64_t *ret);

/* -EINVAL, or -ERANGE past what a rate may be; a time that is not given is a second. */
int config_parse_rate(const char *value, struct rate *ret);

/* ---- words for people; each appends to `out` ---- */

/* A number in the largest unit that gives it exactly: 512M, 30s. */
void config_put_number(enum config_type type, uint64_t n, struct buf *out);

/* As config_parse_rate() reads it. */
void config_put_rate(const struct rate *rate, struct buf *out);

/* `name=value` as it is typed: "cpus=N", "readonly=on|off"; `sep` is ' ' or '='. */
void config_put_synopsis(
	const struct config_field *field, char sep, struct buf *out);

/* What a value may be: "a number from 1 to 254". */
void config_put_expected(const struct config_field *field, struct buf *out);

/* The range and the default: "1 to 254; default 1". */
void config_put_notes(const struct config_field *field, struct buf *out);

#endif
