/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply.c - templates on a vCPU of this host's KVM: what is asked for is shown, or
 * refused by name; nothing is ignored
 *
 * Where KVM does not show a guest what CPUID was set (kvm_pvm), what it does show
 * is read back all the same, which is what these tests need.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cpu/fleet.h"
#include "cpu/x86_64/apply.h"
#include "cpu/x86_64/offer.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

/* A VM with one vCPU that never runs, so that it can be set again and again. */
static int kvm_fd = -1, vm_fd = -1, vcpu_fd = -1;
static struct cpu_set host; /* what `--cpu host` shows here */

#define NEED_KVM()                                                         \
	do {                                                               \
		(void)state;                                               \
		if (vcpu_fd < 0) {                                         \
			printf("skipped, " KVM_DEVICE " is missing: %s\n", \
				__func__);                                 \
			skip();                                            \
		}                                                          \
	} while (0)

static struct cpu_model *new_model(const char *cpu, unsigned cpus, bool nested)
{
	const struct cpu_options options = {
		.cpus = cpus, .cpu = cpu, .nested = nested
	};
	struct cpu_model *model = NULL;

	assert_int_equal(cpu_model_new(kvm_fd, &options, &model), 0);
	return model;
}

static int start(struct cpu_model *model)
{
	int rc = cpu_model_settle(model, kvm_fd, vm_fd, vcpu_fd);

	return rc ? rc : cpu_vcpu_init(vcpu_fd, model, 0);
}

/* As from a file, which the reader may refuse: then NULL. */
static struct cpu_model *new_template(const struct cpu_set *cpu, bool nested)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	struct template t = { .cpu = *cpu }, read;
	struct cpu_model *model;

	template_print(&t, &text);
	if (template_parse("test.json", text.data, text.len, &read))
		return NULL;
	model = new_model("host", 1, nested);
	model->source = MODEL_TEMPLATE;
	model->template = read;
	return model;
}

static int start_template(const struct cpu_set *cpu)
{
	struct cpu_model *model = new_template(cpu, false);
	int rc = model ? start(model) : -EBADMSG;

	cpu_model_free(model);
	return rc;
}

static int open_kvm(void **state)
{
	struct cpu_model *model;

	(void)state;
	if (kvm_open(KVM_DEVICE, &kvm_fd))
		return 0;
	assert_int_equal(kvm_create_vm(kvm_fd, &vm_fd), 0);
	assert_int_equal(cpu_vm_init(kvm_fd, vm_fd), 0);
	vcpu_fd = kvm_ioctl_val(vm_fd, KVM_CREATE_VCPU, 0);
	assert_true(vcpu_fd >= 0);
	model = new_model("host", 1, false);
	assert_int_equal(start(model), 0);
	host = model->wanted;
	cpu_model_free(model);
	return 0;
}

static int close_kvm(void **state)
{
	(void)state;
	close_fd(vcpu_fd);
	close_fd(vm_fd);
	close_fd(kvm_fd);
	return 0;
}

/* ---- what the vCPU shows now ---- */

static uint64_t shown_in(unsigned row)
{
	const struct feature_reg *reg = feature_row(row);
	struct kvm_cpuid_entry2 *e;
	struct cpuid cpuid;
	uint64_t value = 0;

	if (reg->space != SPACE_CPUID) {
		(void)msr_read(vcpu_fd, reg->index, &value);
		return value;
	}
	assert_int_equal(cpuid_read(vcpu_fd, &cpuid), 0);
	e = cpuid_find(&cpuid, reg->index, reg->subleaf);
	return e ? *cpuid_reg(e, reg->reg) : 0;
}

/* ---- the host's own ---- */

static void the_hosts_cpu_starts(void **state)
{
	NEED_KVM();
	assert_true(cpu_set_cpuid(&host, 1, 0, REG_EAX) != 0);
	assert_true(cpu_set_cpuid(&host, 0x80000001, 0, REG_EDX) & BIT(29));
}

static void hidden_bits_are_not_passed_on(void **state)
{
	NEED_KVM();
	for (unsigned row = 0; row < feature_rows(); row++)
		assert_int_equal(
			host.value[row] & ~bits_by_rule(row, ~BIT(RULE_HIDE)),
			0);
}

static void without_nested_no_virtualization_is_shown(void **state)
{
	NEED_KVM();
	assert_false(cpu_set_cpuid(&host, 1, 0, REG_ECX) & BIT(5));
	assert_false(cpu_set_cpuid(&host, 0x80000001, 0, REG_ECX) & BIT(2));
	for (uint32_t msr = 0x480; msr <= 0x493; msr++)
		assert_int_equal(cpu_set_msr(&host, msr), 0);
}

static void nested_is_refused_where_kvm_has_none(void **state)
{
	struct cpu_model *model;

	NEED_KVM();
	if (kvm_check(kvm_fd, KVM_CAP_NESTED_STATE)) {
		printf("skipped, a KVM without nested virtualization is "
		       "missing: %s\n",
			__func__);
		skip();
	}
	model = new_model("host", 1, true);
	assert_int_equal(start(model), -ENOTSUP);
	assert_non_null(strstr(err_text(), "--nested on"));
	cpu_model_free(model);
}

/* ---- templates ---- */

static void a_template_of_this_host_starts(void **state)
{
	NEED_KVM();
	assert_int_equal(start_template(&host), 0);
}

static void a_fleet_of_this_host_alone_starts_here(void **state)
{
	struct fleet_wishes wishes = { 0 };
	struct fleet_member member = { .name = "here" };
	struct cpu_model *model;
	struct template fleet;
	struct cpu_set offer;

	NEED_KVM();
	model = new_model("host", 1, false);
	assert_int_equal(
		offer_probe(kvm_fd, vcpu_fd, &model->supported, &offer), 0);
	cpu_model_free(model);
	member.cpu = &offer;
	assert_int_equal(fleet_merge(&member, 1, &wishes, &fleet), 0);
	assert_int_equal(start_template(&fleet.cpu), 0);
}

static void every_vcpu_has_its_own_apic_id(void **state)
{
	struct cpu_model *model;

	NEED_KVM();
	model = new_model("host", 4, false);
	assert_int_equal(start(model), 0);
	for (unsigned i = 0; i < 4; i++) {
		int row = feature_find_row(SPACE_CPUID, 1, 0, REG_EBX);

		assert_int_equal(cpu_vcpu_init(vcpu_fd, model, i), 0);
		assert_int_equal(shown_in((unsigned)row) >> 24, i);
	}
	cpu_model_free(model);
}

/* --nested off takes these away, whatever the template says. */
static uint64_t nested_bits(unsigned row)
{
	const struct feature_reg *reg = feature_row(row);

	if (reg->index == 1 && reg->reg == REG_ECX)
		return BIT(5);
	if (reg->index == 0x80000001 && reg->reg == REG_ECX)
		return BIT(2);
	return 0;
}

/*
 * Either the vCPU shows the value, or the sentence names its field or register, or
 * those that depend on it.
 */
static void expect_refused_or_shown(
	const struct cpu_set *cpu, unsigned row, const char *name)
{
	uint64_t fixed = bits_by_rule(row, BIT(RULE_MACHINE)) |
			 nested_bits(row);
	int rc = start_template(cpu);

	if (!rc && ((shown_in(row) ^ cpu->value[row]) & ~fixed))
		fail_msg("%s %s: asked for %#llx, shown %#llx",
			feature_row(row)->name, name,
			(unsigned long long)cpu->value[row],
			(unsigned long long)shown_in(row));
	if (rc && !strstr(err_text(), feature_row(row)->name) &&
		!strstr(err_text(), name) && !strstr(err_text(), " more") &&
		!strstr(err_text(), "the rest of this CPU") &&
		!strstr(err_text(), "is a CPU of"))
		fail_msg("%s %s: not named in: %s", feature_row(row)->name,
			name, err_text());
}

/* KVM computes these while the vCPU runs; a closed template holds them. */
static bool is_free(unsigned row, const struct feature *f)
{
	return f->rule != RULE_MACHINE && !bits_by_rule(row, BIT(RULE_DERIVED));
}

static void no_changed_feature_is_ignored(void **state)
{
	NEED_KVM();
	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);

		for (unsigned i = 0; i < reg->count; i++) {
			const struct feature *f = &reg->features[i];
			struct cpu_set cpu = host;

			if (!is_free(row, f))
				continue;
			cpu.value[row] ^= BIT64(f->low);
			cpu.present[row] = true;
			expect_refused_or_shown(&cpu, row, f->name);
		}
	}
}

static void no_changed_bit_is_ignored(void **state)
{
	NEED_KVM();
	for (unsigned row = 0; row < feature_rows(); row++) {
		unsigned bits = feature_row(row)->space == SPACE_CPUID ? 32
								       : 64;

		for (unsigned bit = 0; bit < bits; bit++) {
			struct cpu_set cpu = host;

			if (feature_of_bit(row, bit))
				continue;
			cpu.value[row] ^= BIT64(bit);
			cpu.present[row] = true;
			if (!start_template(&cpu))
				fail_msg("%s: bit %u has no name and starts",
					feature_row(row)->name, bit);
			assert_non_null(
				strstr(err_text(), feature_row(row)->name));
		}
	}
}

static void a_cpu_of_another_vendor_is_refused(void **state)
{
	struct cpu_set cpu;

	NEED_KVM();
	cpu = host;
	cpu_set_put_cpuid(&cpu, 0, 0, REG_EBX, 0x12345678);
	assert_true(start_template(&cpu) < 0);
	assert_non_null(strstr(err_text(), "is a CPU of "));
}

static void a_feature_that_the_host_lacks_is_refused_by_name(void **state)
{
	const struct feature *f;
	struct cpu_set cpu;
	int row;

	NEED_KVM();
	cpu = host;
	row = feature_find_name("xop", &f);
	assert_true(row >= 0);
	if (cpu_set_field(&host, (unsigned)row, f))
		skip();
	cpu_set_put_field(&cpu, (unsigned)row, f, 1);
	assert_true(start_template(&cpu) < 0);
	assert_non_null(strstr(err_text(), "xop"));
}

static void a_tsc_that_the_host_cannot_have_is_refused(void **state)
{
	struct cpu_model *model;

	NEED_KVM();
	model = new_template(&host, false);
	model->tsc_scaling = false;
	model->template.tsc_khz = 12345;
	assert_int_equal(start(model), -ENOTSUP);
	assert_non_null(strstr(err_text(), "TSC"));
	cpu_model_free(model);
}

/* ---- what --cpu names ---- */

static void a_file_that_is_not_there_is_named(void **state)
{
	const struct cpu_options options = { .cpus = 1,
		.cpu = "/nonexistent/template" };
	struct cpu_model *model = NULL;

	NEED_KVM();
	assert_int_equal(cpu_model_new(kvm_fd, &options, &model), -ENOENT);
	assert_non_null(strstr(err_text(), "--cpu"));
	assert_non_null(strstr(err_text(), "/nonexistent/template"));
}

static void firecrackers_other_vendor_is_refused_by_name(void **state)
{
	struct cpu_model *model;
	char vendor[13];

	NEED_KVM();
	cpu_set_vendor(&host, vendor);
	model = new_model(
		strcmp(vendor, "GenuineIntel") ? "T2S" : "T2A", 1, false);
	assert_int_equal(start(model), -ENOTSUP);
	assert_non_null(strstr(err_text(), vendor));
	cpu_model_free(model);
}

static int start_modifier(const struct fc_modifier *m)
{
	struct cpu_model *model = new_model("host", 1, false);
	int rc;

	model->source = MODEL_FIRECRACKER;
	model->fc.modifier = m;
	model->fc.count = 1;
	rc = start(model);
	cpu_model_free(model);
	return rc;
}

static void a_modifier_that_sets_what_is_hidden_is_refused(void **state)
{
	static const struct fc_modifier waitpkg = { SPACE_CPUID, REG_ECX, 7, 0,
		BIT(5), BIT(5) };

	NEED_KVM();
	assert_int_equal(start_modifier(&waitpkg), -EINVAL);
	assert_non_null(strstr(err_text(), "waitpkg"));
}

static void a_modifier_of_a_leaf_that_is_never_shown_is_refused(void **state)
{
	static const struct fc_modifier leaf = { SPACE_CPUID, REG_EAX,
		0x80860000, 0, 1, 1 };
	static const struct fc_modifier msr = { SPACE_MSR, 0, 0x12345, 0, 1,
		1 };

	NEED_KVM();
	assert_int_equal(start_modifier(&leaf), -EINVAL);
	assert_non_null(strstr(err_text(), "0x80860000"));
	assert_int_equal(start_modifier(&msr), -EINVAL);
	assert_non_null(strstr(err_text(), "0x12345"));
}

static void a_capability_that_kvm_lacks_is_refused(void **state)
{
	struct cpu_model *model;

	NEED_KVM();
	model = new_model("host", 1, false);
	model->source = MODEL_FIRECRACKER;
	model->fc.capability[0] = 0x7fff;
	model->fc.capability_count = 1;
	assert_int_equal(start(model), -ENOTSUP);
	assert_non_null(strstr(err_text(), "32767"));
	cpu_model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hosts_cpu_starts),
		cmocka_unit_test(hidden_bits_are_not_passed_on),
		cmocka_unit_test(without_nested_no_virtualization_is_shown),
		cmocka_unit_test(nested_is_refused_where_kvm_has_none),
		cmocka_unit_test(a_template_of_this_host_starts),
		cmocka_unit_test(a_fleet_of_this_host_alone_starts_here),
		cmocka_unit_test(every_vcpu_has_its_own_apic_id),
		cmocka_unit_test(no_changed_feature_is_ignored),
		cmocka_unit_test(no_changed_bit_is_ignored),
		cmocka_unit_test(a_cpu_of_another_vendor_is_refused),
		cmocka_unit_test(
			a_feature_that_the_host_lacks_is_refused_by_name),
		cmocka_unit_test(a_tsc_that_the_host_cannot_have_is_refused),
		cmocka_unit_test(a_file_that_is_not_there_is_named),
		cmocka_unit_test(firecrackers_other_vendor_is_refused_by_name),
		cmocka_unit_test(
			a_modifier_that_sets_what_is_hidden_is_refused),
		cmocka_unit_test(
			a_modifier_of_a_leaf_that_is_never_shown_is_refused),
		cmocka_unit_test(a_capability_that_kvm_lacks_is_refused),
	};

	return cmocka_run_group_tests_name("apply", tests, open_kvm, close_kvm);
}
