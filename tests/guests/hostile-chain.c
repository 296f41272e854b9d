// SPDX-License-Identifier: Apache-2.0
/* hostile-chain.c - descriptor chains that break the rules (virtio 1.2, 2.7.5) */
#include "tests/guests/rt/hostile.h"

#define NEXT      VRING_DESC_F_NEXT
#define WRITE     VRING_DESC_F_WRITE
#define INDIRECT  VRING_DESC_F_INDIRECT
#define TABLE_MAX 1024

static struct vring_desc table[TABLE_MAX] ALIGNED(4096);

static struct vring_desc *ring(struct blk *blk)
{
	return blk->dev.queue[0].desc;
}

/* A good request in `table`, and descriptor 0 that names it. */
static void via_table(struct blk *blk, uint32_t bytes)
{
	raw_request(table);
	ring(blk)[0] = raw_desc(table, bytes, INDIRECT, 0);
}

static void loop_of_one(struct blk *blk)
{
	ring(blk)[0].next = 0;
	raw_go(blk);
}

static void loop_of_two(struct blk *blk)
{
	ring(blk)[1].flags = NEXT;
	ring(blk)[1].next = 0;
	raw_go(blk);
}

static void loop_of_all(struct blk *blk)
{
	unsigned size = blk->dev.queue[0].size;

	for (unsigned i = 1; i < size; i++)
		ring(blk)[i] = raw_desc(
			raw_data, 1, NEXT | WRITE, i + 1 < size ? i + 1 : 1);
	raw_go(blk);
}

static void next_is_the_size(struct blk *blk)
{
	ring(blk)[1].next = (uint16_t)blk->dev.queue[0].size;
	raw_go(blk);
}

static void next_is_huge(struct blk *blk)
{
	ring(blk)[0].next = 0xffff;
	raw_go(blk);
}

static void head_is_the_size(struct blk *blk)
{
	virtq_offer(&blk->dev.queue[0], (uint16_t)blk->dev.queue[0].size);
	virtq_kick(&blk->dev.queue[0]);
}

static void head_is_huge(struct blk *blk)
{
	virtq_offer(&blk->dev.queue[0], 0xffff);
	virtq_kick(&blk->dev.queue[0]);
}

static void readable_after_writable(struct blk *blk)
{
	ring(blk)[0].flags |= WRITE;
	ring(blk)[1].flags = NEXT;
	raw_go(blk);
}

static void nested(struct blk *blk)
{
	via_table(blk, 3 * sizeof(*table));
	table[1] = raw_desc(table + 8, 3 * sizeof(*table), INDIRECT, 0);
	raw_go(blk);
}

static void table_names_itself(struct blk *blk)
{
	via_table(blk, 3 * sizeof(*table));
	table[0] = ring(blk)[0];
	raw_go(blk);
}

static void table_of_nothing(struct blk *blk)
{
	via_table(blk, 0);
	raw_go(blk);
}

static void table_of_odd_length(struct blk *blk)
{
	via_table(blk, 3 * sizeof(*table) + 1);
	raw_go(blk);
}

static void table_of_4_gib(struct blk *blk)
{
	via_table(blk, 0xfffffff0);
	raw_go(blk);
}

static void table_longer_than_queue(struct blk *blk)
{
	via_table(blk, sizeof(table));
	for (unsigned i = 1; i < TABLE_MAX; i++)
		table[i] = raw_desc(raw_data, 1,
			WRITE | (i + 1 < TABLE_MAX ? NEXT : 0), i + 1);
	raw_go(blk);
}

static void table_loops(struct blk *blk)
{
	via_table(blk, 3 * sizeof(*table));
	table[2].flags |= NEXT;
	table[2].next = 1;
	raw_go(blk);
}

static void table_too_short(struct blk *blk)
{
	via_table(blk, 2 * sizeof(*table));
	raw_go(blk);
}

static void table_and_more(struct blk *blk)
{
	via_table(blk, 3 * sizeof(*table));
	ring(blk)[0].flags |= NEXT;
	ring(blk)[0].next = 1;
	raw_go(blk);
}

static void table_outside_ram(struct blk *blk)
{
	via_table(blk, 3 * sizeof(*table));
	ring(blk)[0].addr = ram_end();
	raw_go(blk);
}

static void table_across_the_end(struct blk *blk)
{
	via_table(blk, 3 * sizeof(*table));
	ring(blk)[0].addr = ram_end() - sizeof(*table);
	raw_go(blk);
}

static void table_not_negotiated(struct blk *blk)
{
	blk_reopen(blk, BLK_FEATURES);
	via_table(blk, 3 * sizeof(*table));
	raw_go(blk);
}

static void unknown_flags(struct blk *blk)
{
	for (unsigned i = 0; i < 3; i++)
		ring(blk)[i].flags |= 0xfff8;
	raw_go(blk);
}

static const struct attack attacks[] = {
	{ "loop of one", BROKEN, loop_of_one },
	{ "loop of two", BROKEN, loop_of_two },
	{ "loop of the whole queue", BROKEN, loop_of_all },
	{ "next is the queue's size", BROKEN, next_is_the_size },
	{ "next is 0xffff", BROKEN, next_is_huge },
	{ "head is the queue's size", BROKEN, head_is_the_size },
	{ "head is 0xffff", BROKEN, head_is_huge },
	{ "readable after writable", BROKEN, readable_after_writable },
	{ "nested indirect table", BROKEN, nested },
	{ "indirect table names itself", BROKEN, table_names_itself },
	{ "indirect table of 0 bytes", BROKEN, table_of_nothing },
	{ "indirect table of odd length", BROKEN, table_of_odd_length },
	{ "indirect table of 4 GiB", BROKEN, table_of_4_gib },
	{ "indirect table longer than the queue", BROKEN,
		table_longer_than_queue },
	{ "loop in an indirect table", BROKEN, table_loops },
	{ "next outside the indirect table", BROKEN, table_too_short },
	{ "indirect and next at once", BROKEN, table_and_more },
	{ "indirect table outside RAM", BROKEN, table_outside_ram },
	{ "indirect table across the end of RAM", BROKEN,
		table_across_the_end },
	{ "indirect table without the feature", BROKEN, table_not_negotiated },
	{ "unknown descriptor flags", HARMLESS, unknown_flags },
};

void payload(void)
{
	attack_all(attacks, ARRAY_SIZE(attacks));
}
