// SPDX-License-Identifier: Apache-2.0
/* hostile-buffer.c - buffers that are no RAM, too long, too short, or misused */
#include "tests/guests/rt/hostile.h"

#define MMIO_GAP   (3 * GIB)
#define OWN_WINDOW 0xd0000000ull

static struct vring_desc *ring(struct blk *blk)
{
	return blk->dev.queue[0].desc;
}

static void put_at(struct blk *blk, unsigned desc, uint64_t addr)
{
	ring(blk)[desc].addr = addr;
	raw_go(blk);
}

/* Header, data and status in turn at one bad address. */
#define AT(name, addr)                             \
	static void header_##name(struct blk *blk) \
	{                                          \
		put_at(blk, 0, addr);              \
	}                                          \
	static void data_##name(struct blk *blk)   \
	{                                          \
		put_at(blk, 1, addr);              \
	}                                          \
	static void status_##name(struct blk *blk) \
	{                                          \
		put_at(blk, 2, addr);              \
	}

#define AT_ROWS(name, text)                            \
	{ "header " text, BROKEN, header_##name },     \
		{ "data " text, BROKEN, data_##name }, \
	{                                              \
		"status " text, BROKEN, status_##name  \
	}

AT(end, ram_end())
AT(gap, MMIO_GAP)
AT(window, OWN_WINDOW)
AT(lapic, LAPIC)
AT(high, 1ull << 40)
AT(last, ~0ull)

static void data_across_the_end(struct blk *blk)
{
	put_at(blk, 1, ram_end() - 512);
}

static void data_wraps_around(struct blk *blk)
{
	put_at(blk, 1, -(uint64_t)512);
}

static void data_of_4_gib(struct blk *blk)
{
	ring(blk)[1].len = 0xffffffff;
	raw_go(blk);
}

static void sum_beyond_4_gib(struct blk *blk)
{
	uint32_t most = (uint32_t)(ram_end() / 2) & ~511u;
	unsigned count = (unsigned)(4 * GIB / most) + 2;

	for (unsigned i = 1; i <= count; i++)
		ring(blk)[i] = raw_desc((void *)(ram_end() - most), most,
			VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, i + 1);
	ring(blk)[count + 1] = raw_desc(&raw_status, 1, VRING_DESC_F_WRITE, 0);
	raw_go(blk);
}

static void data_of_odd_length(struct blk *blk)
{
	ring(blk)[1].len = 511;
	raw_go(blk);
}

static void data_of_nothing(struct blk *blk)
{
	ring(blk)[1].len = 0;
	raw_go(blk);
}

static void header_too_short(struct blk *blk)
{
	ring(blk)[0].len = 15;
	raw_go(blk);
}

static void header_of_nothing(struct blk *blk)
{
	ring(blk)[0].len = 0;
	raw_go(blk);
}

static void no_header(struct blk *blk)
{
	ring(blk)[0] = ring(blk)[2];
	raw_go(blk);
}

static void no_status(struct blk *blk)
{
	ring(blk)[0].flags = 0;
	raw_go(blk);
}

static void nothing_at_all(struct blk *blk)
{
	ring(blk)[0] = raw_desc(NULL, 0, 0, 0);
	raw_go(blk);
}

static void from_sector(struct blk *blk, uint64_t sector)
{
	raw_header.sector = sector;
	raw_go(blk);
}

static void sector_is_the_size(struct blk *blk)
{
	from_sector(blk, blk->sectors);
}

static void sector_across_the_end(struct blk *blk)
{
	from_sector(blk, blk->sectors - 1);
}

static void sector_wraps_in_bytes(struct blk *blk)
{
	from_sector(blk, 1ull << 55);
}

static void sector_wraps(struct blk *blk)
{
	from_sector(blk, -1ull);
}

/* The disk's bytes are to land in the rings that describe the request. */
static void data_over_the_descriptors(struct blk *blk)
{
	put_at(blk, 1, (uint64_t)ring(blk));
}

static void data_over_the_used_ring(struct blk *blk)
{
	put_at(blk, 1, (uint64_t)blk->dev.queue[0].used);
}

static void data_over_the_available_ring(struct blk *blk)
{
	put_at(blk, 1, (uint64_t)blk->dev.queue[0].avail);
}

static void status_over_the_header(struct blk *blk)
{
	put_at(blk, 2, (uint64_t)&raw_header);
}

static void id_into_one_byte(struct blk *blk)
{
	raw_header.type = VIRTIO_BLK_T_GET_ID;
	ring(blk)[1].len = 1;
	raw_go(blk);
}

static void discard_of_half_a_range(struct blk *blk)
{
	raw_header.type = VIRTIO_BLK_T_DISCARD;
	ring(blk)[1].flags = VRING_DESC_F_NEXT;
	ring(blk)[1].len = 15;
	raw_go(blk);
}

/* 256 ranges of whatever raw_data holds, where the device offered one. */
static void discard_of_many_ranges(struct blk *blk)
{
	raw_header.type = VIRTIO_BLK_T_DISCARD;
	memset(raw_data, 0xff, sizeof(raw_data));
	ring(blk)[1].flags = VRING_DESC_F_NEXT;
	raw_go(blk);
}

static const struct attack attacks[] = {
	AT_ROWS(end, "behind RAM"),
	AT_ROWS(gap, "in the gap"),
	AT_ROWS(window, "in the device's own window"),
	AT_ROWS(lapic, "at the local APIC"),
	AT_ROWS(high, "beyond all RAM"),
	AT_ROWS(last, "at the last address"),
	{ "data across the end of RAM", BROKEN, data_across_the_end },
	{ "data wraps around", BROKEN, data_wraps_around },
	{ "data of 4 GiB", BROKEN, data_of_4_gib },
	{ "sum beyond 4 GiB", BROKEN, sum_beyond_4_gib },
	{ "data of odd length", REFUSED, data_of_odd_length },
	{ "data of 0 bytes", REFUSED, data_of_nothing },
	{ "header too short", REFUSED, header_too_short },
	{ "header of 0 bytes", REFUSED, header_of_nothing },
	{ "no header", REFUSED, no_header },
	{ "no status", REFUSED, no_status },
	{ "nothing at all", REFUSED, nothing_at_all },
	{ "sector is the disk's size", REFUSED, sector_is_the_size },
	{ "sectors across the end", REFUSED, sector_across_the_end },
	{ "sector overflows in bytes", REFUSED, sector_wraps_in_bytes },
	{ "sector overflows", REFUSED, sector_wraps },
	{ "data over the descriptors", HARMLESS, data_over_the_descriptors },
	{ "data over the used ring", HARMLESS, data_over_the_used_ring },
	{ "data over the available ring", HARMLESS,
		data_over_the_available_ring },
	{ "status over the header", HARMLESS, status_over_the_header },
	{ "id into one byte", HARMLESS, id_into_one_byte },
	{ "discard of half a range", REFUSED, discard_of_half_a_range },
	{ "discard of many ranges", REFUSED, discard_of_many_ranges },
};

void payload(void)
{
	attack_all(attacks, ARRAY_SIZE(attacks));
}
