/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c - guest memory around the gap, translation at every edge */
#include "tests/unit/unit.h"

#include <errno.h>

#include "vmm/base/err.h"
#include "vmm/core/mem.h"

/* One GiB above the gap; address space only, as nothing is touched. */
#define BIG (MEM_GAP_START + GIB)

static void small_memory_is_one_region(void **state)
{
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, 16 * MIB), 0);
	assert_int_equal(mem.count, 1);
	assert_int_equal(mem.size_bytes, 16 * MIB);
	assert_int_equal(mem.region[0].gpa.v, 0);
	mem_fini(&mem);
}

static void memory_up_to_the_gap_stays_below_it(void **state)
{
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, MEM_GAP_START), 0);
	assert_int_equal(mem.count, 1);
	mem_fini(&mem);
}

static void memory_goes_on_above_the_gap(void **state)
{
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, BIG), 0);
	assert_int_equal(mem.count, 2);
	assert_int_equal(mem.region[0].size_bytes, MEM_GAP_START);
	assert_int_equal(mem.region[1].gpa.v, MEM_GAP_END);
	assert_int_equal(mem.region[1].size_bytes, GIB);
	mem_fini(&mem);
}

static void regions_begin_where_a_huge_page_can(void **state)
{
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, MEM_GAP_START + MEM_PAGE_SIZE), 0);
	for (unsigned i = 0; i < mem.count; i++)
		assert_int_equal((uintptr_t)mem.region[i].hva % (2 * MIB),
			mem.region[i].gpa.v % (2 * MIB));
	mem_fini(&mem);
}

static void sizes_that_are_not_pages_are_refused(void **state)
{
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, 0), -EINVAL);
	assert_int_equal(mem_init(&mem, MEM_PAGE_SIZE + 1), -EINVAL);
	assert_int_equal(mem.count, 0);
}

static void more_than_the_address_space_is_refused(void **state)
{
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, 1ull << 62), -ENOMEM);
	assert_non_null(strstr(err_text(), "give less"));
	assert_int_equal(mem.count, 0);
	assert_int_equal(mem_init(&mem, 0ull - MEM_PAGE_SIZE), -ENOMEM);
	mem_fini(&mem);
}

static void translation_ends_where_ram_ends(void **state)
{
	static const struct {
		uint64_t gpa, len;
		bool ram;
	} cases[] = {
		{ 0, 1, true },
		{ 0, 0, false },
		{ 0, MEM_GAP_START, true },
		{ 0, MEM_GAP_START + 1, false },
		{ MEM_GAP_START - 1, 1, true },
		{ MEM_GAP_START - 1, 2, false },
		{ MEM_GAP_START, 1, false },
		{ MEM_GAP_END - 1, 1, false },
		{ MEM_GAP_END - 1, 2, false },
		{ MEM_GAP_END, GIB, true },
		{ MEM_GAP_END, GIB + 1, false },
		{ MEM_GAP_END + GIB, 1, false },
		{ UINT64_MAX, 1, false },
		{ UINT64_MAX, 2, false },
		{ 1, UINT64_MAX, false },
		{ MEM_GAP_END + 1, UINT64_MAX, false },
	};
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, BIG), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const void *p = mem_ptr(&mem, GPA(cases[i].gpa), cases[i].len);

		if ((p != NULL) != cases[i].ram)
			fail_msg("case %u", i);
	}
	mem_fini(&mem);
}

static void copies_are_all_or_nothing(void **state)
{
	static const uint8_t text[4] = "abc";
	uint8_t back[4] = { 0 };
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, MEM_PAGE_SIZE), 0);
	assert_int_equal(mem_write(&mem, GPA(4092), text, 4), 0);
	assert_int_equal(mem_read(&mem, GPA(4092), back, 4), 0);
	assert_memory_equal(back, text, 4);

	memset(back, 0xee, sizeof(back));
	assert_int_equal(mem_read(&mem, GPA(4093), back, 4), -EFAULT);
	assert_int_equal(back[0], 0xee);
	assert_int_equal(mem_write(&mem, GPA(4093), "zzzz", 4), -EFAULT);
	assert_int_equal(mem_read(&mem, GPA(4092), back, 4), 0);
	assert_memory_equal(back, text, 4);

	assert_int_equal(mem_read(&mem, GPA(1ull << 40), back, 0), 0);
	mem_fini(&mem);
}

static void new_memory_is_zero(void **state)
{
	uint64_t word = 1;
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, BIG), 0);
	assert_int_equal(mem_read(&mem, GPA(MEM_GAP_END), &word, 8), 0);
	assert_int_equal(word, 0);
	mem_fini(&mem);
}

static void finishing_twice_or_nothing_is_fine(void **state)
{
	struct mem mem = { 0 };

	(void)state;
	mem_fini(&mem);
	assert_int_equal(mem_init(&mem, MEM_PAGE_SIZE), 0);
	mem_fini(&mem);
	mem_fini(&mem);
	assert_null(mem_ptr(&mem, GPA(0), 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_memory_is_one_region),
		cmocka_unit_test(memory_up_to_the_gap_stays_below_it),
		cmocka_unit_test(memory_goes_on_above_the_gap),
		cmocka_unit_test(regions_begin_where_a_huge_page_can),
		cmocka_unit_test(sizes_that_are_not_pages_are_refused),
		cmocka_unit_test(more_than_the_address_space_is_refused),
		cmocka_unit_test(translation_ends_where_ram_ends),
		cmocka_unit_test(copies_are_all_or_nothing),
		cmocka_unit_test(new_memory_is_zero),
		cmocka_unit_test(finishing_twice_or_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
