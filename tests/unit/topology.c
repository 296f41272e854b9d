/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topology.c - the CPUID leaves that describe a package, for hosts of both vendors
 * (SDM vol. 2A, CPUID; APM vol. 3, E.4)
 */
#include "tests/unit/unit.h"

#include "cpu/x86_64/x86.h"
#include "vmm/base/err.h"

#define INDEXED KVM_CPUID_FLAG_SIGNIFCANT_INDEX

/* Of a host with 2 threads on each of 16 cores, all that is ours to rewrite. */
static const struct kvm_cpuid_entry2 intel[] = {
	/* "GenuineIntel" */
	{ .function = 0,
		.eax = 0x20,
		.ebx = 0x756e6547,
		.ecx = 0x6c65746e,
		.edx = 0x49656e69 },
	{ .function = 1,
		.ebx = 0x1f200800,
		.ecx = 0x40000000,
		.edx = 0x1fbbfbff },
	{ .function = 4, .index = 0, .flags = INDEXED, .eax = 0x7c004121 },
	{ .function = 4, .index = 1, .flags = INDEXED, .eax = 0x7c004122 },
	{ .function = 4, .index = 2, .flags = INDEXED, .eax = 0x7c004143 },
	{ .function = 4, .index = 3, .flags = INDEXED, .eax = 0x7c07c163 },
	{ .function = 4, .index = 4, .flags = INDEXED },
	{ .function = 0xb,
		.index = 0,
		.flags = INDEXED,
		.eax = 1,
		.ebx = 2,
		.ecx = 0x100,
		.edx = 0x1f },
	{ .function = 0x1f,
		.index = 0,
		.flags = INDEXED,
		.eax = 1,
		.ebx = 2,
		.ecx = 0x100,
		.edx = 0x1f },
	{ .function = 0x80000000, .eax = 0x80000008 },
	{ .function = 0x80000001, .ecx = 0x121 },
	{ .function = 0x80000008, .eax = 0x3039, .ecx = 0 },
};

static const struct kvm_cpuid_entry2 amd[] = {
	/* "AuthenticAMD" */
	{ .function = 0,
		.eax = 0x10,
		.ebx = 0x68747541,
		.ecx = 0x444d4163,
		.edx = 0x69746e65 },
	{ .function = 1, .ebx = 0x1f200800, .edx = 0x178bfbff },
	{ .function = 0xb,
		.index = 0,
		.flags = INDEXED,
		.eax = 1,
		.ebx = 2,
		.ecx = 0x100,
		.edx = 0x1f },
	{ .function = 0x80000000, .eax = 0x8000001f },
	{ .function = 0x80000001, .ecx = 0x75c237ff & ~2u },
	{ .function = 0x80000008, .eax = 0x3030, .ecx = 0x501f },
	{ .function = 0x8000001d, .index = 0, .flags = INDEXED, .eax = 0x4121 },
	{ .function = 0x8000001d, .index = 1, .flags = INDEXED, .eax = 0x4122 },
	{ .function = 0x8000001d, .index = 2, .flags = INDEXED, .eax = 0x4143 },
	{ .function = 0x8000001d,
		.index = 3,
		.flags = INDEXED,
		.eax = 0x7c163 },
	{ .function = 0x8000001d, .index = 4, .flags = INDEXED },
	{ .function = 0x8000001e, .eax = 0x1f, .ebx = 0x10f, .ecx = 0x300 },
};

static const struct size {
	unsigned cpus;
	uint32_t shift, ids; /* ids: 1 << shift */
} sizes[] = { { 1, 0, 1 }, { 2, 1, 2 }, { 3, 2, 4 }, { 4, 2, 4 }, { 5, 3, 8 },
	{ 128, 7, 128 }, { 129, 8, 256 }, { 254, 8, 256 } };

static struct cpuid cpuid;

static void load(const struct kvm_cpuid_entry2 *host, uint32_t count)
{
	cpuid = (struct cpuid){ .count = count };
	memcpy(cpuid.entry, host, count * sizeof(*host));
}

static void describe_intel(unsigned cpus)
{
	load(intel, ARRAY_SIZE(intel));
	assert_int_equal(topology_describe(&cpuid, cpus, 1), 0);
}

static void describe_amd(unsigned cpus)
{
	load(amd, ARRAY_SIZE(amd));
	assert_int_equal(topology_describe(&cpuid, cpus, 1), 0);
}

static const struct kvm_cpuid_entry2 *leaf(uint32_t function, uint32_t index)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(&cpuid, function, index);

	assert_non_null(e);
	return e;
}

static unsigned count_of(uint32_t function)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < cpuid.count; i++)
		n += cpuid.entry[i].function == function;
	return n;
}

static uint32_t bits(uint32_t reg, unsigned low, unsigned width)
{
	return (reg >> low) & (uint32_t)(BIT64(width) - 1);
}

/* ---- both vendors ---- */

static void (*const describe[])(unsigned) = { describe_intel, describe_amd };

static void leaf_1_counts_apic_ids(void **state)
{
	(void)state;
	for (unsigned v = 0; v < ARRAY_SIZE(describe); v++)
		for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
			describe[v](sizes[i].cpus);
			assert_int_equal(bits(leaf(1, 0)->ebx, 16, 8),
				MIN(sizes[i].ids, 255u));
			assert_int_equal(bits(leaf(1, 0)->edx, 28, 1),
				sizes[i].cpus > 1);
		}
}

static void leaf_1_tells_of_a_hypervisor(void **state)
{
	(void)state;
	for (unsigned v = 0; v < ARRAY_SIZE(describe); v++) {
		describe[v](1);
		assert_int_equal(bits(leaf(1, 0)->ecx, 31, 1), 1);
		/* CLFLUSH size and brand are the host's. */
		assert_int_equal(bits(leaf(1, 0)->ebx, 0, 16), 0x0800);
	}
}

static void expect_levels(uint32_t function, const struct size *size)
{
	const struct kvm_cpuid_entry2 *smt = leaf(function, 0);
	const struct kvm_cpuid_entry2 *core = leaf(function, 1);
	const struct kvm_cpuid_entry2 *end = leaf(function, 2);

	assert_int_equal(count_of(function), 3);
	assert_int_equal(smt->eax, 0);
	assert_int_equal(smt->ebx, 1);
	assert_int_equal(smt->ecx, 0x100);
	assert_int_equal(core->eax, size->shift);
	assert_int_equal(core->ebx, size->cpus);
	assert_int_equal(core->ecx, 0x201);
	assert_int_equal(end->eax, 0);
	assert_int_equal(end->ebx, 0);
	assert_int_equal(end->ecx, 2);
}

static void extended_leaves_have_one_thread_a_core(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		describe_intel(sizes[i].cpus);
		expect_levels(0xb, &sizes[i]);
		expect_levels(0x1f, &sizes[i]);
		describe_amd(sizes[i].cpus);
		expect_levels(0xb, &sizes[i]);
		assert_int_equal(count_of(0x1f), 0);
	}
}

static void a_cpu_before_leaf_b_gets_none(void **state)
{
	(void)state;
	load(intel, ARRAY_SIZE(intel));
	cpuid.entry[0].eax = 0xa;
	assert_int_equal(topology_describe(&cpuid, 2, 1), 0);
	assert_int_equal(count_of(0xb), 0);
	assert_int_equal(count_of(0x1f), 0);
}

static void describing_twice_changes_nothing(void **state)
{
	static struct cpuid once;

	(void)state;
	for (unsigned v = 0; v < ARRAY_SIZE(describe); v++) {
		describe[v](3);
		once = cpuid;
		assert_int_equal(topology_describe(&cpuid, 3, 1), 0);
		assert_int_equal(cpuid.count, once.count);
		assert_memory_equal(cpuid.entry, once.entry,
			once.count * sizeof(once.entry[0]));
	}
}

static void a_table_without_leaf_0_is_refused(void **state)
{
	(void)state;
	load(intel + 1, ARRAY_SIZE(intel) - 1);
	assert_true(topology_describe(&cpuid, 1, 1) < 0);
	assert_non_null(strstr(err_text(), "leaf 0"));
}

static void a_table_without_room_is_refused(void **state)
{
	(void)state;
	load(intel, ARRAY_SIZE(intel));
	for (; cpuid.count < CPUID_ENTRIES_MAX; cpuid.count++)
		cpuid.entry[cpuid.count].function = 0x40000000;
	assert_true(topology_describe(&cpuid, 1, 1) < 0);
	assert_true(cpuid.count <= CPUID_ENTRIES_MAX);
}

/* ---- caches ---- */

static void expect_caches(uint32_t function, const struct size *size)
{
	static const uint32_t type_and_level[] = { 0x21, 0x22, 0x43, 0x63 };

	for (uint32_t i = 0; i < 4; i++) {
		uint32_t eax = leaf(function, i)->eax;

		assert_int_equal(bits(eax, 0, 8), type_and_level[i]);
		assert_int_equal(bits(eax, 14, 12), i == 3 ? size->ids - 1 : 0);
		assert_int_equal(bits(eax, 26, 6),
			function == 4 ? MIN(size->ids - 1, 63u) : 0);
	}
	assert_int_equal(leaf(function, 4)->eax, 0);
}

static void only_the_last_level_is_shared(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		describe_intel(sizes[i].cpus);
		expect_caches(4, &sizes[i]);
		describe_amd(sizes[i].cpus);
		expect_caches(0x8000001d, &sizes[i]);
	}
}

/* ---- AMD's own leaves ---- */

static void amd_counts_cores(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		describe_amd(sizes[i].cpus);
		assert_int_equal(bits(leaf(0x80000008, 0)->ecx, 0, 8),
			sizes[i].cpus - 1);
		assert_int_equal(
			bits(leaf(0x80000008, 0)->ecx, 12, 4), sizes[i].shift);
		assert_int_equal(bits(leaf(0x80000001, 0)->ecx, 1, 1),
			sizes[i].cpus > 1);
		assert_int_equal(leaf(0x8000001e, 0)->ebx, 0);
		assert_int_equal(leaf(0x8000001e, 0)->ecx, 0);
	}
}

static void hygon_counts_as_amd(void **state)
{
	(void)state;
	load(amd, ARRAY_SIZE(amd));
	cpuid.entry[0].ebx = 0x6f677948; /* "Hygo" */
	assert_int_equal(topology_describe(&cpuid, 4, 1), 0);
	assert_int_equal(bits(leaf(0x80000008, 0)->ecx, 0, 8), 3);
}

static void intel_keeps_what_is_reserved_there(void **state)
{
	(void)state;
	describe_intel(4);
	assert_int_equal(leaf(0x80000008, 0)->ecx, 0);
	assert_int_equal(leaf(0x80000008, 0)->eax, 0x3039);
	assert_int_equal(leaf(0x80000001, 0)->ecx, 0x121);
}

/* ---- what differs between vCPUs ---- */

static void each_vcpu_has_its_apic_id_everywhere(void **state)
{
	static const unsigned ids[] = { 0, 1, 2, 100, 253 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		describe_intel(254);
		topology_set_apic_id(&cpuid, ids[i]);
		assert_int_equal(bits(leaf(1, 0)->ebx, 24, 8), ids[i]);
		for (uint32_t level = 0; level < 3; level++) {
			assert_int_equal(leaf(0xb, level)->edx, ids[i]);
			assert_int_equal(leaf(0x1f, level)->edx, ids[i]);
		}
		assert_int_equal(bits(leaf(1, 0)->ebx, 16, 8), 255);
		describe_amd(254);
		topology_set_apic_id(&cpuid, ids[i]);
		assert_int_equal(bits(leaf(1, 0)->ebx, 24, 8), ids[i]);
		assert_int_equal(leaf(0x8000001e, 0)->eax, ids[i]);
		assert_int_equal(leaf(0x8000001e, 0)->ebx, ids[i]);
	}
}

/* ---- two threads in each core ---- */

static const struct {
	unsigned cpus;
	uint32_t shift, cores; /* cores: as many as ids can name */
} pairs[] = { { 2, 1, 1 }, { 4, 2, 2 }, { 6, 3, 4 }, { 254, 8, 128 } };

static void expect_pairs(uint32_t function, unsigned cpus, uint32_t shift)
{
	assert_int_equal(leaf(function, 0)->eax, 1);
	assert_int_equal(leaf(function, 0)->ebx, 2);
	assert_int_equal(leaf(function, 0)->ecx, 0x100);
	assert_int_equal(leaf(function, 1)->eax, shift);
	assert_int_equal(leaf(function, 1)->ebx, cpus);
}

static void intel_threads_share_a_core(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
		load(intel, ARRAY_SIZE(intel));
		assert_int_equal(
			topology_describe(&cpuid, pairs[i].cpus, 2), 0);
		expect_pairs(0xb, pairs[i].cpus, pairs[i].shift);
		expect_pairs(0x1f, pairs[i].cpus, pairs[i].shift);
		for (uint32_t cache = 0; cache < 3; cache++)
			assert_int_equal(bits(leaf(4, cache)->eax, 14, 12), 1);
		assert_int_equal(
			bits(leaf(4, 3)->eax, 14, 12), 2 * pairs[i].cores - 1);
		assert_int_equal(bits(leaf(4, 0)->eax, 26, 6),
			MIN(pairs[i].cores - 1, 63u));
		assert_int_equal(bits(leaf(1, 0)->edx, 28, 1), 1);
	}
}

static void amd_threads_share_a_core(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
		load(amd, ARRAY_SIZE(amd));
		assert_int_equal(
			topology_describe(&cpuid, pairs[i].cpus, 2), 0);
		expect_pairs(0xb, pairs[i].cpus, pairs[i].shift);
		assert_int_equal(bits(leaf(0x80000008, 0)->ecx, 0, 8),
			pairs[i].cpus - 1);
		assert_int_equal(bits(leaf(0x8000001d, 0)->eax, 14, 12), 1);
		for (unsigned id = 0; id < pairs[i].cpus; id++) {
			topology_set_apic_id(&cpuid, id);
			assert_int_equal(leaf(0x8000001e, 0)->eax, id);
			assert_int_equal(
				leaf(0x8000001e, 0)->ebx, 0x100 | id / 2);
		}
	}
}

/* ---- finding a leaf ---- */

static void a_leaf_is_found_by_subleaf_only_where_it_has_any(void **state)
{
	(void)state;
	load(intel, ARRAY_SIZE(intel));
	assert_ptr_equal(leaf(1, 0), leaf(1, 7));
	assert_ptr_not_equal(leaf(4, 0), leaf(4, 1));
	assert_null(cpuid_find(&cpuid, 4, 5));
	assert_null(cpuid_find(&cpuid, 2, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaf_1_counts_apic_ids),
		cmocka_unit_test(leaf_1_tells_of_a_hypervisor),
		cmocka_unit_test(extended_leaves_have_one_thread_a_core),
		cmocka_unit_test(a_cpu_before_leaf_b_gets_none),
		cmocka_unit_test(describing_twice_changes_nothing),
		cmocka_unit_test(a_table_without_leaf_0_is_refused),
		cmocka_unit_test(a_table_without_room_is_refused),
		cmocka_unit_test(only_the_last_level_is_shared),
		cmocka_unit_test(amd_counts_cores),
		cmocka_unit_test(hygon_counts_as_amd),
		cmocka_unit_test(intel_keeps_what_is_reserved_there),
		cmocka_unit_test(each_vcpu_has_its_apic_id_everywhere),
		cmocka_unit_test(intel_threads_share_a_core),
		cmocka_unit_test(amd_threads_share_a_core),
		cmocka_unit_test(
			a_leaf_is_found_by_subleaf_only_where_it_has_any),
	};

	return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
