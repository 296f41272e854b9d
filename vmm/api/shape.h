/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape.h - what a reply is made of, described for those who read it
 *
 * A row of the table (resources.c) names the shape of what it tells.  The handler
 * makes the JSON by itself; the tests compare it with the shape.  So it is where a
 * body is sent that no table reads.
 */
#ifndef MUSTER_API_SHAPE_H
#define MUSTER_API_SHAPE_H

#include "vmm/config_field.h"

enum shape_type {
	SHAPE_STRING,
	SHAPE_INTEGER,
	SHAPE_BOOL,
	SHAPE_ANY,      /* an object with members of any kind */
	SHAPE_OBJECT,   /* a `shape` */
	SHAPE_SETTINGS, /* what a client may send, told again: an `object` */
	SHAPE_NULL,     /* nothing, in this version */
};

#define SHAPE_MAY_BE_NULL BIT(0)
#define SHAPE_MAY_LACK    BIT(1) /* the member may be absent */
#define SHAPE_LIST        BIT(2) /* an array of these */
#define SHAPE_SENT_ONLY   BIT(4) /* by clients; no reply has it */
#define SHAPE_MAP         BIT(3) /* an object whose members, of any name, are these */

struct shape_member {
	const char *name;
	enum shape_type type;
	unsigned flags;
	const char *const *words; /* STRING: one of them; NULL: any */
	unsigned word_count;
	const struct shape *shape;
	const struct config_object *object;
};

struct shape {
	const char *name;  /* of no other shape or object */
	const char *media; /* NULL: application/json; else it is text */
	bool open;         /* there may be more members */
	/* The members are those of an object, or these. */
	const struct config_object *object;
	const struct shape_member *members;
	unsigned count;
};

#define SHAPE(label, table)                          \
	{                                            \
		.name = (label), .members = (table), \
		.count = ARRAY_SIZE(table),          \
	}

#endif
