/* SPDX-License-Identifier: Apache-2.0 */
/* vmgenid.c - no two ids are the same, and only a renewed one is announced */
#include "tests/unit/unit.h"

#include <errno.h>

#include "devices/vmgenid.h"
#include "tests/unit/fake_irq.h"
#include "vmm/base/err.h"
#include "vmm/core/machine.h"

static struct mem mem;
static struct vmgenid vmgenid;

static int setup(void **state)
{
	(void)state;
	return mem_init(&mem, 2 * MIB);
}

static int teardown(void **state)
{
	(void)state;
	fake_irq_edges(MACHINE_VMGENID_GSI);
	mem_fini(&mem);
	return 0;
}

static void read_id(uint8_t id[VMGENID_BYTES])
{
	assert_int_equal(
		mem_read(&mem, GPA(LOWMEM_VMGENID), id, VMGENID_BYTES), 0);
}

static unsigned zeroes(const uint8_t *p, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += !p[i];
	return n;
}

static void a_machine_starts_with_an_id_and_no_interrupt(void **state)
{
	uint8_t id[VMGENID_BYTES];

	(void)state;
	assert_int_equal(vmgenid_init(&vmgenid, &mem, -1), 0);
	read_id(id);
	/* Random bytes have as many zeroes once in 10^20 runs. */
	assert_true(zeroes(id, sizeof(id)) < 10);
	assert_int_equal(fake_irq_edges(MACHINE_VMGENID_GSI), 0);
}

static void no_byte_beside_the_id_is_written(void **state)
{
	const uint8_t *page = mem_ptr(&mem, GPA(LOWMEM_VMGENID), 4096);
	const uint8_t *before = mem_ptr(&mem, GPA(LOWMEM_VMGENID - 16), 16);

	(void)state;
	assert_int_equal(vmgenid_init(&vmgenid, &mem, -1), 0);
	assert_int_equal(zeroes(before, 16), 16);
	assert_int_equal(zeroes(page + VMGENID_BYTES, 4096 - VMGENID_BYTES),
		4096 - VMGENID_BYTES);
}

static void two_machines_have_different_ids(void **state)
{
	uint8_t first[VMGENID_BYTES], second[VMGENID_BYTES];

	(void)state;
	assert_int_equal(vmgenid_init(&vmgenid, &mem, -1), 0);
	read_id(first);
	assert_int_equal(vmgenid_init(&vmgenid, &mem, -1), 0);
	read_id(second);
	assert_memory_not_equal(first, second, VMGENID_BYTES);
}

static void a_new_id_is_announced_by_one_edge(void **state)
{
	uint8_t before[VMGENID_BYTES], after[VMGENID_BYTES];

	(void)state;
	assert_int_equal(vmgenid_init(&vmgenid, &mem, -1), 0);
	for (unsigned i = 0; i < 3; i++) {
		read_id(before);
		assert_int_equal(vmgenid_renew(&vmgenid), 0);
		read_id(after);
		assert_memory_not_equal(before, after, VMGENID_BYTES);
		assert_int_equal(fake_irq_edges(MACHINE_VMGENID_GSI), 1);
	}
}

static void an_interrupt_that_cannot_be_raised_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(vmgenid_init(&vmgenid, &mem, -1), 0);
	fake_irq_fail_at(1);
	assert_int_equal(vmgenid_renew(&vmgenid), -EIO);
}

static void memory_that_ends_below_the_id_is_refused(void **state)
{
	struct mem small;

	(void)state;
	assert_int_equal(mem_init(&small, 64 * KIB), 0);
	assert_int_equal(vmgenid_init(&vmgenid, &small, -1), -EFAULT);
	assert_non_null(strstr(err_text(), "no memory at 0xef000"));
	mem_fini(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_machine_starts_with_an_id_and_no_interrupt),
		TEST(no_byte_beside_the_id_is_written),
		TEST(two_machines_have_different_ids),
		TEST(a_new_id_is_announced_by_one_edge),
		TEST(an_interrupt_that_cannot_be_raised_is_an_error),
		TEST(memory_that_ends_below_the_id_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
