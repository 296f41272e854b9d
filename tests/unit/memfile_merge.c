/* SPDX-License-Identifier: Apache-2.0 */
/* memfile_merge.c - diffs hold what changed, and merge into what memory was */
#include "tests/unit/memkit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"
#include "vmm/core/mem_dirty.h"

#define CHAIN 5

static struct mem mem;
static int vm_fd;

/* m0 is full, m1 to m5 diffs; snapshot i has the id i + 1.  false: no KVM. */
static bool make_chain(void)
{
	char name[] = "m0";

	assert_int_equal(mem_init(&mem, KIT_RAM), 0);
	kit_fill_pages(&mem, 0);
	kit_save("m0", &mem, NULL, 1, NULL);
	vm_fd = kit_track(&mem);
	if (vm_fd < 0) {
		mem_fini(&mem);
		return false;
	}
	for (unsigned i = 1; i <= CHAIN; i++) {
		kit_fill_pages(&mem, i % 3);
		kit_clear(&mem, 64 + i);
		assert_int_equal(mem_dirty_collect(&mem, vm_fd), 0);
		name[1] = (char)('0' + i);
		kit_save(name, &mem, NULL, i + 1, &i);
		mem_dirty_clear(&mem);
	}
	return true;
}

static void drop_chain(void)
{
	mem_fini(&mem);
	close_fd(vm_fd);
}

#define NEED_CHAIN()                                                       \
	do {                                                               \
		if (!make_chain()) {                                       \
			printf("skipped, " KVM_DEVICE " is missing: %s\n", \
				__func__);                                 \
			skip();                                            \
		}                                                          \
	} while (0)

/* Merge the files whose numbers `order` holds into m; the result of the merge. */
static int merge(const char *order, const char *to)
{
	CLEANUP(newfile_fini) struct newfile file = NEWFILE_INIT;
	struct memfile files[CHAIN + 2];
	unsigned count = 0;
	char name[] = "m0";
	int rc = 0;

	for (; !rc && order[count]; count += !rc) {
		name[1] = order[count];
		rc = memfile_open("", kit_path(name).s, &files[count]);
	}
	if (!rc)
		rc = newfile_create(&file, "--output ", kit_path(to).s);
	if (!rc)
		rc = memfile_merge(&file, &files[0], &files[1], count - 1);
	if (!rc)
		rc = newfile_commit(&file);
	while (count)
		memfile_close(&files[--count]);
	return rc;
}

static void a_chain_of_five_merges_into_the_memory(void **state)
{
	struct memfile file;
	struct mem back;

	(void)state;
	NEED_CHAIN();
	assert_int_equal(merge("012345", "full"), 0);
	kit_load("full", CHAIN + 1, &file, &back);
	kit_same(&mem, &back);
	assert_int_equal(memfile_verify(&file), 0);
	assert_true(kit_room("full") <= 4 * MIB);
	memfile_close(&file);
	mem_fini(&back);
	drop_chain();
}

static void a_merge_is_the_full_snapshot_of_that_moment(void **state)
{
	struct memfile merged, full;
	uint64_t chunks;

	(void)state;
	NEED_CHAIN();
	kit_save("full", &mem, NULL, CHAIN + 1, NULL);
	assert_int_equal(merge("012345", "merged"), 0);
	assert_int_equal(memfile_open("", kit_path("full").s, &full), 0);
	assert_int_equal(memfile_open("", kit_path("merged").s, &merged), 0);
	chunks = (full.ram_bytes + MEMFILE_CHUNK_BYTES - 1) /
		 MEMFILE_CHUNK_BYTES;
	assert_memory_equal(full.sum, merged.sum, chunks * sizeof(uint64_t));
	memfile_close(&merged);
	memfile_close(&full);
	drop_chain();
}

static void merging_in_steps_and_over_the_base_is_the_same(void **state)
{
	struct memfile file;
	struct mem back;

	(void)state;
	NEED_CHAIN();
	assert_int_equal(merge("012", "m0"), 0);
	assert_int_equal(merge("0345", "m0"), 0);
	kit_load("m0", CHAIN + 1, &file, &back);
	kit_same(&mem, &back);
	memfile_close(&file);
	mem_fini(&back);
	drop_chain();
}

static void a_diff_holds_what_changed_and_no_more(void **state)
{
	struct memfile_stats stats;
	const unsigned base = CHAIN + 1;

	(void)state;
	NEED_CHAIN();
	kit_fill(&mem, 1, 3);
	kit_clear(&mem, 511);
	stats = kit_save("d", &mem, NULL, CHAIN + 2, &base);
	assert_int_equal(stats.held_bytes, 2 * MEM_PAGE_SIZE);
	assert_int_equal(stats.written_bytes, MEM_PAGE_SIZE);
	/* The page and 200 KiB of trailer for 5 GiB. */
	assert_true(kit_room("d") <= 256 * KIB);
	drop_chain();
}

static void a_wrong_order_names_both_files(void **state)
{
	static const struct {
		const char *order, *first, *second;
	} cases[] = {
		{ "02", "m2", "m0" },
		{ "021", "m2", "m0" },
		{ "0132", "m3", "m1" },
		{ "011", "m1", "m1" },
		{ "00", "m0", "no diff" },
		{ "12", "m1", "is a diff" },
	};

	(void)state;
	NEED_CHAIN();
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(merge(cases[i].order, "out"), -EINVAL);
		kit_says(kit_path(cases[i].first).s, cases[i].second, NULL);
		assert_int_equal(access(kit_path("out").s, F_OK), -1);
		assert_int_equal(access(kit_path("out.new").s, F_OK), -1);
	}
	drop_chain();
}

static void flip(const char *name, uint64_t offset)
{
	int fd = open(kit_path(name).s, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

static void damage_is_found_and_gets_no_good_sum(void **state)
{
	(void)state;
	NEED_CHAIN();
	flip("m2", 3 * MEM_PAGE_SIZE + 17);
	assert_int_equal(merge("012345", "full"), -EBADMSG);
	kit_says(kit_path("m2").s, "damaged", NULL);
	flip("m2", 3 * MEM_PAGE_SIZE + 17);
	flip("m0", 511 * MEM_PAGE_SIZE + 17);
	assert_int_equal(merge("012345", "full"), -EBADMSG);
	kit_says(kit_path("m0").s, "damaged", NULL);
	assert_int_equal(access(kit_path("full").s, F_OK), -1);
	drop_chain();
}

static void a_restored_machine_goes_on_with_diffs(void **state)
{
	const unsigned base = 1;
	struct memfile source, file;
	struct mem back;
	int fd;

	(void)state;
	assert_int_equal(mem_init(&mem, KIT_RAM), 0);
	kit_fill_pages(&mem, 0);
	kit_save("m0", &mem, NULL, 1, NULL);
	mem_fini(&mem);
	kit_load("m0", 1, &source, &mem);
	kit_fill_pages(&mem, 1);
	fd = kit_track(&mem);
	if (fd < 0) {
		memfile_close(&source);
		mem_fini(&mem);
		printf("skipped, " KVM_DEVICE " is missing: %s\n", __func__);
		skip();
	}
	/* kit_track() forgot what was written before: as a snapshot does. */
	kit_fill_pages(&mem, 1);
	kit_clear(&mem, 0);
	kit_save("m1", &mem, &source, 2, &base);
	assert_int_equal(merge("01", "full"), 0);
	kit_load("full", 2, &file, &back);
	kit_same(&mem, &back);
	memfile_close(&file);
	memfile_close(&source);
	mem_fini(&back);
	mem_fini(&mem);
	close_fd(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_chain_of_five_merges_into_the_memory),
		TEST(a_merge_is_the_full_snapshot_of_that_moment),
		TEST(merging_in_steps_and_over_the_base_is_the_same),
		TEST(a_diff_holds_what_changed_and_no_more),
		TEST(a_wrong_order_names_both_files),
		TEST(damage_is_found_and_gets_no_good_sum),
		TEST(a_restored_machine_goes_on_with_diffs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
