/* SPDX-License-Identifier: Apache-2.0 */
/* thing.h - a structure with a field of every kind, and its table */
#ifndef MUSTER_TESTS_UNIT_THING_H
#define MUSTER_TESTS_UNIT_THING_H

#include <stdatomic.h>

#include "vmm/core/mem.h"
#include "vmm/core/state.h"

#define THING_QUEUES   2
#define THING_MSRS_MAX 100
#define THING_BLOB_MAX 300

struct inner {
	void *host; /* never saved */
	uint16_t index;
	gpa_t ring;
	bool ready;
};

struct msr {
	uint32_t index;
	uint64_t value;
};

struct thing {
	uint8_t small;
	atomic_uint status;
	unsigned long long wide;
	bool on;
	uint16_t table[3];
	uint8_t id[5];
	struct inner one;
	struct inner two[2];
	struct inner *queues;
	uint32_t queue_count;
	struct msr *msrs;
	uint32_t msr_count;
	uint8_t *blob;
	uint32_t blob_len;
	uint64_t capacity;
	uint32_t late; /* came with version 2 */
};

/* Version 2. */
extern const struct state_desc thing_desc;

/* After power-on: no lists.  thing_fini() also frees what was loaded. */
void thing_init(struct thing *t);
void thing_fini(struct thing *t);

/* Anything that a thing can be. */
void thing_fill(struct thing *t);

/* The encoding of a thing after power-on; the caller frees it. */
struct buf thing_plain(void);

#endif
