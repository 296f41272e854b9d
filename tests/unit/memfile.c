/* SPDX-License-Identifier: Apache-2.0 */
/* memfile.c - memory into files and back, and only what must be */
#include "tests/unit/memkit.h"

#include <errno.h>
#include <unistd.h>

#include "vmm/base/err.h"
#include "vmm/core/mem_pages.h"

static unsigned written_pages(const struct mem *mem)
{
	bool written[MEM_PAGES_BATCH];
	struct mem_pages pages;
	unsigned sum = 0;
	uint64_t left;
	unsigned count;

	mem_pages_init(&pages);
	for (uint64_t at = 0; at < mem->size_bytes;
		at += count * MEM_PAGE_SIZE) {
		const uint8_t *hva = mem_at(mem, at, &left);

		count = (unsigned)MIN(left / MEM_PAGE_SIZE, MEM_PAGES_BATCH);
		mem_pages_written(&pages, mem, hva, count, written);
		for (unsigned i = 0; i < count; i++)
			sum += written[i];
	}
	mem_pages_fini(&pages);
	return sum;
}

static void memory_comes_back_on_both_sides_of_the_gap(void **state)
{
	struct memfile file;
	struct mem mem, back;

	(void)state;
	assert_int_equal(mem_init(&mem, KIT_RAM), 0);
	kit_fill_pages(&mem, 1);
	kit_save("m", &mem, NULL, 1, NULL);
	kit_load("m", 1, &file, &back);
	assert_int_equal(back.count, 2);
	kit_same(&mem, &back);
	assert_int_equal(memfile_verify(&file), 0);
	memfile_close(&file);
	mem_fini(&back);
	mem_fini(&mem);
}

static void zeros_take_no_room_and_are_not_written(void **state)
{
	struct memfile_stats stats;
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, KIT_RAM), 0);
	for (uint64_t page = 0; page < 4096; page++)
		kit_clear(&mem, page);
	kit_fill(&mem, 5, 1);
	stats = kit_save("m", &mem, NULL, 1, NULL);
	assert_int_equal(stats.held_bytes, KIT_RAM);
	assert_int_equal(stats.written_bytes, MEM_PAGE_SIZE);
	/* The page, and the trailer's 20 KiB. */
	assert_true(kit_room("m") <= 64 * KIB);
	mem_fini(&mem);
}

static void memory_that_was_never_used_is_not_touched(void **state)
{
	struct mem mem;
	unsigned before;

	(void)state;
	assert_int_equal(mem_init(&mem, KIT_RAM), 0);
	kit_fill_pages(&mem, 1);
	before = written_pages(&mem);
	kit_save("m", &mem, NULL, 1, NULL);
	assert_int_equal(written_pages(&mem), before);
	mem_fini(&mem);
}

static void mapped_memory_is_this_process_alone(void **state)
{
	struct memfile file;
	struct mem a, b;

	(void)state;
	assert_int_equal(mem_init(&a, 8 * MIB), 0);
	kit_fill(&a, 3, 1);
	kit_save("m", &a, NULL, 1, NULL);
	mem_fini(&a);
	kit_load("m", 1, &file, &a);
	assert_int_equal(mem_init_from_file(&b, 8 * MIB, file.fd), 0);
	kit_fill(&a, 3, 2);
	kit_fill(&a, 900, 2);
	assert_true(kit_holds(&b, 3, 1));
	assert_int_equal(memfile_verify(&file), 0);
	memfile_close(&file);
	assert_int_equal(written_pages(&a), 2);
	assert_int_equal(written_pages(&b), 0);
	mem_fini(&a);
	mem_fini(&b);
}

static void a_restored_machine_is_saved_from_memory_and_file(void **state)
{
	struct memfile file, again;
	struct mem mem, copy;

	(void)state;
	assert_int_equal(mem_init(&mem, KIT_RAM), 0);
	kit_fill_pages(&mem, 1);
	kit_save("m", &mem, NULL, 1, NULL);
	mem_fini(&mem);
	kit_load("m", 1, &file, &mem);
	kit_fill_pages(&mem, 2); /* partly the same pages */
	kit_clear(&mem, 1);
	/* Over the file that it is mapped from. */
	kit_save("m", &mem, &file, 2, NULL);
	assert_int_equal(access(kit_path("m" NEWFILE_SUFFIX).s, F_OK), -1);
	kit_load("m", 2, &again, &copy);
	kit_same(&mem, &copy);
	assert_int_equal(memfile_verify(&again), 0);
	assert_true(kit_room("m") <= MIB);
	memfile_close(&again);
	memfile_close(&file);
	mem_fini(&copy);
	mem_fini(&mem);
}

static void saving_a_restored_machine_faults_nothing_in(void **state)
{
	struct memfile file;
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, KIT_RAM), 0);
	kit_fill_pages(&mem, 1);
	kit_save("m", &mem, NULL, 1, NULL);
	mem_fini(&mem);
	kit_load("m", 1, &file, &mem);
	kit_fill(&mem, 700, 2);
	kit_save("n", &mem, &file, 2, NULL);
	assert_int_equal(written_pages(&mem), 1);
	memfile_close(&file);
	mem_fini(&mem);
}

static void ids_are_not_repeated(void **state)
{
	struct memfile_id a, b;

	(void)state;
	assert_int_equal(memfile_id_new(&a), 0);
	assert_int_equal(memfile_id_new(&b), 0);
	assert_false(memfile_id_equal(&a, &b));
	assert_int_equal(strlen(memfile_id_text(&a).s), 32);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_comes_back_on_both_sides_of_the_gap),
		TEST(zeros_take_no_room_and_are_not_written),
		TEST(memory_that_was_never_used_is_not_touched),
		TEST(mapped_memory_is_this_process_alone),
		TEST(a_restored_machine_is_saved_from_memory_and_file),
		TEST(saving_a_restored_machine_faults_nothing_in),
		TEST(ids_are_not_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
