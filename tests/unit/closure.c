/* SPDX-License-Identifier: Apache-2.0 */
/* closure.c - what falls with what (SDM vol. 3, 26 and app. A; cpu/x86_64/closure.c) */
#include "tests/unit/unit.h"

#include "cpu/fleet.h"
#include "cpu/x86_64/closure.h"
#include "cpu/x86_64/rules.h"
#include "tests/unit/cpus.h"

static struct cpu_set cpu;

static void full(void)
{
	cpus_full(&cpu);
	cpu_set_close(&cpu);
}

/* Take it away and close; a feature that is not there proves nothing. */
static void lose(const char *name)
{
	struct feature_ref ref = feature_ref(name);

	assert_true(ref.row >= 0);
	cpu_set_drop(&cpu, ref.row, ref.feature);
	cpu_set_close(&cpu);
}

/* ---- the table ---- */

static void every_name_is_one_of_the_tables(void **state)
{
	(void)state;
	for (unsigned i = 0; i < closure_dependencies_count; i++) {
		const struct dependency *d = &closure_dependencies[i];

		cpus_get(&cpu, d->feature);
		assert_non_null(d->needs[0]);
		for (unsigned n = 0; n < CLOSURE_NEEDS_MAX && d->needs[n]; n++)
			cpus_get(&cpu, d->needs[n]);
	}
	for (unsigned i = 0; i < closure_presences_count; i++)
		cpus_get(&cpu, closure_presences[i].needs[0]);
	assert_int_equal(clearings(), closure_clearings_count);
}

static void each_dependency_holds(void **state)
{
	unsigned proven = 0;

	(void)state;
	for (unsigned i = 0; i < closure_dependencies_count; i++) {
		const struct dependency *d = &closure_dependencies[i];

		full();
		if (!cpus_get(&cpu, d->feature))
			continue; /* hidden, or needs what is hidden */
		for (unsigned n = 0; n < CLOSURE_NEEDS_MAX && d->needs[n]; n++)
			cpus_put(&cpu, d->needs[n], 0);
		cpu_set_close(&cpu);
		if (cpus_get(&cpu, d->feature))
			fail_msg(
				"%s stays without %s", d->feature, d->needs[0]);
		proven++;
	}
	assert_true(proven > 200);
}

/* From the manual, not from our table. */
static const struct {
	const char *lost;
	const char *falls[12];
} rules[] = {
	{ "vmx-secondary-ctls",
		{ "vmx-ept", "vmx-vpid", "vmx-unrestricted-guest", "vmx-pml",
			"vmx-invept", "vmx-invvpid", "vmx-vmfunc" } },
	{ "vmx-ept", { "vmx-ept-1gb", "vmx-invept", "vmx-unrestricted-guest",
			     "vmx-pml", "vmx-ept-violation-ve", "vmx-mbec",
			     "vmx-sub-page-wp", "vmx-eptp-switching",
			     "vmx-page-walk-4" } },
	{ "vmx-eptad", { "vmx-pml" } },
	{ "vmx-invept",
		{ "vmx-invept-single-context", "vmx-invept-all-context" } },
	{ "vmx-invvpid",
		{ "vmx-invvpid-single-addr", "vmx-invvpid-single-context",
			"vmx-invvpid-all-context",
			"vmx-invvpid-single-context-noglobals" } },
	{ "vmx-vpid", { "vmx-invvpid", "vmx-invvpid-single-addr" } },
	{ "vmx-vmfunc", { "vmx-eptp-switching" } },
	{ "vmx-eptp-switching", { "vmx-vmfunc" } },
	{ "vmx-flexpriority", { "vmx-apicv-x2apic", "vmx-apicv-register",
				      "vmx-apicv-vid", "vmx-posted-intr" } },
	{ "vmx-apicv-vid", { "vmx-posted-intr" } },
	{ "vmx-exit-ack-intr", { "vmx-posted-intr" } },
	{ "vmx-intr-exit", { "vmx-apicv-vid", "vmx-posted-intr" } },
	{ "vmx-nmi-exit", { "vmx-vnmi", "vmx-vnmi-pending" } },
	{ "vmx-preemption-timer", { "vmx-exit-save-preemption-timer" } },
	{ "vmx-preemption-timer-rate", { "vmx-preemption-timer" } },
	{ "vmx-store-lma", { "vmx-unrestricted-guest" } },
	{ "rdtscp", { "vmx-rdtscp-exit" } },
	{ "invpcid", { "vmx-invpcid-exit" } },
	{ "rdrand", { "vmx-rdrand-exit" } },
	{ "rdseed", { "vmx-rdseed-exit" } },
	{ "xsaves", { "vmx-xsaves", "xss_cet_u", "amx_tile" } },
	{ "mpx", { "vmx-entry-load-bndcfgs", "vmx-exit-clear-bndcfgs",
			 "xcr0_bndregs", "xcr0_bndcsr" } },
	{ "lm", { "vmx-entry-ia32e-mode", "vmx-exit-host-ia32e-mode" } },
	{ "pks", { "vmx-entry-load-pkrs", "vmx-exit-load-pkrs" } },
	{ "fred", { "vmx-nested-exception", "vmx-cr4-fixed1-fred" } },
	{ "umip", { "vmx-cr4-fixed1-umip" } },
	{ "la57", { "vmx-cr4-fixed1-la57" } },
	{ "avx", { "avx2", "avx512f", "fma", "xcr0_avx", "xcr0_opmask",
			 "xsave_avx_size" } },
	{ "xcr0_opmask",
		{ "xcr0_zmm_hi256", "xcr0_hi16_zmm", "avx512f", "avx512vl" } },
	{ "xcr0_zmm_hi256", { "xcr0_opmask", "xcr0_hi16_zmm", "avx512f" } },
	{ "xcr0_hi16_zmm", { "xcr0_opmask", "xcr0_zmm_hi256", "avx512f" } },
	{ "xcr0_xtilecfg", { "xcr0_xtiledata", "amx_tile", "amx_int8" } },
	{ "xcr0_xtiledata", { "xcr0_xtilecfg", "amx_tile", "amx_bf16" } },
	{ "xcr0_bndregs", { "xcr0_bndcsr", "mpx" } },
	{ "xcr0_bndcsr", { "xcr0_bndregs", "mpx" } },
	{ "xsave_pkru_offset", { "xcr0_pkru", "pku" } },
	{ "svm", { "npt", "svm_asids", "vgif", "avic" } },
	{ "npt", { "avic", "x2avic" } },
	{ "arch_capabilities", { "rdcl_no", "mds_no" } },
	{ "vmx", { "vmx-revision-id", "vmx-ept", "vmx-invept",
			 "vmx-cr4-fixed1-vmxe", "vmx-io-bitmap",
			 "vmx-vmcs-index-max", "vmx-store-lma" } },
};

static void what_the_manual_ties_together_falls_together(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rules); i++)
		for (unsigned n = 0; n < 12 && rules[i].falls[n]; n++) {
			const char *name = rules[i].falls[n];

			full();
			if (!cpus_get(&cpu, name) ||
				!cpus_get(&cpu, rules[i].lost))
				fail_msg("%s or %s is not there at all", name,
					rules[i].lost);
			lose(rules[i].lost);
			if (cpus_get(&cpu, name))
				fail_msg("%s stays without %s", name,
					rules[i].lost);
		}
}

static void ept_needs_a_walk_length(void **state)
{
	(void)state;
	full();
	lose("vmx-page-walk-4");
	assert_int_equal(cpus_get(&cpu, "vmx-ept"), 1);
	lose("vmx-page-walk-5");
	assert_int_equal(cpus_get(&cpu, "vmx-ept"), 0);
}

static void ept_needs_a_memory_type(void **state)
{
	(void)state;
	full();
	lose("vmx-ept-wb");
	assert_int_equal(cpus_get(&cpu, "vmx-ept"), 1);
	lose("vmx-ept-uc");
	assert_int_equal(cpus_get(&cpu, "vmx-ept"), 0);
}

/* ---- registers that are there or not ---- */

static bool is_there(uint32_t msr)
{
	return cpu.present[feature_find_row(SPACE_MSR, msr, 0, 0)];
}

static void msrs_go_with_what_announces_them(void **state)
{
	(void)state;
	full();
	assert_true(is_there(0x48b) && is_there(0x48c) && is_there(0x491));
	assert_false(is_there(0x492) || is_there(0x493));
	lose("vmx-vmfunc");
	assert_false(is_there(0x491));
	lose("vmx-ept");
	assert_true(is_there(0x48c));
	lose("vmx-vpid");
	assert_false(is_there(0x48c));
	lose("vmx-secondary-ctls");
	assert_false(is_there(0x48b));
	lose("vmx");
	for (uint32_t msr = 0x480; msr <= 0x493; msr++)
		assert_false(is_there(msr));
	assert_true(is_there(0x10a));
	lose("arch_capabilities");
	assert_false(is_there(0x10a));
}

static void what_announces_a_missing_msr_goes(void **state)
{
	static const struct {
		uint32_t msr;
		const char *name;
	} ties[] = { { 0x10a, "arch_capabilities" }, { 0x480, "vmx" },
		{ 0x486, "vmx" }, { 0x48b, "vmx-secondary-ctls" },
		{ 0x491, "vmx-vmfunc" } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ties); i++) {
		full();
		row_remove(
			&cpu, feature_find_row(SPACE_MSR, ties[i].msr, 0, 0));
		cpu_set_close(&cpu);
		assert_int_equal(cpus_get(&cpu, ties[i].name), 0);
	}
}

static void leaves_above_the_highest_are_gone(void **state)
{
	(void)state;
	full();
	cpus_put(&cpu, "max_subleaf_7", 0);
	cpu_set_close(&cpu);
	assert_int_equal(cpus_get(&cpu, "avx2"), 1);
	assert_int_equal(cpus_get(&cpu, "avx_vnni"), 0);
	cpus_put(&cpu, "max_leaf", 6);
	cpus_put(&cpu, "max_ext_leaf", 0x80000007);
	cpu_set_close(&cpu);
	assert_int_equal(cpus_get(&cpu, "avx2"), 0);
	assert_int_equal(cpus_get(&cpu, "xcr0_avx"), 0);
	assert_int_equal(cpus_get(&cpu, "phys_bits"), 0);
	assert_int_equal(cpus_get(&cpu, "lm"), 1);
}

static void hidden_and_unknown_bits_are_gone(void **state)
{
	(void)state;
	full();
	cpus_put(&cpu, "monitor", 1);
	cpus_put(&cpu, "hypervisor", 1);
	cpu.value[feature_find_row(SPACE_MSR, 0x10a, 0, 0)] |= BIT64(55);
	cpu_set_close(&cpu);
	assert_int_equal(cpus_get(&cpu, "monitor"), 0);
	assert_int_equal(cpus_get(&cpu, "hypervisor"), 0);
	assert_false(cpu_set_msr(&cpu, 0x10a) & BIT64(55));
}

/* ---- plain and TRUE controls ---- */

static void plain_controls_are_the_true_ones_with_the_default1_class(
	void **state)
{
	(void)state;
	full();
	assert_int_equal(cpu_set_msr(&cpu, 0x481) & 0xffffffff, 0x16);
	assert_int_equal(cpu_set_msr(&cpu, 0x482) & 0xffffffff, 0x0401e172);
	assert_int_equal(cpu_set_msr(&cpu, 0x483) & 0xffffffff, 0x36dff);
	assert_int_equal(cpu_set_msr(&cpu, 0x484) & 0xffffffff, 0x11ff);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(cpu_set_msr(&cpu, 0x481 + i) >> 32,
			cpu_set_msr(&cpu, 0x48d + i) >> 32);
}

static void without_bit_55_the_default1_class_must_be_1(void **state)
{
	(void)state;
	full();
	assert_false(cpus_get_duty(&cpu, "vmx-cr3-load-noexit"));
	lose("vmx-true-ctls");
	assert_true(cpus_get_duty(&cpu, "vmx-cr3-load-noexit"));
	assert_true(cpus_get_duty(&cpu, "vmx-exit-nosave-debugctl"));
	assert_int_equal(cpus_get(&cpu, "vmx-cr3-load-noexit"), 1);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(cpu_set_msr(&cpu, 0x481 + i),
			cpu_set_msr(&cpu, 0x48d + i));
}

static void a_cpu_without_true_msrs_is_led_by_its_plain_ones(void **state)
{
	(void)state;
	full();
	cpus_put(&cpu, "vmx-true-ctls", 0);
	for (uint32_t i = 0; i < 4; i++)
		row_remove(&cpu, feature_find_row(SPACE_MSR, 0x48d + i, 0, 0));
	cpu_set_close(&cpu);
	assert_int_equal(cpus_get(&cpu, "vmx"), 1);
	assert_int_equal(cpu_set_msr(&cpu, 0x48e), cpu_set_msr(&cpu, 0x482));
}

/* ---- fields that follow ---- */

static void the_xsave_area_ends_with_its_last_component(void **state)
{
	(void)state;
	cpus_fingerprint("intel-sapphire-rapids", &cpu);
	cpu_set_close(&cpu);
	assert_int_equal(cpu_set_cpuid(&cpu, 0xd, 0, REG_EAX), 0x602e7);
	assert_int_equal(cpu_set_cpuid(&cpu, 0xd, 0, REG_EBX), 0x240);
	assert_int_equal(cpu_set_cpuid(&cpu, 0xd, 0, REG_ECX), 11008);
	lose("amx_tile");
	assert_int_equal(cpu_set_cpuid(&cpu, 0xd, 0, REG_EAX), 0x2e7);
	assert_int_equal(cpu_set_cpuid(&cpu, 0xd, 0, REG_ECX), 2696);
	assert_int_equal(cpu_set_cpuid(&cpu, 0xd, 17, REG_EAX), 0);
	lose("pku");
	assert_int_equal(cpu_set_cpuid(&cpu, 0xd, 0, REG_ECX), 2688);
	lose("avx512f");
	assert_int_equal(cpu_set_cpuid(&cpu, 0xd, 0, REG_ECX), 832);
	lose("avx");
	assert_int_equal(cpu_set_cpuid(&cpu, 0xd, 0, REG_ECX), 576);
	lose("xsave");
	assert_int_equal(cpu_set_cpuid(&cpu, 0xd, 0, REG_ECX), 0);
	assert_int_equal(cpu_set_cpuid(&cpu, 0xd, 1, REG_EAX), 0);
}

static void rrsba_without_enhanced_ibrs_is_rsba(void **state)
{
	(void)state;
	full();
	cpus_put(&cpu, "rrsba", 1);
	cpu_set_close(&cpu);
	assert_int_equal(cpus_get(&cpu, "rrsba"), 1);
	assert_int_equal(cpus_get(&cpu, "rsba"), 0);
	lose("ibrs_all");
	assert_int_equal(cpus_get(&cpu, "rrsba"), 0);
	assert_int_equal(cpus_get(&cpu, "rsba"), 1);
}

static void hiding_immunity_tells_guests_to_clear(void **state)
{
	(void)state;
	full();
	cpus_put(&cpu, "md_clear", 0);
	cpu_set_close(&cpu);
	assert_int_equal(cpus_get(&cpu, "md_clear"), 0);
	lose("mds_no");
	assert_int_equal(cpus_get(&cpu, "md_clear"), 1);
}

static void without_la57_addresses_have_48_bits(void **state)
{
	(void)state;
	full();
	assert_int_equal(cpus_get(&cpu, "virt_bits"), 57);
	lose("la57");
	assert_int_equal(cpus_get(&cpu, "virt_bits"), 48);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_is_one_of_the_tables),
		cmocka_unit_test(each_dependency_holds),
		cmocka_unit_test(what_the_manual_ties_together_falls_together),
		cmocka_unit_test(ept_needs_a_walk_length),
		cmocka_unit_test(ept_needs_a_memory_type),
		cmocka_unit_test(msrs_go_with_what_announces_them),
		cmocka_unit_test(what_announces_a_missing_msr_goes),
		cmocka_unit_test(leaves_above_the_highest_are_gone),
		cmocka_unit_test(hidden_and_unknown_bits_are_gone),
		cmocka_unit_test(
			plain_controls_are_the_true_ones_with_the_default1_class),
		cmocka_unit_test(without_bit_55_the_default1_class_must_be_1),
		cmocka_unit_test(
			a_cpu_without_true_msrs_is_led_by_its_plain_ones),
		cmocka_unit_test(the_xsave_area_ends_with_its_last_component),
		cmocka_unit_test(rrsba_without_enhanced_ibrs_is_rsba),
		cmocka_unit_test(hiding_immunity_tells_guests_to_clear),
		cmocka_unit_test(without_la57_addresses_have_48_bits),
	};

	return cmocka_run_group_tests_name("closure", tests, NULL, NULL);
}
