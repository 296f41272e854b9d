/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio_mmio.c - the input is a program of what a driver does to a disk and an
 * entropy device: register accesses, doorbells, writes to memory; and of what the
 * host does meanwhile.  Whatever it was, all that the file operations are given
 * lies in RAM, and after a reset a good request is served.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "tests/fuzz/box.h"
#include "tests/fuzz/input.h"
#include "vmm/base/log.h"

#define STEPS_MAX 2000

/* ---- the program ---- */

static void write_register(struct guest *g, struct input *in)
{
	uint64_t reg = 4ull * (input_u8(in) % 0x48);

	guest_write(g, reg, input_u32(in));
}

static void access_any(struct guest *g, struct input *in)
{
	uint8_t how = input_u8(in);
	unsigned len = BIT(how & 3);
	uint64_t offset = input_u16(in) % (VIRTIO_MMIO_BYTES - len + 1);
	uint64_t value = input_u64(in);

	if (how & 4)
		virtio_mmio_bus_ops.write(&g->mmio, offset, &value, len);
	else
		virtio_mmio_bus_ops.read(&g->mmio, offset, &value, len);
}

/* A well-behaved start, from which more can be reached. */
static void start(struct guest *g, struct input *in)
{
	uint64_t features = VERSION_1 | (uint64_t)input_u8(in)
						<< VIRTIO_RING_F_INDIRECT_DESC;

	features = (features & g->mmio.dev->offered) |
		   (input_u8(in) & 1 ? BIT64(VIRTIO_BLK_F_FLUSH) : 0);
	guest_start(g, features, g->mmio.dev->queue_count,
		(uint16_t)BIT(input_u8(in) % 10));
}

static void write_memory(struct guest *g, struct input *in)
{
	uint64_t gpa = input_u32(in) % BOX_RAM_BYTES;
	uint8_t bytes[64];
	size_t len = input_u8(in) % sizeof(bytes);

	input_bytes(in, bytes, len);
	(void)mem_write(&g->mem, GPA(gpa), bytes, len);
}

static struct ring *pick_ring(struct guest *g, struct input *in)
{
	struct ring *ring = &g->ring[input_u8(in) % BOX_QUEUES];

	return ring->mem ? ring : NULL;
}

static void write_descriptor(struct guest *g, struct input *in)
{
	struct ring *ring = pick_ring(g, in);
	unsigned index = input_u8(in);
	uint64_t gpa = input_u32(in);
	uint32_t len = input_u32(in);
	uint16_t flags = input_u8(in), next = input_u8(in);

	if (ring)
		ring_set(ring->desc, index % VIRTQ_SIZE_MAX, gpa, len, flags,
			next);
}

static void offer(struct guest *g, struct input *in)
{
	struct ring *ring = pick_ring(g, in);
	uint16_t head = input_u8(in);

	if (ring)
		ring_offer(ring, head);
}

static void kick(struct guest *g, struct input *in)
{
	(void)in;
	guest_kick(g);
}

/* What the host's loop may do at any time, step by step. */
static void turn(struct guest *g, struct input *in)
{
	uint8_t what = input_u8(in);

	if (what & 1)
		fake_loop_ring(g->loop, &g->mmio.doorbell);
	if (what & 2)
		fake_loop_dispatch(g->loop);
	if (what & 4)
		fake_loop_finish_batch(g->loop);
	if (what & 8)
		fake_loop_poll(g->loop);
	fake_loop_hold(g->loop, what & 16);
}

static void fault(struct guest *g, struct input *in)
{
	static const int errors[] = { 0, -EIO, -ENOSPC, -EOPNOTSUPP };
	uint8_t what = input_u8(in);

	fake_loop_forge(g->loop, what & 3, errors[what >> 2 & 3]);
	fake_loop_shorten(g->loop, what >> 4 ? 1u << (what >> 4) : 0);
}

static void (*const steps[])(struct guest *g, struct input *in) = {
	write_register,
	access_any,
	start,
	write_memory,
	write_descriptor,
	offer,
	kick,
	turn,
	fault,
};

static void run_program(struct input *in)
{
	for (unsigned i = 0; in->left && i < STEPS_MAX; i++) {
		uint8_t op = input_u8(in);
		struct guest *g = &box.guest[op >> 7];

		steps[(op & 0x7f) % ARRAY_SIZE(steps)](g, in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, len };

	log_set_level(LOG_ERROR);
	claim_loop_thread();
	box_power_on();
	run_program(&in);
	box_must_serve();
	box_power_off();
	return 0;
}
