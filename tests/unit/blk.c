/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blk.c - virtio-blk requests from the driver's side: framing, ranges, statuses,
 * and the bytes that reach the image
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/blkguest.h"

static struct guest *const guest = &blkguest.guest;

static void the_device_describes_itself(void **state)
{
	const struct virtio_blk_config *c = &blkguest.blk.config;

	(void)state;
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_DEVICE_ID), 2);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_CONFIG),
		IMAGE_BYTES / DISK_SECTOR_BYTES);
	assert_int_equal(c->seg_max, VIRTQ_IOV_MAX - 2);
	assert_int_equal(c->num_queues, BLKGUEST_QUEUES);
	assert_int_equal(c->blk_size, DISK_SECTOR_BYTES);
}

/* ---- what works ---- */

static void a_read_gives_the_bytes_and_counts_them(void **state)
{
	(void)state;
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_IN, 5, 1024), VIRTIO_BLK_S_OK);
	assert_int_equal(blkguest.written, 1024 + 1);
	blkguest_expect(0, 512, 6);
	blkguest_expect(512, 512, 7);
}

static void a_write_reaches_the_image(void **state)
{
	(void)state;
	memset(guest_ptr(guest, BLKGUEST_DATA, 1024), 0xaa, 1024);
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_OUT, 3, 1024), VIRTIO_BLK_S_OK);
	assert_int_equal(blkguest.written, 1);
	assert_int_equal(blkguest_image_byte(3 * 512 - 1), 3);
	assert_int_equal(blkguest_image_byte(3 * 512), 0xaa);
	assert_int_equal(blkguest_image_byte(5 * 512 - 1), 0xaa);
	assert_int_equal(blkguest_image_byte(5 * 512), 6);
}

static void the_last_sector_is_within_reach_and_the_next_is_not(void **state)
{
	static const uint32_t types[] = { VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT };
	const uint64_t end = IMAGE_BYTES / DISK_SECTOR_BYTES;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		uint32_t t = types[i];

		assert_int_equal(blkguest_io(t, end - 1, 512), VIRTIO_BLK_S_OK);
		assert_int_equal(
			blkguest_io(t, end - 1, 1024), VIRTIO_BLK_S_IOERR);
		assert_int_equal(blkguest_io(t, end, 512), VIRTIO_BLK_S_IOERR);
		assert_int_equal(
			blkguest_io(t, ~0ull, 512), VIRTIO_BLK_S_IOERR);
		assert_int_equal(
			blkguest_io(t, ~0ull / 512, 1024), VIRTIO_BLK_S_IOERR);
		assert_int_equal(
			blkguest_io(t, 1ull << 55, 512), VIRTIO_BLK_S_IOERR);
	}
}

static void a_transfer_is_whole_sectors(void **state)
{
	(void)state;
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_IN, 0, 511), VIRTIO_BLK_S_IOERR);
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_OUT, 0, 513), VIRTIO_BLK_S_IOERR);
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_IN, 0, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_OUT, 0, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(blkguest.written, 1);
}

static void a_flush_waits_for_stable_storage(void **state)
{
	(void)state;
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(fake_loop_last_op(guest->loop)->code, LOOP_FDATASYNC);
}

static void without_flush_every_write_is_durable(void **state)
{
	(void)state;
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_OUT, 0, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(fake_loop_last_op(guest->loop)->flags, 0);
	guest_start(guest, VERSION_1, 1, 16);
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_OUT, 0, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(fake_loop_last_op(guest->loop)->flags, RWF_DSYNC);
}

static void the_id_fits_buffers_of_any_length(void **state)
{
	static const char id[VIRTIO_BLK_ID_BYTES] = BLKGUEST_ID;

	(void)state;
	for (uint32_t len = 0; len <= 24; len++) {
		uint32_t given = MIN(len, VIRTIO_BLK_ID_BYTES);

		memset(guest_ptr(guest, BLKGUEST_DATA, 32), 0x77, 32);
		assert_int_equal(blkguest_io(VIRTIO_BLK_T_GET_ID, 0, len),
			VIRTIO_BLK_S_OK);
		assert_int_equal(blkguest.written, given + 1);
		assert_memory_equal(
			guest_ptr(guest, BLKGUEST_DATA, 32), id, given);
		blkguest_expect(given, 32 - given, 0x77);
	}
}

static void unknown_types_are_unsupported(void **state)
{
	static const uint32_t types[] = { 2, 3, 5, 10, 12, 14, 0x80000000,
		~0u };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		assert_int_equal(
			blkguest_io(types[i], 0, 512), VIRTIO_BLK_S_UNSUPP);
}

static void errors_of_the_host_file_are_ioerr(void **state)
{
	(void)state;
	fake_loop_forge(guest->loop, 3, -EIO);
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(blkguest.written, 1);
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_OUT, 0, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(guest_status(guest), RUNNING);
	assert_int_equal(blkguest_io(VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
}

static char told[256];

static void device_failed(void *owner, const char *device, const char *why)
{
	(void)owner;
	snprintf(told, sizeof(told), "%s: %s", device, why);
}

static void errors_of_the_host_file_are_told_and_the_guests_are_not(
	void **state)
{
	(void)state;
	blkguest.blk.dev.failed = device_failed;
	told[0] = '\0';
	blkguest_io(VIRTIO_BLK_T_IN, ~0ull, 512);
	assert_string_equal(told, "");
	fake_loop_forge(guest->loop, 1, -EIO);
	blkguest_io(VIRTIO_BLK_T_OUT, 0, 512);
	assert_non_null(strstr(told, ": cannot write: Input/output error"));
	assert_true(strncmp(told, "disk", 4) == 0);
}

/* ---- discard and write zeroes ---- */

static uint8_t range(
	uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	const struct virtio_blk_discard_write_zeroes r = { sector, sectors,
		flags };

	memcpy(guest_ptr(guest, BLKGUEST_DATA, sizeof(r)), &r, sizeof(r));
	return blkguest_out(type, 0, sizeof(r));
}

static void ranges_read_as_zeroes_afterwards(void **state)
{
	(void)state;
	assert_int_equal(range(VIRTIO_BLK_T_DISCARD, 8, 8, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(
		range(VIRTIO_BLK_T_WRITE_ZEROES, 20, 3, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(range(VIRTIO_BLK_T_WRITE_ZEROES, 32, 8,
				 VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP),
		VIRTIO_BLK_S_OK);
	for (unsigned s = 0; s < IMAGE_BYTES / 512; s++) {
		bool zero = s / 8 == 1 || (s >= 20 && s < 23) || s / 8 == 4;

		assert_int_equal(blkguest_image_byte(s * 512 + 511),
			zero ? 0 : (uint8_t)(s + 1));
	}
}

static void ranges_outside_the_disk_are_refused(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t sectors;
	} bad[] = { { 0, 0 }, { 128, 1 }, { 127, 2 }, { 0, 129 }, { ~0ull, 1 },
		{ ~0ull, 2 }, { 1, ~0u }, { 1ull << 55, 1 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(range(VIRTIO_BLK_T_DISCARD, bad[i].sector,
					 bad[i].sectors, 0),
			VIRTIO_BLK_S_IOERR);
		assert_int_equal(range(VIRTIO_BLK_T_WRITE_ZEROES, bad[i].sector,
					 bad[i].sectors, 0),
			VIRTIO_BLK_S_IOERR);
	}
	assert_int_equal(blkguest_image_byte(IMAGE_BYTES - 1), 128);
}

static void flags_that_a_range_may_not_have_are_unsupported(void **state)
{
	(void)state;
	assert_int_equal(
		range(VIRTIO_BLK_T_DISCARD, 0, 8, 1), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(
		range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 2), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(blkguest_image_byte(0), 1);
}

static void a_range_is_exactly_one_segment(void **state)
{
	static const uint32_t lens[] = { 0, 1, 15, 17, 32 };

	(void)state;
	memset(guest_ptr(guest, BLKGUEST_DATA, 32), 0, 32);
	for (unsigned i = 0; i < ARRAY_SIZE(lens); i++)
		assert_int_equal(blkguest_out(VIRTIO_BLK_T_DISCARD, 0, lens[i]),
			VIRTIO_BLK_S_IOERR);
}

static void a_file_without_holes_makes_discard_unsupported(void **state)
{
	(void)state;
	fake_loop_forge(guest->loop, 1, -EOPNOTSUPP);
	assert_int_equal(
		range(VIRTIO_BLK_T_DISCARD, 0, 8, 0), VIRTIO_BLK_S_UNSUPP);
}

/* ---- read-only ---- */

static void a_readonly_disk_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_OUT, 0, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(
		range(VIRTIO_BLK_T_DISCARD, 0, 8, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(
		range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(
		blkguest_io(VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(blkguest_io(VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(blkguest_image_byte(0), 1);
}

static void a_readonly_disk_says_so(void **state)
{
	const uint64_t changing = BIT64(VIRTIO_BLK_F_DISCARD) |
				  BIT64(VIRTIO_BLK_F_WRITE_ZEROES);

	(void)state;
	assert_true(blkguest.blk.dev.offered & BIT64(VIRTIO_BLK_F_RO));
	assert_false(blkguest.blk.dev.offered & changing);
}

/* ---- framing ---- */

/* Header, data and status cut into pieces of `piece` bytes, wherever that falls. */
static void pieces_of(uint32_t piece, uint32_t type)
{
	struct ring *ring = &guest->ring[0];
	uint32_t out = type == VIRTIO_BLK_T_OUT ? 16 + 512 : 16;
	uint32_t total = 16 + 512 + 1, at = 0;
	struct vring_desc *table = guest_ptr(guest, BLKGUEST_TABLE, 4096);
	uint16_t n = 0;

	while (at < total) {
		uint32_t end = at < out ? out : total;
		uint32_t len = MIN(piece, end - at);
		uint16_t write = at < out ? 0 : WRITE;

		ring_set(table, n, BLKGUEST_HEADER + at, len, write | NEXT,
			(uint16_t)(n + 1));
		at += len;
		n++;
	}
	table[n - 1].flags &= (uint16_t)~NEXT;
	ring_set(ring->desc, 0, BLKGUEST_TABLE, n * 16u, INDIRECT, 0);
	ring_offer(ring, 0);
	guest_kick(guest);
}

static void requests_come_in_any_pieces(void **state)
{
	static const uint32_t types[] = { VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT };
	uint8_t *image = guest_ptr(guest, BLKGUEST_HEADER, 16 + 512 + 1);
	struct vring_used_elem e;

	(void)state;
	guest_start(guest, VERSION_1 | INDIRECT_F, 1, 256);
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		for (uint32_t piece = 5; piece < 540; piece += 3) {
			struct virtio_blk_outhdr h = { types[i], 0, 9 };

			memset(image, 10, 16 + 512 + 1);
			memcpy(image, &h, sizeof(h));
			pieces_of(piece, types[i]);
			assert_true(ring_reap(&guest->ring[0], &e));
			assert_int_equal(e.len, i ? 1 : 513);
			assert_int_equal(image[16 + 512], VIRTIO_BLK_S_OK);
			for (unsigned j = 0; j < 512; j++)
				assert_int_equal(image[16 + j], 10);
			assert_int_equal(blkguest_image_byte(9 * 512), 10);
		}
}

/* Chains that have no place for a header, or none for a status. */
static void chains_without_header_or_status_need_a_reset(void **state)
{
	static const uint32_t lens[][2] = { { 0, 1 }, { 15, 1 }, { 16, 0 },
		{ 15, 0 }, { 0, 600 } };
	struct ring *ring = &guest->ring[0];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
		guest_start(guest, BLKGUEST_FEATURES, 1, 16);
		ring_set(ring->desc, 0, BLKGUEST_HEADER, lens[i][0], NEXT, 1);
		ring_set(ring->desc, 1, BLKGUEST_STATUS, lens[i][1], WRITE, 0);
		ring_offer(ring, 0);
		guest_kick(guest);
		assert_int_equal(guest_status(guest), RUNNING | NEEDS_RESET);
	}
	guest_start(guest, BLKGUEST_FEATURES, 1, 16);
	(void)fake_irq_edges(GUEST_GSI);
	assert_int_equal(blkguest_io(VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
}

/* Writable buffers of a write end in the status; what is before is left alone. */
static void a_write_touches_only_its_status_byte(void **state)
{
	struct virtio_blk_outhdr h = { VIRTIO_BLK_T_OUT, 0, 0 };
	struct ring *ring = &guest->ring[0];

	(void)state;
	memcpy(guest_ptr(guest, BLKGUEST_HEADER, 16), &h, 16);
	memset(guest_ptr(guest, BLKGUEST_STATUS, 100), 0x33, 100);
	ring_set(ring->desc, 0, BLKGUEST_HEADER, 16, NEXT, 1);
	ring_set(ring->desc, 1, BLKGUEST_DATA, 512, NEXT, 2);
	ring_set(ring->desc, 2, BLKGUEST_STATUS, 99, WRITE, 0);
	ring_offer(ring, 0);
	guest_kick(guest);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(
			*(uint8_t *)guest_ptr(guest, BLKGUEST_STATUS + i, 1),
			i == 98 ? VIRTIO_BLK_S_OK : 0x33);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, blkguest_setup, blkguest_teardown)
#define READONLY(f)                      \
	cmocka_unit_test_setup_teardown( \
		f, blkguest_setup_readonly, blkguest_teardown)

static void many_queues_get_short_ones(void **state)
{
	static const struct {
		unsigned queues;
		unsigned size;
	} cases[] = { { 1, 256 }, { 16, 256 }, { 17, 128 }, { 64, 64 },
		{ 254, 16 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct virtio_blk blk;

		assert_int_equal(
			virtio_blk_init(&blk, &guest->mem, guest->loop,
				blkguest.disk, "disk", NULL, cases[i].queues),
			0);
		assert_int_equal(blk.dev.queue_size, cases[i].size);
		virtio_blk_fini(&blk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_device_describes_itself),
		TEST(a_read_gives_the_bytes_and_counts_them),
		TEST(a_write_reaches_the_image),
		TEST(the_last_sector_is_within_reach_and_the_next_is_not),
		TEST(a_transfer_is_whole_sectors),
		TEST(a_flush_waits_for_stable_storage),
		TEST(without_flush_every_write_is_durable),
		TEST(the_id_fits_buffers_of_any_length),
		TEST(unknown_types_are_unsupported),
		TEST(errors_of_the_host_file_are_ioerr),
		TEST(errors_of_the_host_file_are_told_and_the_guests_are_not),
		TEST(ranges_read_as_zeroes_afterwards),
		TEST(ranges_outside_the_disk_are_refused),
		TEST(flags_that_a_range_may_not_have_are_unsupported),
		TEST(a_range_is_exactly_one_segment),
		TEST(a_file_without_holes_makes_discard_unsupported),
		READONLY(a_readonly_disk_changes_nothing),
		READONLY(a_readonly_disk_says_so),
		TEST(requests_come_in_any_pieces),
		TEST(chains_without_header_or_status_need_a_reset),
		TEST(a_write_touches_only_its_status_byte),
		cmocka_unit_test_setup_teardown(many_queues_get_short_ones,
			blkguest_setup, blkguest_teardown),
	};

	return cmocka_run_group_tests_name("blk", tests, NULL, NULL);
}
