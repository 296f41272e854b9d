/* SPDX-License-Identifier: Apache-2.0 */
/* collect.c - visiting logical CPUs: groups, the VMX presence chain, CPU lists */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "cpu/x86_64/collect.h"
#include "vmm/base/err.h"

/* A host of alike CPUs, but for one. */
static struct host {
	unsigned here;
	unsigned odd; /* this CPU … */
	uint64_t odd_microcode;
	bool odd_lacks_sse3;
	bool msrs_closed;
	uint64_t basic, proc; /* IA32_VMX_BASIC, IA32_VMX_PROCBASED_CTLS */
	uint32_t refused_msr; /* raises #GP */
	unsigned visits;
} host;

static int visit(void *ctx, unsigned cpu)
{
	(void)ctx;
	host.here = cpu;
	host.visits++;
	return 0;
}

static void cpuid(void *ctx, uint32_t leaf, uint32_t subleaf, uint32_t ret[4])
{
	bool odd = host.here == host.odd;

	(void)ctx;
	(void)subleaf;
	memset(ret, 0, 4 * sizeof(*ret));
	if (leaf == 0)
		memcpy(ret,
			(uint32_t[]){ 1, 0x756e6547, 0x6c65746e, 0x49656e69 },
			4 * sizeof(*ret));
	if (leaf == 1) {
		ret[REG_EBX] = host.here << 24; /* its APIC id */
		ret[REG_ECX] = BIT(5) | !(odd && host.odd_lacks_sse3);
	}
	/* Beyond the last leaf Intel returns the data of the last. */
	if (leaf > 1 && leaf < 0x80000000)
		memset(ret, 0xff, 4 * sizeof(*ret));
}

static int rdmsr(void *ctx, uint32_t msr, uint64_t *ret)
{
	(void)ctx;
	if (host.msrs_closed)
		return -ENODEV;
	if (msr == host.refused_msr)
		return -EIO;
	*ret = 0;
	if (msr == 0x8b)
		*ret = host.here == host.odd ? host.odd_microcode << 32
					     : 0x2bull << 32;
	if (msr == 0x480)
		*ret = host.basic;
	if (msr == 0x482)
		*ret = host.proc;
	return 0;
}

static uint64_t microcode(void *ctx)
{
	(void)ctx;
	return 0x77;
}

static struct profile *collect(unsigned cpus)
{
	const struct silicon_reader reader = {
		.visit = visit,
		.cpuid = cpuid,
		.rdmsr = rdmsr,
		.microcode = microcode,
	};
	struct profile *p = calloc(1, sizeof(*p));
	struct cpu_list list = { 0 };

	for (unsigned i = 0; i < cpus; i++)
		cpu_list_add(&list, i);
	if (collect_groups(&reader, &list, p))
		fail_msg("%s", err_text());
	return p;
}

static void set_up_alike(void)
{
	host = (struct host){
		.odd = ~0u,
		.basic = BIT64(55),
		.proc = BIT64(63),
	};
}

static bool has_msr(const struct profile *p, uint32_t msr)
{
	int row = feature_find_row(SPACE_MSR, msr, 0, 0);

	assert_true(row >= 0);
	return p->groups[0].silicon.present[row];
}

static void alike_cpus_are_one_group_in_spite_of_their_apic_ids(void **state)
{
	struct profile *p;

	(void)state;
	set_up_alike();
	p = collect(128);
	assert_int_equal(host.visits, 128);
	assert_int_equal(p->group_count, 1);
	assert_int_equal(cpu_list_count(&p->groups[0].cpus), 128);
	assert_int_equal(p->groups[0].microcode, 0x2b);
	assert_true(p->groups[0].msrs_known);
	profile_free(p);
}

static void a_cpu_with_other_microcode_is_parted_and_named(void **state)
{
	struct buf text = BUF_INIT;
	struct profile *p;

	(void)state;
	set_up_alike();
	host.odd = 0;
	host.odd_microcode = 0x2a;
	p = collect(4);
	assert_int_equal(p->group_count, 2);
	/* The largest first. */
	assert_int_equal(cpu_list_count(&p->groups[0].cpus), 3);
	profile_print_asymmetry(p, &text);
	buf_u8(&text, 0);
	assert_non_null(strstr(
		(char *)text.data, "CPU 0: microcode 0x2a, others 0x2b\n"));
	buf_fini(&text);
	profile_free(p);
}

static void a_cpu_that_lacks_a_feature_is_parted_and_named(void **state)
{
	struct buf text = BUF_INIT;
	struct profile *p;

	(void)state;
	set_up_alike();
	host.odd = 2;
	host.odd_microcode = 0x2b;
	host.odd_lacks_sse3 = true;
	p = collect(4);
	assert_int_equal(p->group_count, 2);
	assert_int_equal(profile_print_asymmetry(p, &text), 1);
	buf_u8(&text, 0);
	assert_string_equal(
		text.data, "CPU 2: pni (CPUID.1:ECX) 0, others 1\n");
	buf_fini(&text);
	profile_free(p);
}

static void leaves_past_the_last_are_absent(void **state)
{
	struct profile *p;
	int row = feature_find_row(SPACE_CPUID, 7, 0, REG_EBX);

	(void)state;
	set_up_alike();
	p = collect(1);
	assert_true(row >= 0);
	assert_false(p->groups[0].silicon.present[row]);
	profile_free(p);
}

static void vmx_msrs_follow_the_presence_chain(void **state)
{
	struct profile *p;

	(void)state;
	set_up_alike();
	p = collect(1);
	assert_true(has_msr(p, 0x48b));  /* secondary controls */
	assert_false(has_msr(p, 0x48c)); /* neither EPT nor VPID */
	assert_true(has_msr(p, 0x48d));  /* TRUE controls */
	assert_false(has_msr(p, 0x491)); /* no VM functions */
	profile_free(p);

	host.basic = host.proc = 0;
	p = collect(1);
	assert_false(has_msr(p, 0x48b));
	assert_false(has_msr(p, 0x48d));
	profile_free(p);
}

static void an_msr_that_faults_is_absent(void **state)
{
	struct profile *p;

	(void)state;
	set_up_alike();
	host.refused_msr = 0xce;
	p = collect(1);
	assert_false(has_msr(p, 0xce));
	assert_true(has_msr(p, 0x3a));
	assert_true(p->groups[0].msrs_known);
	profile_free(p);
}

static void without_msrs_the_kernel_knows_the_revision(void **state)
{
	struct profile *p;

	(void)state;
	set_up_alike();
	host.msrs_closed = true;
	p = collect(2);
	assert_false(p->groups[0].msrs_known);
	assert_int_equal(p->groups[0].microcode, 0x77);
	assert_false(has_msr(p, 0x480));
	profile_free(p);
}

static void lists_of_cpus_print_as_they_are_read(void **state)
{
	static const char *const good[] = { "0", "0-3", "0-3,5,7-8", "4095" };
	static const char *const bad[] = { "", "a", "0,", ",0", "1-", "-1",
		"3-1", "1,1", "2,1", "0-1,1", "4096", "99999999999", "0 " };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct buf text = BUF_INIT;
		struct cpu_list list;

		assert_int_equal(cpu_list_parse(good[i], &list), 0);
		cpu_list_print(&list, &text);
		buf_u8(&text, 0);
		assert_string_equal(text.data, good[i]);
		buf_fini(&text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct cpu_list list;

		assert_int_equal(cpu_list_parse(bad[i], &list), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			alike_cpus_are_one_group_in_spite_of_their_apic_ids),
		cmocka_unit_test(
			a_cpu_with_other_microcode_is_parted_and_named),
		cmocka_unit_test(
			a_cpu_that_lacks_a_feature_is_parted_and_named),
		cmocka_unit_test(leaves_past_the_last_are_absent),
		cmocka_unit_test(vmx_msrs_follow_the_presence_chain),
		cmocka_unit_test(an_msr_that_faults_is_absent),
		cmocka_unit_test(without_msrs_the_kernel_knows_the_revision),
		cmocka_unit_test(lists_of_cpus_print_as_they_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
