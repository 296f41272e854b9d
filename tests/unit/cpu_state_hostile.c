/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_state_hostile.c - states of a vCPU that no machine ever had */
#include <errno.h>
#include <stdlib.h>

#include "cpu/x86_64/model.h"
#include "tests/unit/cpu_vm.h"
#include "tests/unit/unit.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

static struct cpu_vm to;
static struct machine_state good;

static int open_vm(void **state)
{
	(void)state;
	if (!cpu_vm_open(&to, NULL))
		return 0;
	machine_save(&to, &good);
	return 0;
}

static int close_vm(void **state)
{
	(void)state;
	machine_fini(&good);
	cpu_vm_close(&to);
	return 0;
}

/* One part of a good state is changed: refused, and the sentence says `word`. */
static void expect_refused(
	const struct cpu_vcpu_state *bad, int rc_wanted, const char *word)
{
	int rc = cpu_vcpu_load(to.model, to.clock, 0, bad);

	if (rc >= 0)
		fail_msg("loaded, not refused for \"%s\"", word);
	if (rc_wanted)
		assert_int_equal(rc, rc_wanted);
	if (strncmp(err_text(), "vCPU 0: ", 8) || !strstr(err_text(), word))
		fail_msg("no \"%s\" in: %s", word, err_text());
}

static void what_kvm_refuses_is_named(void **state)
{
	struct cpu_vcpu_state bad;

	NEED_KVM(&to);
	bad = good.vcpu[0];
	bad.sregs.cr4 = 1ull << 40;
	expect_refused(&bad, 0, "CR4 0x10000000000");
	bad = good.vcpu[0];
	bad.sregs.apic_base = UINT64_MAX;
	expect_refused(&bad, 0, "APIC_BASE 0xffffffffffffffff");
	bad = good.vcpu[0];
	bad.xcr0 = 1ull << 61;
	expect_refused(&bad, 0, "XCR0 = 0x2000000000000000");
	bad = good.vcpu[0];
	bad.debugregs.dr7 = 1ull << 40;
	expect_refused(&bad, 0, "DR7 0x10000000000");
	bad = good.vcpu[0];
	bad.events.flags = ~0u;
	expect_refused(&bad, 0, "events: flags 0xffffffff");
	bad = good.vcpu[0];
	bad.mp_state = 77;
	expect_refused(&bad, 0, "MP state 77");
}

static void an_msr_that_kvm_has_not_is_named(void **state)
{
	struct msr_state msrs[] = { { 0x174, 1 }, { 0xdeadbeef, 5 } };
	struct cpu_vcpu_state bad;

	NEED_KVM(&to);
	bad = good.vcpu[0];
	bad.msrs = msrs;
	bad.msr_count = 2;
	expect_refused(&bad, -ENOTSUP, "no MSR 0xdeadbeef");
}

static void more_msrs_than_kvm_takes_at_once_are_loaded(void **state)
{
	struct msr_state msrs[600];
	struct cpu_vcpu_state many;

	NEED_KVM(&to);
	many = good.vcpu[0];
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		msrs[i] = (struct msr_state){ 0x174, 0x10 };
	many.msrs = msrs;
	many.msr_count = ARRAY_SIZE(msrs);
	ok(cpu_vcpu_load(to.model, to.clock, 0, &many));
	msrs[500].index = 0xdeadbeef;
	expect_refused(&many, -ENOTSUP, "no MSR 0xdeadbeef");
}

static void an_msr_that_describes_the_cpu_is_not_taken(void **state)
{
	static const uint32_t others[] = { MSR_TSC, MSR_TSC_DEADLINE,
		0xc0000080, 0x10a, 0x1b };
	struct cpu_vcpu_state bad;
	char word[32];

	NEED_KVM(&to);
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
		struct msr_state msr = { others[i], 5 };

		bad = good.vcpu[0];
		bad.msrs = &msr;
		bad.msr_count = 1;
		snprintf(word, sizeof(word), "MSR %#x is listed", others[i]);
		expect_refused(&bad, -EBADMSG, word);
	}
}

static void a_value_that_an_msr_cannot_have_is_named(void **state)
{
	/* LSTAR, in neither half of the address space */
	struct msr_state msr = { 0xc0000082, 1ull << 62 };
	struct cpu_vcpu_state bad;

	NEED_KVM(&to);
	bad = good.vcpu[0];
	bad.msrs = &msr;
	bad.msr_count = 1;
	expect_refused(&bad, -ENOTSUP, "MSR 0xc0000082 = 0x4000000000000000");
}

static void load_xsave(uint64_t held, uint32_t bytes, const char *word)
{
	struct cpu_vcpu_state bad = good.vcpu[0];
	uint8_t *area = calloc(1, STATE_XSAVE_MAX);

	memcpy(area, bad.xsave, bad.xsave_bytes);
	memcpy(area + 512, &held, sizeof(held));
	bad.xsave = area;
	bad.xsave_bytes = bytes;
	expect_refused(&bad, 0, word);
	free(area);
}

static void components_that_the_model_lacks_are_named(void **state)
{
	NEED_KVM(&to);
	load_xsave(1ull << 18, STATE_XSAVE_MAX, "component 18 (AMX tile data)");
	load_xsave(1ull << 62, STATE_XSAVE_MAX, "component 62 (not defined)");
}

static void an_xsave_area_that_is_too_short_is_refused(void **state)
{
	NEED_KVM(&to);
	load_xsave(0, 0, "the XSAVE area has 0 bytes");
	load_xsave(0, 575, "the XSAVE area has 575 bytes");
	if (cpu_set_cpuid(&to.model->wanted, 0xd, 0, REG_EAX) & 4)
		load_xsave(4, 576, "components need 832");
}

static void an_area_of_a_host_with_more_state_is_taken(void **state)
{
	struct cpu_vcpu_state large;
	uint8_t *area;

	NEED_KVM(&to);
	large = good.vcpu[0];
	area = calloc(1, STATE_XSAVE_MAX);
	memcpy(area, large.xsave, large.xsave_bytes);
	large.xsave = area;
	large.xsave_bytes = STATE_XSAVE_MAX;
	ok(cpu_vcpu_load(to.model, to.clock, 0, &large));
	free(area);
}

static void reserved_parts_of_the_xsave_area_are_refused(void **state)
{
	struct cpu_vcpu_state bad;
	uint8_t *area;

	NEED_KVM(&to);
	bad = good.vcpu[0];
	area = calloc(1, bad.xsave_bytes);
	memcpy(area, bad.xsave, bad.xsave_bytes);
	memset(area + 24, 0xff, 4); /* MXCSR */
	area[512] = 3;              /* x87 and SSE are held */
	bad.xsave = area;
	expect_refused(&bad, 0, "XSAVE area (MXCSR 0xffffffff");
	free(area);
}

static void nested_state_without_nested_is_refused(void **state)
{
	struct cpu_vcpu_state bad;
	uint8_t nested[128] = { 0 };

	NEED_KVM(&to);
	bad = good.vcpu[0];
	bad.nested = nested;
	bad.nested_bytes = sizeof(nested);
	expect_refused(&bad, -EBADMSG, "no --nested on");
}

/* KVM would read as much as the state itself says. */
static void nested_state_that_lies_about_its_size_is_refused(void **state)
{
	struct cpu_vcpu_state bad;
	uint8_t *nested = calloc(1, 128);

	NEED_KVM(&to);
	bad = good.vcpu[0];
	bad.nested = nested;
	bad.nested_bytes = 128;
	memset(nested + 4, 0x7f, 4); /* size */
	to.model->nested = true;
	expect_refused(&bad, -EBADMSG, "says it has 2139062143 bytes");
	bad.nested_bytes = 127;
	expect_refused(&bad, -EBADMSG, "has 127 bytes, not even a header");
	to.model->nested = false;
	free(nested);
}

/* Whatever a byte is changed to: loaded, or a sentence; never a crash. */
static void any_changed_byte_loads_or_is_refused_with_a_sentence(void **state)
{
	struct buf file = BUF_INIT;
	unsigned refused = 0;

	NEED_KVM(&to);
	state_save(&cpu_vcpu_state_desc, &good.vcpu[0], &file);
	for (size_t i = 0; i < file.len; i += i < 700 ? 1 : 13) {
		struct cpu_vcpu_state s = { 0 };

		file.data[i] ^= 0xff;
		err_clear();
		if (state_load(
			    &cpu_vcpu_state_desc, 1, file.data, file.len, &s) ||
			cpu_vcpu_load(to.model, to.clock, 0, &s)) {
			assert_true(*err_text());
			refused++;
		}
		state_fini(&cpu_vcpu_state_desc, &s);
		file.data[i] ^= 0xff;
	}
	assert_true(refused > 10);
	buf_fini(&file);
	ok(cpu_vcpu_load(to.model, to.clock, 0, &good.vcpu[0]));
}

static void any_changed_byte_of_the_machine_loads_or_is_refused(void **state)
{
	struct buf file = BUF_INIT;

	NEED_KVM(&to);
	state_save(&cpu_vm_state_desc, &good.vm, &file);
	for (size_t i = 0; i < file.len; i++) {
		struct cpu_vm_state s = { 0 };

		file.data[i] ^= 0xff;
		err_clear();
		if (state_load(
			    &cpu_vm_state_desc, 1, file.data, file.len, &s) ||
			cpu_vm_load(to.clock, &s, CLOCK_ADVANCE) ||
			cpu_clock_start(to.clock))
			assert_true(*err_text());
		file.data[i] ^= 0xff;
	}
	buf_fini(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_kvm_refuses_is_named),
		cmocka_unit_test(an_msr_that_kvm_has_not_is_named),
		cmocka_unit_test(more_msrs_than_kvm_takes_at_once_are_loaded),
		cmocka_unit_test(an_msr_that_describes_the_cpu_is_not_taken),
		cmocka_unit_test(a_value_that_an_msr_cannot_have_is_named),
		cmocka_unit_test(components_that_the_model_lacks_are_named),
		cmocka_unit_test(an_xsave_area_that_is_too_short_is_refused),
		cmocka_unit_test(an_area_of_a_host_with_more_state_is_taken),
		cmocka_unit_test(reserved_parts_of_the_xsave_area_are_refused),
		cmocka_unit_test(nested_state_without_nested_is_refused),
		cmocka_unit_test(
			nested_state_that_lies_about_its_size_is_refused),
		cmocka_unit_test(
			any_changed_byte_loads_or_is_refused_with_a_sentence),
		cmocka_unit_test(
			any_changed_byte_of_the_machine_loads_or_is_refused),
	};

	return cmocka_run_group_tests_name(
		"cpu_state_hostile", tests, open_vm, close_vm);
}
