/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio_mmio.c - the input is a program of what a driver does to a disk and an
 * entropy device: register accesses, doorbells, writes to memory; and of what the
 * host does meanwhile.  Whatever it was, all that the file operations are given
 * lies in RAM, and after a reset a good request is served.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "devices/virtio/blk.h"
#include "devices/virtio/rng.h"
#include "tests/fuzz/input.h"
#include "tests/unit/guest.h"
#include "vmm/base/log.h"

#define RAM_BYTES  0x48000
#define DISK_BYTES 0x8000
#define QUEUES     2
#define STEPS_MAX  2000

/* The guests share memory and loop; each has one device. */
static struct guest guests[2];
static struct guest *const blk_guest = &guests[0], *const rng_guest =
							   &guests[1];
static struct disk *disk;
static struct virtio_blk blk;
static struct virtio_rng rng;

static bool in_ram(const struct iovec *iov)
{
	const struct mem_region *r = &blk_guest->mem.region[0];
	uint64_t at = (uint64_t)((uint8_t *)iov->iov_base - r->hva);

	return at < r->size_bytes && iov->iov_len <= r->size_bytes - at;
}

static void check_op(const struct loop_op *op)
{
	must(op->iov_count <= VIRTQ_IOV_MAX);
	for (unsigned i = 0; i < op->iov_count; i++)
		must(in_ram(&op->iov[i]));
	must(op->offset <= DISK_BYTES && op->len <= DISK_BYTES);
}

/* ---- the machine ---- */

static void open_disk(void)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[32];
	struct disk_options o = { .path = path };

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	must(fd >= 0 && !ftruncate(fd, DISK_BYTES));
	must(!disk_open(&o, &disk));
	close(fd);
}

/* RAM is a heap block, so that the sanitizer sees what leaves it. */
static void power_on(void)
{
	struct loop *loop = fake_loop_new();
	struct mem mem = {
		.size_bytes = RAM_BYTES,
		.count = 1,
		.region = { { GPA(0), RAM_BYTES,
			aligned_alloc(4096, RAM_BYTES) } },
	};

	memset(mem.region[0].hva, 0, RAM_BYTES);
	for (unsigned i = 0; i < 2; i++)
		guests[i] = (struct guest){ .mem = mem, .loop = loop };
	fake_loop_observe(loop, check_op);
	open_disk();
	must(!virtio_blk_init(
		&blk, &blk_guest->mem, loop, disk, "disk", NULL, QUEUES));
	must(!virtio_rng_init(&rng, &rng_guest->mem, loop));
	must(!guest_attach(blk_guest, &blk.dev));
	must(!guest_attach(rng_guest, &rng.dev));
}

static void power_off(void)
{
	virtio_mmio_fini(&blk_guest->mmio);
	virtio_mmio_fini(&rng_guest->mmio);
	virtio_blk_fini(&blk);
	virtio_device_fini(&rng.dev);
	disk = disk_close(disk);
	loop_free(blk_guest->loop);
	free(blk_guest->mem.region[0].hva);
}

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
	uint64_t gpa = input_u32(in) % RAM_BYTES;
	uint8_t bytes[64];
	size_t len = input_u8(in) % sizeof(bytes);

	input_bytes(in, bytes, len);
	(void)mem_write(&g->mem, GPA(gpa), bytes, len);
}

static struct ring *pick_ring(struct guest *g, struct input *in)
{
	struct ring *ring = &g->ring[input_u8(in) % QUEUES];

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
		struct guest *g = &guests[op >> 7];

		steps[(op & 0x7f) % ARRAY_SIZE(steps)](g, in);
	}
}

/* ---- afterwards ---- */

static uint32_t serve_one(struct guest *g)
{
	struct vring_used_elem e;

	ring_offer(&g->ring[0], 0);
	guest_kick(g);
	must(ring_reap(&g->ring[0], &e));
	must(e.id == 0);
	return e.len;
}

static void check_rng(void)
{
	guest_start(rng_guest, VERSION_1, 1, 8);
	must(guest_status(rng_guest) == RUNNING);
	ring_set(rng_guest->ring[0].desc, 0, GUEST_DATA, 64, WRITE, 0);
	must(serve_one(rng_guest) == 64);
}

static void check_blk(void)
{
	const struct virtio_blk_outhdr header = { VIRTIO_BLK_T_IN, 0, 3 };
	struct vring_desc *desc;

	guest_start(blk_guest, VERSION_1, QUEUES, 8);
	must(guest_status(blk_guest) == RUNNING);
	must(!blk.in_flight);
	desc = blk_guest->ring[0].desc;
	memcpy(guest_ptr(blk_guest, GUEST_DATA, 16), &header, sizeof(header));
	ring_set(desc, 0, GUEST_DATA, 16, NEXT, 1);
	ring_set(desc, 1, GUEST_DATA + 0x1000, 512, NEXT | WRITE, 2);
	ring_set(desc, 2, GUEST_DATA + 0x2000, 1, WRITE, 0);
	must(serve_one(blk_guest) == 513);
	must(!*(uint8_t *)guest_ptr(blk_guest, GUEST_DATA + 0x2000, 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, len };

	log_set_level(LOG_ERROR);
	claim_loop_thread();
	power_on();
	run_program(&in);
	fake_loop_hold(blk_guest->loop, false);
	fake_loop_forge(blk_guest->loop, 0, 0);
	fake_loop_shorten(blk_guest->loop, 0);
	/* One at a time: both use the same rings. */
	guest_set_status(rng_guest, 0);
	check_blk();
	guest_set_status(blk_guest, 0);
	check_rng();
	power_off();
	return 0;
}
