/* SPDX-License-Identifier: Apache-2.0 */
/* box.c - power on, do what any driver may expect, power off */
#include "tests/fuzz/box.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/input.h"

struct box box;

static struct guest *const blk_guest = &box.guest[BOX_BLK];
static struct guest *const rng_guest = &box.guest[BOX_RNG];

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
	must(op->offset <= BOX_DISK_BYTES && op->len <= BOX_DISK_BYTES);
}

/* ---- the machine ---- */

static void open_disk(void)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[32];
	struct disk_options o = { .path = path };

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	must(fd >= 0 && !ftruncate(fd, BOX_DISK_BYTES));
	must(!disk_open(&o, &box.disk));
	close(fd);
}

/* RAM is a heap block, so that the sanitizer sees what leaves it. */
void box_power_on(void)
{
	struct loop *loop = fake_loop_new();
	struct mem mem = {
		.size_bytes = BOX_RAM_BYTES,
		.count = 1,
		.region = { { GPA(0), BOX_RAM_BYTES,
			aligned_alloc(4096, BOX_RAM_BYTES) } },
	};

	memset(mem.region[0].hva, 0, BOX_RAM_BYTES);
	for (unsigned i = 0; i < BOX_GUESTS; i++)
		box.guest[i] = (struct guest){ .mem = mem, .loop = loop };
	fake_loop_observe(loop, check_op);
	open_disk();
	must(!virtio_blk_init(&box.blk, &blk_guest->mem, loop, box.disk, "disk",
		NULL, BOX_QUEUES));
	must(!virtio_rng_init(&box.rng, &rng_guest->mem, loop));
	must(!guest_attach(blk_guest, &box.blk.dev));
	must(!guest_attach(rng_guest, &box.rng.dev));
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

	guest_start(blk_guest, VERSION_1, BOX_QUEUES, 8);
	must(guest_status(blk_guest) == RUNNING);
	must(!box.blk.in_flight);
	desc = blk_guest->ring[0].desc;
	memcpy(guest_ptr(blk_guest, GUEST_DATA, 16), &header, sizeof(header));
	ring_set(desc, 0, GUEST_DATA, 16, NEXT, 1);
	ring_set(desc, 1, GUEST_DATA + 0x1000, 512, NEXT | WRITE, 2);
	ring_set(desc, 2, GUEST_DATA + 0x2000, 1, WRITE, 0);
	must(serve_one(blk_guest) == 513);
	must(!*(uint8_t *)guest_ptr(blk_guest, GUEST_DATA + 0x2000, 1));
}

void box_must_serve(void)
{
	fake_loop_hold(blk_guest->loop, false);
	fake_loop_forge(blk_guest->loop, 0, 0);
	fake_loop_shorten(blk_guest->loop, 0);
	/* One at a time: both use the same rings. */
	guest_set_status(rng_guest, 0);
	check_blk();
	guest_set_status(blk_guest, 0);
	check_rng();
}

void box_power_off(void)
{
	virtio_mmio_fini(&blk_guest->mmio);
	virtio_mmio_fini(&rng_guest->mmio);
	virtio_blk_fini(&box.blk);
	virtio_device_fini(&box.rng.dev);
	box.disk = disk_close(box.disk);
	loop_free(blk_guest->loop);
	free(blk_guest->mem.region[0].hva);
}
