/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - state is data: tables of fields that one engine saves, loads, prints
 * and compares
 *
 * A table lists the members of a structure that make up its state.  Only unsigned
 * numbers of a fixed size, bools, bytes and objects with a table of their own can
 * be listed, so that host pointers, descriptors and plain ints do not compile.
 *
 * Encoding: the fields in the order of the table, little-endian, nothing between
 * them; in front of the elements of a list, a blob or an EACH their number (u32).
 * A table may grow at any place: a new field says `.since = VERSION` and the
 * table's version becomes that; a field newer than what is loaded keeps the value
 * that the object has after power-on.  Nested tables go by the version of the
 * outermost one.
 *
 * What is loaded is hostile: nothing is allocated for bytes that are not there.
 */
#ifndef MUSTER_CORE_STATE_H
#define MUSTER_CORE_STATE_H

#include "vmm/base/buf.h"
#include "vmm/base/util.h"

enum state_kind {
	STATE_KIND_NUMBER,
	STATE_KIND_BOOL,
	STATE_KIND_BYTE,
	STATE_KIND_OBJECT
};

enum state_place {
	STATE_INLINE, /* in the structure, `count` elements */
	STATE_OWNED,  /* behind a pointer from malloc, up to `count` elements */
	STATE_EXISTING, /* behind a pointer, as many as the object already has */
};

struct state_desc;

/* Made by the macros below. */
struct state_field {
	const char *name;
	enum state_kind kind;
	enum state_place place;
	bool array;     /* prints as one, even of one element */
	bool same;      /* another value than the object has is refused */
	unsigned since; /* the version that brought the field; 0: the first */
	uint32_t count;
	uint64_t max;    /* of a number; 0: any */
	size_t size;     /* of one element in the structure */
	size_t offset;   /* of the member */
	size_t count_at; /* offset of the uint32_t number of elements */
	const struct state_desc *desc; /* of an object */
};

struct state_desc {
	const char *name; /* lower case; for messages too */
	unsigned version;
	size_t size_bytes; /* of the structure */
	const struct state_field *fields;
	unsigned count;
};

#define STATE_DESC(name_, version_, T, fields_)               \
	{                                                     \
		.name = (name_), .version = (version_),       \
		.size_bytes = sizeof(T), .fields = (fields_), \
		.count = ARRAY_SIZE(fields_)                  \
	}

/*
 * One field each; further designators may follow: `.max = 15`, `.since = 2`,
 * `.same = true`.  A member may be inside another one (`config.capacity`).  An
 * _Atomic member is read and written plainly: nobody else may be at it.
 */
#define STATE_U8(T, m, ...) \
	STATE_ONE_(T, m, NUMBER, STATE_U8_(T, m), __VA_ARGS__)
#define STATE_U16(T, m, ...) \
	STATE_ONE_(T, m, NUMBER, STATE_U16_(T, m), __VA_ARGS__)
#define STATE_U32(T, m, ...) \
	STATE_ONE_(T, m, NUMBER, STATE_U32_(T, m), __VA_ARGS__)
#define STATE_U64(T, m, ...) \
	STATE_ONE_(T, m, NUMBER, STATE_U64_(T, m), __VA_ARGS__)
#define STATE_GPA(T, m, ...) \
	STATE_ONE_(T, m, NUMBER, STATE_U64_(T, m.v), __VA_ARGS__)
#define STATE_BOOL(T, m, ...) \
	STATE_ONE_(T, m, BOOL, STATE_BOOL_(T, m), __VA_ARGS__)

/* Fixed arrays; STATE_BYTES is one of bytes that prints as hexadecimal text. */
#define STATE_U8S(T, m, ...) \
	STATE_ALL_(T, m, NUMBER, STATE_U8_(T, m[0]), __VA_ARGS__)
#define STATE_U16S(T, m, ...) \
	STATE_ALL_(T, m, NUMBER, STATE_U16_(T, m[0]), __VA_ARGS__)
#define STATE_U32S(T, m, ...) \
	STATE_ALL_(T, m, NUMBER, STATE_U32_(T, m[0]), __VA_ARGS__)
#define STATE_U64S(T, m, ...) \
	STATE_ALL_(T, m, NUMBER, STATE_U64_(T, m[0]), __VA_ARGS__)
#define STATE_BOOLS(T, m, ...) \
	STATE_ALL_(T, m, BOOL, STATE_BOOL_(T, m[0]), __VA_ARGS__)
#define STATE_BYTES(T, m, ...) \
	STATE_ALL_(T, m, BYTE, STATE_BYTE_(T, m[0]), __VA_ARGS__)

/* A structure, and a fixed array of structures, with the table `desc_`. */
#define STATE_OBJECT(T, m, desc_, ...)                                 \
	STATE_ONE_(T, m, OBJECT, sizeof(((T *)0)->m), .desc = (desc_), \
		__VA_ARGS__)
#define STATE_OBJECTS(T, m, desc_, ...)                                   \
	STATE_ALL_(T, m, OBJECT, sizeof(((T *)0)->m[0]), .desc = (desc_), \
		__VA_ARGS__)

/*
 * LIST: `m` points to `n` objects from malloc (a uint32_t member; NULL if 0), at
 * most `most`; state_load() allocates them, state_fini() frees them.  BLOB: the
 * same with bytes.  EACH: `n` is given by the object, and kept.
 */
#define STATE_LIST(T, m, n, most, desc_, ...)                          \
	STATE_FAR_(T, m, n, OWNED, OBJECT, sizeof(*((T *)0)->m), most, \
		.desc = (desc_), __VA_ARGS__)
#define STATE_BLOB(T, m, n, most, ...) \
	STATE_FAR_(T, m, n, OWNED, BYTE, STATE_BYTES_(T, m), most, __VA_ARGS__)
#define STATE_EACH(T, m, n, desc_, ...)                                \
	STATE_FAR_(T, m, n, EXISTING, OBJECT, sizeof(*((T *)0)->m), 0, \
		.desc = (desc_), __VA_ARGS__)

/* The size of a member if it has the type, else a compile-time error. */
#define STATE_U8_(T, m)    _Generic(((T *)0)->m, uint8_t : 1)
#define STATE_U16_(T, m)   _Generic(((T *)0)->m, uint16_t : 2)
#define STATE_U32_(T, m)   _Generic(((T *)0)->m, uint32_t : 4)
#define STATE_BOOL_(T, m)  _Generic(((T *)0)->m, bool : 1)
#define STATE_BYTE_(T, m)  _Generic(((T *)0)->m, uint8_t : 1, char : 1)
#define STATE_BYTES_(T, m) _Generic(((T *)0)->m, uint8_t * : 1)
#define STATE_U64_(T, m) \
	_Generic(((T *)0)->m, unsigned long : 8, unsigned long long : 8)

#define STATE_ONE_(T, m, kind_, size_, ...)                            \
	{                                                              \
		.name = #m, .kind = STATE_KIND_##kind_, .count = 1,    \
		.offset = offsetof(T, m), .size = (size_), __VA_ARGS__ \
	}
#define STATE_ALL_(T, m, kind_, size_, ...)                                 \
	{                                                                   \
		.name = #m, .kind = STATE_KIND_##kind_, .array = true,      \
		.count = ARRAY_SIZE(((T *)0)->m), .offset = offsetof(T, m), \
		.size = (size_), __VA_ARGS__                                \
	}
#define STATE_FAR_(T, m, n, place_, kind_, size_, most, ...)           \
	{                                                              \
		.name = #m, .kind = STATE_KIND_##kind_, .array = true, \
		.place = STATE_##place_, .count = (most),              \
		.count_at = offsetof(T, n) + 0 * STATE_U32_(T, n),     \
		.offset = offsetof(T, m), .size = (size_), __VA_ARGS__ \
	}

/* Append the encoding. */
void state_save(
	const struct state_desc *desc, const void *obj, struct buf *out);

/*
 * Fill `obj`, which is in the state after power-on, from what was saved with
 * `version` of the table.  -EBADMSG with a sentence that names the field (cut
 * short, out of range, another number than the object has, too many bytes, a
 * version that this table does not know), -ENOMEM.  After an error the object is
 * fit for state_fini() only.
 */
int state_load(const struct state_desc *desc, unsigned version,
	const void *data, size_t len, void *obj);

/*
 * Append what was saved as a JSON object; bytes are strings of hexadecimal digits.
 * It needs no object, so that a file can be shown that does not fit this machine.
 * 0, or -EBADMSG with a sentence as from state_load(); then out is half a text.
 */
int state_print(const struct state_desc *desc, unsigned version,
	const void *data, size_t len, struct buf *out);

/*
 * Append the name of each field that differs ("queues[1].next_avail"), one a
 * line; returns how many there are.
 */
unsigned state_diff(const struct state_desc *desc, const void *a, const void *b,
	struct buf *out);

/* Free LISTs and BLOBs, and set them to none. */
void state_fini(const struct state_desc *desc, void *obj);

/* An object of zeros from malloc; NULL with a sentence if there is no memory. */
void *state_new(const struct state_desc *desc);

/* state_fini(), and the object itself; NULL is fine.  Returns NULL. */
void *state_free(const struct state_desc *desc, void *obj);

#endif
