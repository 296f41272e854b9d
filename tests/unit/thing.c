/* SPDX-License-Identifier: Apache-2.0 */
/* thing.c - things after power-on, and any others */
#include "tests/unit/thing.h"

#include <stdlib.h>

static const struct state_field inner_fields[] = {
	STATE_U16(struct inner, index),
	STATE_GPA(struct inner, ring),
	STATE_BOOL(struct inner, ready),
};

static const struct state_desc inner_desc = STATE_DESC(
	"inner", 1, struct inner, inner_fields);

static const struct state_field msr_fields[] = {
	STATE_U32(struct msr, index),
	STATE_U64(struct msr, value),
};

static const struct state_desc msr_desc = STATE_DESC(
	"msr", 1, struct msr, msr_fields);

static const struct state_field thing_fields[] = {
	STATE_U8(struct thing, small, .max = 200),
	STATE_U32(struct thing, status),
	STATE_U64(struct thing, wide),
	STATE_BOOL(struct thing, on),
	STATE_U16S(struct thing, table),
	STATE_BYTES(struct thing, id),
	STATE_U32(struct thing, late, .since = 2),
	STATE_OBJECT(struct thing, one, &inner_desc),
	STATE_OBJECTS(struct thing, two, &inner_desc),
	STATE_EACH(struct thing, queues, queue_count, &inner_desc),
	STATE_LIST(struct thing, msrs, msr_count, THING_MSRS_MAX, &msr_desc),
	STATE_BLOB(struct thing, blob, blob_len, THING_BLOB_MAX),
	STATE_U64(struct thing, capacity, .same = true),
};

const struct state_desc thing_desc = STATE_DESC(
	"thing", 2, struct thing, thing_fields);

void thing_init(struct thing *t)
{
	*t = (struct thing){ .queue_count = THING_QUEUES, .capacity = 4096 };
	t->queues = calloc(THING_QUEUES, sizeof(*t->queues));
}

void thing_fini(struct thing *t)
{
	state_fini(&thing_desc, t);
	free(t->queues);
}

static uint64_t random64(void)
{
	return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^
	       (uint64_t)random();
}

static void fill_inner(struct inner *in)
{
	in->host = in;
	in->index = (uint16_t)random64();
	in->ring = GPA(random64());
	in->ready = random64() & 1;
}

void thing_fill(struct thing *t)
{
	thing_init(t);
	t->small = (uint8_t)(random64() % 201);
	t->status = (uint32_t)random64();
	t->wide = random64();
	t->on = random64() & 1;
	for (unsigned i = 0; i < ARRAY_SIZE(t->table); i++)
		t->table[i] = (uint16_t)random64();
	for (unsigned i = 0; i < sizeof(t->id); i++)
		t->id[i] = (uint8_t)random64();
	fill_inner(&t->one);
	for (unsigned i = 0; i < 2; i++) {
		fill_inner(&t->two[i]);
		fill_inner(&t->queues[i]);
	}
	t->msr_count = (uint32_t)(random64() % (THING_MSRS_MAX + 1));
	t->msrs = t->msr_count ? calloc(t->msr_count, sizeof(*t->msrs)) : NULL;
	for (unsigned i = 0; i < t->msr_count; i++)
		t->msrs[i] = (struct msr){ (uint32_t)random64(), random64() };
	t->blob_len = (uint32_t)(random64() % (THING_BLOB_MAX + 1));
	t->blob = t->blob_len ? calloc(t->blob_len, 1) : NULL;
	t->late = (uint32_t)random64();
}

struct buf thing_plain(void)
{
	struct buf out = BUF_INIT;
	struct thing t;

	thing_init(&t);
	state_save(&thing_desc, &t, &out);
	thing_fini(&t);
	return out;
}
