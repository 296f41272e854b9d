/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_firecracker.c - a Firecracker template takes effect as it is written, or
 * the sentence says which part does not
 */
#include <errno.h>
#include <string.h>

#include "cpu/x86_64/bit_names.h"
#include "cpu/x86_64/model.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/core/kvm.h"

static int check_vendor(const struct cpu_model *model)
{
	char vendor[13];

	cpu_set_vendor(&model->wanted, vendor);
	if (!model->fc.vendor || !strcmp(model->fc.vendor, vendor))
		return 0;
	return err_set(-ENOTSUP, "%s: is for CPUs of %s; this host's is of %s",
		model->subject, model->fc.vendor, text_shown(vendor).s);
}

static int check_capabilities(const struct cpu_model *model, int vm_fd)
{
	for (unsigned i = 0; i < model->fc.capability_count; i++)
		if (!kvm_check(vm_fd, model->fc.capability[i]))
			return err_set(-ENOTSUP,
				"%s: kvm_capabilities: KVM here lacks "
				"capability %d",
				model->subject, model->fc.capability[i]);
	return 0;
}

int model_check_firecracker_host(const struct cpu_model *model, int vm_fd)
{
	int rc = check_vendor(model);

	return rc ? rc : check_capabilities(model, vm_fd);
}

/* A register that muster never shows is 0 in CPUID, an MSR as KVM has it. */
static int check_unknown(
	const struct cpu_model *model, const struct fc_modifier *m, int vcpu_fd)
{
	static const char regs[][4] = { "eax", "ebx", "ecx", "edx" };
	uint64_t shown = 0;

	if (m->space == SPACE_MSR)
		(void)msr_read(vcpu_fd, m->index, &shown);
	if ((shown & m->mask) == m->value)
		return 0;
	if (m->space == SPACE_MSR)
		return err_set(-EINVAL,
			"%s: msr_modifiers: muster gives guests no MSR "
			"%#x with %#llx in it",
			model->subject, m->index, (unsigned long long)m->value);
	return err_set(-EINVAL,
		"%s: cpuid_modifiers: muster shows guests no leaf %#x, "
		"subleaf %#x, %s",
		model->subject, m->index, m->subleaf, regs[m->reg]);
}

/* What a modifier decides is there afterwards, but for what each VM decides. */
static void check_modifier(const struct cpu_model *model, unsigned row,
	const struct fc_modifier *m, struct bit_names *names)
{
	uint64_t shown = model->wanted.value[row];
	uint64_t mask = m->mask & ~bits_by_rule(row, BIT(RULE_MACHINE) |
							     BIT(RULE_DERIVED));

	if ((shown ^ m->value) & mask)
		bit_names_add_row(names, row, m->value & mask, shown & mask);
}

int model_check_modifiers(const struct cpu_model *model, int vcpu_fd)
{
	struct bit_names names = { 0 };
	int rc = 0;

	for (unsigned i = 0; !rc && i < model->fc.count; i++) {
		const struct fc_modifier *m = &model->fc.modifier[i];
		int row = feature_find_row(
			m->space, m->index, m->subleaf, m->reg);

		if (row < 0)
			rc = check_unknown(model, m, vcpu_fd);
		else
			check_modifier(model, (unsigned)row, m, &names);
	}
	if (rc || !names.count)
		return rc;
	return err_set(-EINVAL,
		"%s: asks for what muster never shows, or for what lacks "
		"something that it depends on: %s",
		model->subject, bit_names_end(&names));
}
