/* SPDX-License-Identifier: Apache-2.0 */
/* bus.c - who gets an access, and what nobody's access returns */
#include "tests/unit/unit.h"

#include <errno.h>

#include "vmm/core/bus.h"

struct probe {
	unsigned reads, writes;
	uint64_t offset;
	unsigned len;
};

static void probe_read(void *dev, uint64_t offset, void *data, unsigned len)
{
	struct probe *p = dev;

	p->reads++;
	p->offset = offset;
	p->len = len;
	memset(data, 0x5a, len);
}

static void probe_write(
	void *dev, uint64_t offset, const void *data, unsigned len)
{
	struct probe *p = dev;

	(void)data;
	p->writes++;
	p->offset = offset;
	p->len = len;
}

static const struct bus_ops probe_ops = { probe_read, probe_write };

static void an_access_reaches_its_range_with_the_offset(void **state)
{
	struct bus bus = { 0 };
	struct probe p[3] = { 0 };
	uint32_t value = 0;

	(void)state;
	/* Added out of order: the table sorts. */
	assert_int_equal(bus_add(&bus, 0x300, 8, &probe_ops, &p[2]), 0);
	assert_int_equal(bus_add(&bus, 0x100, 8, &probe_ops, &p[0]), 0);
	assert_int_equal(bus_add(&bus, 0x200, 8, &probe_ops, &p[1]), 0);
	assert_true(bus_read(&bus, 0x204, &value, 4));
	assert_int_equal(value, 0x5a5a5a5a);
	assert_true(bus_write(&bus, 0x307, &value, 1));
	assert_int_equal(p[0].reads + p[0].writes, 0);
	assert_int_equal(p[1].reads, 1);
	assert_int_equal(p[1].offset, 4);
	assert_int_equal(p[1].len, 4);
	assert_int_equal(p[2].writes, 1);
	assert_int_equal(p[2].offset, 7);
}

static void what_nobody_decodes_reads_as_ones(void **state)
{
	static const uint64_t holes[] = { 0, 0xff, 0x108, 0x1ff, UINT64_MAX };
	struct bus bus = { 0 };
	struct probe p = { 0 };

	(void)state;
	assert_int_equal(bus_add(&bus, 0x100, 8, &probe_ops, &p), 0);
	for (size_t i = 0; i < ARRAY_SIZE(holes); i++) {
		uint16_t value = 0;

		assert_false(bus_read(&bus, holes[i], &value, 2));
		assert_int_equal(value, 0xffff);
		assert_false(bus_write(&bus, holes[i], &value, 2));
	}
	assert_int_equal(p.reads + p.writes, 0);
}

static void an_access_across_an_end_is_nobodys(void **state)
{
	struct bus bus = { 0 };
	struct probe p[2] = { 0 };
	uint64_t value;

	(void)state;
	assert_int_equal(bus_add(&bus, 0x100, 8, &probe_ops, &p[0]), 0);
	assert_int_equal(bus_add(&bus, 0x108, 8, &probe_ops, &p[1]), 0);
	assert_false(bus_read(&bus, 0x105, &value, 4));
	assert_false(bus_write(&bus, 0x10f, &value, 2));
	assert_false(bus_read(&bus, 0xff, &value, 2));
	assert_int_equal(p[0].reads + p[1].writes, 0);
}

static void a_range_may_end_with_the_address_space(void **state)
{
	struct bus bus = { 0 };
	struct probe p = { 0 };
	uint8_t value[2];

	(void)state;
	assert_int_equal(bus_add(&bus, UINT64_MAX - 3, 4, &probe_ops, &p), 0);
	assert_true(bus_read(&bus, UINT64_MAX, value, 1));
	assert_int_equal(p.offset, 3);
	assert_false(bus_read(&bus, UINT64_MAX, value, 2));
	assert_int_equal(p.reads, 1);
}

static void a_range_that_wraps_or_is_empty_is_refused(void **state)
{
	struct bus bus = { 0 };

	(void)state;
	assert_int_equal(
		bus_add(&bus, UINT64_MAX, 2, &probe_ops, NULL), -EINVAL);
	assert_int_equal(
		bus_add(&bus, 2, UINT64_MAX, &probe_ops, NULL), -EINVAL);
	assert_int_equal(bus_add(&bus, 2, 0, &probe_ops, NULL), -EINVAL);
	assert_int_equal(bus.count, 0);
}

static void a_range_that_overlaps_is_refused(void **state)
{
	static const struct {
		uint64_t start, size;
	} bad[] = { { 0xff, 2 }, { 0x100, 1 }, { 0x107, 1 }, { 0x80, 0x100 } };
	struct bus bus = { 0 };

	(void)state;
	assert_int_equal(bus_add(&bus, 0x100, 8, &probe_ops, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(bus_add(&bus, bad[i].start, bad[i].size,
					 &probe_ops, NULL),
			-EEXIST);
	assert_int_equal(bus_add(&bus, 0xf8, 8, &probe_ops, NULL), 0);
	assert_int_equal(bus_add(&bus, 0x108, 8, &probe_ops, NULL), 0);
}

static void the_table_fills_up(void **state)
{
	struct bus bus = { 0 };

	(void)state;
	for (unsigned i = 0; i < BUS_RANGES_MAX; i++)
		assert_int_equal(bus_add(&bus, i, 1, &probe_ops, NULL), 0);
	assert_int_equal(bus_add(&bus, 0x1000, 1, &probe_ops, NULL), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_access_reaches_its_range_with_the_offset),
		cmocka_unit_test(what_nobody_decodes_reads_as_ones),
		cmocka_unit_test(an_access_across_an_end_is_nobodys),
		cmocka_unit_test(a_range_may_end_with_the_address_space),
		cmocka_unit_test(a_range_that_wraps_or_is_empty_is_refused),
		cmocka_unit_test(a_range_that_overlaps_is_refused),
		cmocka_unit_test(the_table_fills_up),
	};

	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
