/* SPDX-License-Identifier: Apache-2.0 */
/* blkguest.c - a guest with a virtio-blk device */
#include "tests/unit/blkguest.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/unit.h"

struct blkguest blkguest;

static int setup(void **state, bool readonly)
{
	const struct disk_options o = { .path = image_path,
		.readonly = readonly };
	struct guest *guest = &blkguest.guest;

	image_setup(state);
	assert_int_equal(guest_init(guest, LOOP_AUTO), 0);
	assert_int_equal(disk_open(&o, &blkguest.disk), 0);
	assert_int_equal(
		virtio_blk_init(&blkguest.blk, &guest->mem, guest->loop,
			blkguest.disk, "disk", BLKGUEST_ID, BLKGUEST_QUEUES),
		0);
	assert_int_equal(guest_attach(guest, &blkguest.blk.dev), 0);
	guest_start(guest, BLKGUEST_FEATURES, 1, 16);
	assert_int_equal(guest_status(guest), RUNNING);
	(void)fake_irq_edges(GUEST_GSI);
	return 0;
}

int blkguest_setup(void **state)
{
	return setup(state, false);
}

int blkguest_setup_readonly(void **state)
{
	return setup(state, true);
}

int blkguest_teardown(void **state)
{
	guest_fini(&blkguest.guest);
	virtio_blk_fini(&blkguest.blk);
	blkguest.disk = disk_close(blkguest.disk);
	return image_teardown(state);
}

void blkguest_offer(
	unsigned i, uint32_t type, uint64_t sector, uint32_t len, bool readable)
{
	struct guest *guest = &blkguest.guest;
	struct ring *ring = &guest->ring[0];
	const struct virtio_blk_outhdr header = { type, 0, sector };
	const uint32_t at = 16 * i;
	uint16_t head = (uint16_t)(3 * i);

	memcpy(guest_ptr(guest, BLKGUEST_HEADER + at, sizeof(header)), &header,
		sizeof(header));
	*(uint8_t *)guest_ptr(guest, BLKGUEST_STATUS + i, 1) = 0xff;
	ring_set(ring->desc, head, BLKGUEST_HEADER + at, sizeof(header), NEXT,
		head + 1);
	ring_set(ring->desc, head + 1u, BLKGUEST_DATA + 0x1000 * i, len,
		(uint16_t)(NEXT | (readable ? 0 : WRITE)), head + 2);
	ring_set(ring->desc, head + 2u, BLKGUEST_STATUS + i, 1, WRITE, 0);
	ring_offer(ring, head);
}

static uint8_t run(uint32_t type, uint64_t sector, uint32_t len, bool readable)
{
	struct guest *guest = &blkguest.guest;
	struct vring_used_elem e;

	blkguest_offer(0, type, sector, len, readable);
	guest_kick(guest);
	assert_true(ring_reap(&guest->ring[0], &e));
	assert_int_equal(e.id, 0);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
	blkguest.written = e.len;
	return *(uint8_t *)guest_ptr(guest, BLKGUEST_STATUS, 1);
}

uint8_t blkguest_io(uint32_t type, uint64_t sector, uint32_t len)
{
	return run(type, sector, len, type == VIRTIO_BLK_T_OUT);
}

uint8_t blkguest_out(uint32_t type, uint64_t sector, uint32_t len)
{
	return run(type, sector, len, true);
}

void blkguest_expect(uint32_t at, uint32_t len, uint8_t byte)
{
	const uint8_t *p = guest_ptr(
		&blkguest.guest, BLKGUEST_DATA + at, len ? len : 1);

	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(p[i], byte);
}

uint8_t blkguest_image_byte(uint64_t at)
{
	int fd = open(image_path, O_RDONLY);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	close(fd);
	return byte;
}
