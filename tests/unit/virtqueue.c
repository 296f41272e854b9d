/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtqueue.c - chains: what virtq_pop() takes, and every rule by which it refuses
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/ring.h"
#include "vmm/base/err.h"

#include <linux/virtio_config.h>

#define SIZE     8
#define RING_GPA 0x10000
#define TABLE    0x20000 /* an indirect table */
#define DATA     0x30000
#define ALL \
	(BIT64(VIRTIO_RING_F_INDIRECT_DESC) | BIT64(VIRTIO_RING_F_EVENT_IDX))

static struct mem mem;
static struct ring ring;
static struct virtq q;
static struct virtq_chain chain;

/* RAM on both sides of the gap; address space only, but for what is touched. */
static int setup_mem(void **state)
{
	(void)state;
	return mem_init(&mem, MEM_GAP_START + 2 * GIB);
}

static int teardown_mem(void **state)
{
	(void)state;
	mem_fini(&mem);
	return 0;
}

static void start(uint16_t size, uint64_t features)
{
	ring_init(&ring, &mem, size, RING_GPA);
	assert_int_equal(virtq_init(&q, &mem, &ring.config, features), 0);
	memset(&chain, 0xee, sizeof(chain));
}

static int setup(void **state)
{
	(void)state;
	start(SIZE, ALL);
	return 0;
}

static struct vring_desc *table(void)
{
	return mem_ptr(&mem, GPA(TABLE), 4096);
}

static int offer_and_pop(uint16_t head)
{
	ring_offer(&ring, head);
	return virtq_pop(&q, &chain);
}

/* The head at 0 is refused with a sentence, and the queue stays broken. */
static void refused(const char *sentence)
{
	err_clear();
	assert_int_equal(offer_and_pop(0), -EBADMSG);
	assert_non_null(strstr(err_text(), sentence));
	assert_true(q.broken);
	assert_false(virtq_pending(&q));
	ring_set(ring.desc, 1, DATA, 1, 0, 0);
	assert_int_equal(offer_and_pop(1), 0);
	virtq_push(&q, 0, 0);
	assert_false(virtq_publish(&q));
	assert_int_equal(ring.used->idx, 0);
	assert_false(virtq_enable_kick(&q));
}

/* ---- what is taken ---- */

static void an_empty_ring_gives_nothing(void **state)
{
	(void)state;
	assert_false(virtq_pending(&q));
	assert_int_equal(virtq_pop(&q, &chain), 0);
}

static void a_queue_that_is_not_ready_gives_nothing(void **state)
{
	(void)state;
	ring.config = (struct virtq_config){ .size = 3 };
	assert_int_equal(virtq_init(&q, &mem, &ring.config, ALL), 0);
	assert_false(virtq_pending(&q));
	assert_int_equal(virtq_pop(&q, &chain), 0);
	assert_false(virtq_publish(&q));
	virtq_disable_kick(&q);
	assert_false(virtq_enable_kick(&q));
}

static void a_chain_is_its_readable_then_its_writable_buffers(void **state)
{
	(void)state;
	ring_set(ring.desc, 5, DATA, 16, NEXT, 2);
	ring_set(ring.desc, 2, DATA + 0x100, 512, NEXT | WRITE, 7);
	ring_set(ring.desc, 7, DATA + 0x400, 1, WRITE, 0);
	assert_int_equal(offer_and_pop(5), 1);
	assert_int_equal(chain.head, 5);
	assert_int_equal(chain.out_count, 1);
	assert_int_equal(chain.in_count, 2);
	assert_ptr_equal(chain.iov[0].iov_base, mem_ptr(&mem, GPA(DATA), 1));
	assert_int_equal(chain.iov[0].iov_len, 16);
	assert_ptr_equal(
		chain.iov[1].iov_base, mem_ptr(&mem, GPA(DATA + 0x100), 1));
	assert_int_equal(chain.iov[1].iov_len, 512);
	assert_ptr_equal(
		chain.iov[2].iov_base, mem_ptr(&mem, GPA(DATA + 0x400), 1));
	assert_int_equal(chain.iov[2].iov_len, 1);
	assert_int_equal(virtq_pop(&q, &chain), 0);
}

static void buffers_without_length_are_left_out(void **state)
{
	(void)state;
	/* Its address is never looked at. */
	ring_set(ring.desc, 0, ~0ull, 0, NEXT, 1);
	ring_set(ring.desc, 1, DATA, 4, NEXT | WRITE, 2);
	ring_set(ring.desc, 2, ~0ull, 0, WRITE, 0);
	assert_int_equal(offer_and_pop(0), 1);
	assert_int_equal(chain.out_count, 0);
	assert_int_equal(chain.in_count, 1);
}

static void a_chain_may_be_as_long_as_the_queue(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < SIZE; i++)
		ring_set(ring.desc, i, DATA, 1, i < SIZE - 1 ? NEXT : 0, i + 1);
	assert_int_equal(offer_and_pop(0), 1);
	assert_int_equal(chain.out_count, SIZE);
}

static void indices_run_on_past_65535(void **state)
{
	(void)state;
	ring_set(ring.desc, 3, DATA, 1, 0, 0);
	for (unsigned i = 0; i < 0x10000 + 3; i++) {
		assert_int_equal(offer_and_pop(3), 1);
		virtq_push(&q, chain.head, i);
		virtq_publish(&q);
	}
	assert_int_equal(ring.used->idx, 3);
	assert_int_equal(ring.used->ring[2].id, 3);
	assert_int_equal(ring.used->ring[2].len, 0x10002);
	assert_int_equal(virtq_pop(&q, &chain), 0);
}

static void a_full_ring_is_taken_whole(void **state)
{
	(void)state;
	start(VIRTQ_SIZE_MAX, ALL);
	for (unsigned i = 0; i < VIRTQ_SIZE_MAX; i++) {
		ring_set(ring.desc, i, DATA, 1, 0, 0);
		ring_offer(&ring, (uint16_t)i);
	}
	for (unsigned i = 0; i < VIRTQ_SIZE_MAX; i++) {
		assert_int_equal(virtq_pop(&q, &chain), 1);
		assert_int_equal(chain.head, i);
	}
	assert_int_equal(virtq_pop(&q, &chain), 0);
}

static void buffers_may_lie_on_either_side_of_the_gap(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, MEM_GAP_START - 16, 16, NEXT, 1);
	ring_set(ring.desc, 1, MEM_GAP_END, 16, NEXT, 2);
	ring_set(ring.desc, 2, MEM_GAP_END + 2 * GIB - 16, 16, 0, 0);
	assert_int_equal(offer_and_pop(0), 1);
	assert_int_equal(chain.out_count, 3);
}

static void a_chain_may_describe_just_under_4_gib(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, 0, 3u << 30, NEXT, 1);
	ring_set(ring.desc, 1, MEM_GAP_END, (1u << 30) - 1, 0, 0);
	assert_int_equal(offer_and_pop(0), 1);
	assert_int_equal(chain.out_count, 2);
}

static void an_indirect_table_takes_the_place_of_its_descriptor(void **state)
{
	(void)state;
	/* Normal ones may come before it, and its own WRITE means nothing. */
	ring_set(ring.desc, 4, DATA, 16, NEXT, 6);
	ring_set(ring.desc, 6, TABLE, 3 * 16, INDIRECT | WRITE, 0);
	ring_set(table(), 0, DATA + 0x100, 8, NEXT, 2);
	ring_set(table(), 1, ~0ull, 8, NEXT, 1);
	ring_set(table(), 2, DATA + 0x200, 8, WRITE, 0);
	assert_int_equal(offer_and_pop(4), 1);
	assert_int_equal(chain.out_count, 2);
	assert_int_equal(chain.in_count, 1);
	assert_ptr_equal(
		chain.iov[2].iov_base, mem_ptr(&mem, GPA(DATA + 0x200), 1));
}

static void an_indirect_chain_may_be_as_long_as_the_queue(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, TABLE, SIZE * 16, INDIRECT, 0);
	for (uint16_t i = 0; i < SIZE; i++)
		ring_set(table(), i, DATA, 1, i < SIZE - 1 ? NEXT : 0, i + 1);
	assert_int_equal(offer_and_pop(0), 1);
	assert_int_equal(chain.out_count, SIZE);
}

static void a_chain_holds_as_many_buffers_as_a_model_takes(void **state)
{
	(void)state;
	start(VIRTQ_SIZE_MAX, ALL);
	for (uint16_t i = 0; i < VIRTQ_IOV_MAX; i++)
		ring_set(ring.desc, i, DATA, 1,
			i < VIRTQ_IOV_MAX - 1 ? NEXT : 0, i + 1);
	assert_int_equal(offer_and_pop(0), 1);
	assert_int_equal(chain.out_count, VIRTQ_IOV_MAX);
}

/* ---- what is refused ---- */

static void a_chain_with_one_buffer_too_many_is_refused(void **state)
{
	(void)state;
	start(VIRTQ_SIZE_MAX, ALL);
	for (uint16_t i = 0; i <= VIRTQ_IOV_MAX; i++)
		ring_set(ring.desc, i, DATA, 1, i < VIRTQ_IOV_MAX ? NEXT : 0,
			i + 1);
	refused("more than 128 buffers");
}

static void a_head_out_of_range_is_refused(void **state)
{
	(void)state;
	ring.avail->ring[0] = SIZE;
	ring.avail->idx = 1;
	assert_int_equal(virtq_pop(&q, &chain), -EBADMSG);
	assert_non_null(strstr(err_text(), "descriptor index 8 of 8"));
}

static void a_next_out_of_range_is_refused(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, DATA, 1, NEXT, 0xffff);
	refused("descriptor index 65535 of 8");
}

static void a_loop_is_refused(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, DATA, 1, NEXT, 1);
	ring_set(ring.desc, 1, DATA, 1, NEXT, 0);
	refused("or a loop");
}

static void a_loop_of_empty_buffers_is_refused(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, 0, 0, NEXT, 0);
	refused("or a loop");
}

static void a_loop_in_an_indirect_table_is_refused(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, TABLE, 16, INDIRECT, 0);
	ring_set(table(), 0, DATA, 0, NEXT, 0);
	refused("or a loop");
}

static void an_indirect_chain_longer_than_the_queue_is_refused(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, TABLE, (SIZE + 1) * 16, INDIRECT, 0);
	for (uint16_t i = 0; i <= SIZE; i++)
		ring_set(table(), i, DATA, 1, i < SIZE ? NEXT : 0, i + 1);
	refused("longer than the queue");
}

static void a_next_past_an_indirect_table_is_refused(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, TABLE, 2 * 16, INDIRECT, 0);
	ring_set(table(), 0, DATA, 1, NEXT, 2);
	ring_set(table(), 2, DATA, 1, 0, 0);
	refused("descriptor index 2 of 2");
}

static void a_readable_buffer_behind_a_writable_one_is_refused(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, DATA, 1, WRITE | NEXT, 1);
	ring_set(ring.desc, 1, DATA, 1, 0, 0);
	refused("readable buffer follows a writable one");
}

static void an_indirect_table_keeps_the_order_of_directions(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, DATA, 1, WRITE | NEXT, 1);
	ring_set(ring.desc, 1, TABLE, 16, INDIRECT, 0);
	ring_set(table(), 0, DATA, 1, 0, 0);
	refused("readable buffer follows a writable one");
}

static void indirect_without_the_feature_is_refused(void **state)
{
	(void)state;
	start(SIZE, 0);
	ring_set(ring.desc, 0, TABLE, 16, INDIRECT, 0);
	ring_set(table(), 0, DATA, 1, 0, 0);
	refused("indirect descriptor where none may be");
}

static void nested_indirect_is_refused(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, TABLE, 16, INDIRECT, 0);
	ring_set(table(), 0, TABLE, 16, INDIRECT, 0);
	refused("indirect descriptor where none may be");
}

static void indirect_with_next_is_refused(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, TABLE, 16, INDIRECT | NEXT, 1);
	ring_set(ring.desc, 1, DATA, 1, 0, 0);
	ring_set(table(), 0, DATA, 1, 0, 0);
	refused("indirect descriptor where none may be");
}

static void indirect_tables_of_odd_sizes_are_refused(void **state)
{
	static const uint32_t sizes[] = { 0, 15, 17, 257 * 16, 0xfffffff0 };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		setup(state);
		ring_set(ring.desc, 0, TABLE, sizes[i], INDIRECT, 0);
		refused("an indirect table of");
	}
}

static void indirect_tables_outside_ram_are_refused(void **state)
{
	static const uint64_t gpas[] = { MEM_GAP_START, MEM_GAP_START - 16,
		MEM_GAP_END - 16, ~0ull & ~15ull, 1ull << 63 };

	for (unsigned i = 0; i < ARRAY_SIZE(gpas); i++) {
		setup(state);
		ring_set(ring.desc, 0, gpas[i], 2 * 16, INDIRECT, 0);
		refused("is not in RAM");
	}
}

static void buffers_outside_ram_are_refused(void **state)
{
	static const struct {
		uint64_t gpa;
		uint32_t len;
	} bad[] = {
		{ MEM_GAP_START, 1 },              /* in the gap */
		{ MEM_GAP_START - 1, 2 },          /* into it */
		{ MEM_GAP_END - 1, 2 },            /* out of it */
		{ MEM_GAP_START - 1, 0x40000002 }, /* across it */
		{ MEM_GAP_END + 2 * GIB, 1 },      /* above RAM */
		{ MEM_GAP_END + 2 * GIB - 1, 2 },  /* across its end */
		{ ~0ull, 1 },
		{ ~0ull, 2 }, /* around 2^64 */
		{ 0, 0xffffffff },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		setup(state);
		ring_set(ring.desc, 0, bad[i].gpa, bad[i].len, WRITE, 0);
		refused("is not in RAM");
	}
}

static void a_chain_of_more_than_4_gib_is_refused(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, 0, 3u << 30, NEXT, 1);
	ring_set(ring.desc, 1, MEM_GAP_END, 1u << 30, 0, 0);
	refused("more than 4 GiB");
}

static void a_jump_of_the_available_index_is_refused(void **state)
{
	static const uint16_t jumps[] = { SIZE + 1, 0x8000, 0xffff };

	for (unsigned i = 0; i < ARRAY_SIZE(jumps); i++) {
		setup(state);
		ring.avail->idx = jumps[i];
		assert_int_equal(virtq_pop(&q, &chain), -EBADMSG);
		assert_non_null(strstr(err_text(), "jumped"));
		assert_true(q.broken);
	}
}

static void a_jump_backwards_is_refused(void **state)
{
	(void)state;
	ring_set(ring.desc, 0, DATA, 1, 0, 0);
	assert_int_equal(offer_and_pop(0), 1);
	assert_int_equal(offer_and_pop(0), 1);
	ring.avail->idx--;
	assert_int_equal(virtq_pop(&q, &chain), -EBADMSG);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_ring_gives_nothing),
		TEST(a_queue_that_is_not_ready_gives_nothing),
		TEST(a_chain_is_its_readable_then_its_writable_buffers),
		TEST(buffers_without_length_are_left_out),
		TEST(a_chain_may_be_as_long_as_the_queue),
		TEST(indices_run_on_past_65535),
		TEST(a_full_ring_is_taken_whole),
		TEST(buffers_may_lie_on_either_side_of_the_gap),
		TEST(a_chain_may_describe_just_under_4_gib),
		TEST(an_indirect_table_takes_the_place_of_its_descriptor),
		TEST(an_indirect_chain_may_be_as_long_as_the_queue),
		TEST(a_chain_holds_as_many_buffers_as_a_model_takes),
		TEST(a_chain_with_one_buffer_too_many_is_refused),
		TEST(a_head_out_of_range_is_refused),
		TEST(a_next_out_of_range_is_refused),
		TEST(a_loop_is_refused),
		TEST(a_loop_of_empty_buffers_is_refused),
		TEST(a_loop_in_an_indirect_table_is_refused),
		TEST(an_indirect_chain_longer_than_the_queue_is_refused),
		TEST(a_next_past_an_indirect_table_is_refused),
		TEST(a_readable_buffer_behind_a_writable_one_is_refused),
		TEST(an_indirect_table_keeps_the_order_of_directions),
		TEST(indirect_without_the_feature_is_refused),
		TEST(nested_indirect_is_refused),
		TEST(indirect_with_next_is_refused),
		TEST(indirect_tables_of_odd_sizes_are_refused),
		TEST(indirect_tables_outside_ram_are_refused),
		TEST(buffers_outside_ram_are_refused),
		TEST(a_chain_of_more_than_4_gib_is_refused),
		TEST(a_jump_of_the_available_index_is_refused),
		TEST(a_jump_backwards_is_refused),
	};

	return cmocka_run_group_tests_name(
		"virtqueue", tests, setup_mem, teardown_mem);
}
