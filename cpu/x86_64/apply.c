/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply.c - make a vCPU show the model, and prove it by reading it back
 *
 * Theory of operation: CPUID comes first, because KVM derives from it which MSRs
 * exist.  Of the VMX MSRs only some can be written, and in this order: the plain
 * control MSRs follow the TRUE ones, MISC accepts another timer rate only once the
 * timer is gone from the pin-based controls, and CR4_FIXED1 follows CPUID.  KVM
 * accepts contradictions without a word, so that success of a write proves nothing.
 */
#include "cpu/x86_64/apply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cpu/x86_64/bit_names.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/core/kvm.h"

#define FEATURE_CONTROL       0x3a
#define FEATURE_CONTROL_LOCK  BIT64(0)
#define FEATURE_CONTROL_VMXON BIT64(2) /* outside SMX */
#define FEATURE_CONTROL_LMCE  BIT64(20)

/*
 * The VMX MSRs that can be written, in KVM's order.  The TRUE controls hold what a
 * guest may choose from, also where BASIC[55] hides them (cpu_set_close()).
 */
static const uint32_t vmx_order[] = {
	0x48d, /* TRUE_PINBASED_CTLS */
	0x48e, /* TRUE_PROCBASED_CTLS */
	0x48f, /* TRUE_EXIT_CTLS */
	0x490, /* TRUE_ENTRY_CTLS */
	0x48b, /* PROCBASED_CTLS2 */
	0x48c, /* EPT_VPID_CAP */
	0x480, /* BASIC */
	0x485, /* MISC */
	0x486, /* CR0_FIXED0 */
	0x488, /* CR4_FIXED0 */
	0x48a, /* VMCS_ENUM */
	0x491, /* VMFUNC */
};

/* Linux's bound for calling two TSC frequencies the same (tsc_tolerance_ppm). */
#define TSC_TOLERANCE_PPM 250

/* ---- one MSR ---- */

/* The machine's or the vCPU's own state, not the model's. */
static uint64_t machine_bits(unsigned row)
{
	return bits_by_rule(row, BIT(RULE_MACHINE));
}

static int refused(const struct cpu_model *model, unsigned row, uint64_t wanted,
	uint64_t now)
{
	const struct feature_reg *reg = feature_row(row);
	struct bit_names names = { 0 };

	bit_names_add_row(&names, row, wanted, now);
	return err_set(-ENOTSUP,
		"%s: KVM refuses %s (MSR %#x) = %#" PRIx64
		" and stays at %#" PRIx64 ": %s",
		model->subject, reg->name, reg->index, wanted, now,
		bit_names_end(&names));
}

static int write_row(int vcpu_fd, const struct cpu_model *model, unsigned row,
	uint64_t wanted)
{
	uint32_t msr = feature_row(row)->index;
	uint64_t keep = machine_bits(row);
	uint64_t now;

	/* Not there, and the read-back says so where it matters. */
	if (msr_read(vcpu_fd, msr, &now))
		return 0;
	wanted = (wanted & ~keep) | (now & keep);
	if (wanted == now || !msr_write(vcpu_fd, msr, wanted) ||
		model->source == MODEL_HOST)
		return 0;
	return refused(model, row, wanted, now);
}

static int write_msr(int vcpu_fd, const struct cpu_model *model, uint32_t msr,
	uint64_t wanted)
{
	int row = feature_find_row(SPACE_MSR, msr, 0, 0);

	return row < 0 ? 0 : write_row(vcpu_fd, model, (unsigned)row, wanted);
}

/* ---- VMX ---- */

static bool has_vmx(const struct cpu_model *model)
{
	return cpu_set_cpuid(&model->wanted, 1, 0, REG_ECX) & BIT(5);
}

static int write_vmx(int vcpu_fd, const struct cpu_model *model)
{
	int rc = 0;

	for (unsigned i = 0; !rc && i < ARRAY_SIZE(vmx_order); i++)
		rc = write_msr(vcpu_fd, model, vmx_order[i],
			cpu_set_msr(&model->wanted, vmx_order[i]));
	return rc;
}

/* As firmware leaves it: locked, VMXON allowed outside SMX. */
static int write_feature_control(int vcpu_fd, const struct cpu_model *model)
{
	uint64_t value = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMXON;
	uint64_t now = 0;

	value |= cpu_set_msr(&model->wanted, FEATURE_CONTROL) &
		 FEATURE_CONTROL_LMCE;
	(void)msr_write(vcpu_fd, FEATURE_CONTROL, value);
	if (!msr_read(vcpu_fd, FEATURE_CONTROL, &now) && now == value)
		return 0;
	return err_set(-ENOTSUP,
		"--nested on: KVM refuses IA32_FEATURE_CONTROL (MSR 0x3a) = "
		"%#" PRIx64 " and stays at %#" PRIx64,
		value, now);
}

/* ---- all MSRs ---- */

/* The features that are MSRs, but for those that have an order of their own. */
static int write_others(int vcpu_fd, const struct cpu_model *model)
{
	int rc = 0;

	for (unsigned row = 0; !rc && row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);

		if (reg->space == SPACE_CPUID || msr_is_vmx(reg->index) ||
			reg->index == FEATURE_CONTROL)
			continue;
		rc = write_row(vcpu_fd, model, row,
			cpu_set_msr(&model->wanted, reg->index));
	}
	return rc;
}

static int write_msrs(int vcpu_fd, const struct cpu_model *model)
{
	int rc = 0;

	if (has_vmx(model))
		rc = write_vmx(vcpu_fd, model);
	if (!rc)
		rc = write_others(vcpu_fd, model);
	if (!rc && has_vmx(model))
		rc = write_feature_control(vcpu_fd, model);
	return rc;
}

/* ---- the TSC ---- */

static int set_tsc(int vcpu_fd, const struct cpu_model *model)
{
	uint64_t khz = model->template.tsc_khz;
	int now = kvm_ioctl(vcpu_fd, KVM_GET_TSC_KHZ, NULL);
	uint64_t off = khz > (uint64_t)MAX(now, 0) ? khz - (uint64_t)now
						   : (uint64_t)now - khz;

	if (!khz || now <= 0 || off * 1000000 <= khz * TSC_TOLERANCE_PPM)
		return 0;
	/* Without scaling KVM would say yes and let the guest's clock jump. */
	if (model->tsc_scaling && khz <= INT32_MAX &&
		kvm_ioctl_val(vcpu_fd, KVM_SET_TSC_KHZ, khz) >= 0)
		return 0;
	return err_set(-ENOTSUP,
		"%s: the TSC runs at %" PRIu64
		" kHz there and at %d kHz on this host, which cannot scale it",
		model->subject, khz, now);
}

/* ---- the proof ---- */

/*
 * A leaf that one side has and the other lacks counts as zero there.  What is the
 * machine's own is not the template's to say.
 */
static void compare_leaf(struct bit_names *names, struct kvm_cpuid_entry2 *one,
	struct cpuid *others, bool one_is_wanted)
{
	static const char regs[][4] = { "EAX", "EBX", "ECX", "EDX" };
	struct kvm_cpuid_entry2 none = { 0 };
	struct kvm_cpuid_entry2 *other = cpuid_find(
		others, one->function, one->index);

	if (other && !one_is_wanted)
		return; /* seen from the other side */
	for (unsigned r = 0; r < ARRAY_SIZE(regs); r++) {
		uint64_t a = *cpuid_reg(one, r);
		uint64_t b = *cpuid_reg(other ? other : &none, r);
		int row = feature_find_row(
			SPACE_CPUID, one->function, one->index, r);
		char name[32];

		if (row >= 0) {
			a &= ~machine_bits((unsigned)row);
			b &= ~machine_bits((unsigned)row);
		}
		if (a == b)
			continue;
		if (row >= 0) {
			bit_names_add_row(names, (unsigned)row,
				one_is_wanted ? a : b, one_is_wanted ? b : a);
			continue;
		}
		snprintf(name, sizeof(name), "CPUID.%X.%X:%s", one->function,
			one->index, regs[r]);
		bit_names_add_raw(names, name, a, b);
	}
}

static int check_cpuid(
	int vcpu_fd, struct cpuid *wanted, struct bit_names *names)
{
	struct cpuid shown;
	int rc = cpuid_read(vcpu_fd, &shown);

	if (rc)
		return rc;
	cpuid_keep_dynamic(&shown, wanted);
	for (uint32_t i = 0; i < wanted->count; i++)
		compare_leaf(names, &wanted->entry[i], &shown, true);
	for (uint32_t i = 0; i < shown.count; i++)
		compare_leaf(names, &shown.entry[i], wanted, false);
	return 0;
}

static void check_row(int vcpu_fd, const struct cpu_model *model, unsigned row,
	struct bit_names *names)
{
	uint32_t msr = feature_row(row)->index;
	uint64_t wanted = cpu_set_msr(&model->wanted, msr);
	uint64_t keep = machine_bits(row);
	uint64_t shown = 0;

	(void)msr_read(vcpu_fd, msr, &shown);
	if ((wanted ^ shown) & ~keep)
		bit_names_add_row(names, row, wanted & ~keep, shown & ~keep);
}

static void check_msrs(
	int vcpu_fd, const struct cpu_model *model, struct bit_names *names)
{
	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);

		/* Without VMX in CPUID its MSRs raise #GP. */
		if (reg->space == SPACE_CPUID ||
			reg->index == FEATURE_CONTROL ||
			(msr_is_vmx(reg->index) && !has_vmx(model)))
			continue;
		check_row(vcpu_fd, model, row, names);
	}
}

static int prove(int vcpu_fd, const struct cpu_model *model, unsigned index,
	struct cpuid *wanted)
{
	struct bit_names names = { 0 };
	int rc = check_cpuid(vcpu_fd, wanted, &names);

	if (rc)
		return rc;
	check_msrs(vcpu_fd, model, &names);
	if (!names.count)
		return 0;
	if (model->source == MODEL_HOST) {
		log_debug("vCPU %u: KVM shows otherwise than told: %s", index,
			bit_names_end(&names));
		return 0;
	}
	return err_set(-ENOTSUP,
		"%s: KVM on this host shows vCPU %u another CPU than "
		"this; it changes %s",
		model->subject, index, bit_names_end(&names));
}

int apply_model(int vcpu_fd, const struct cpu_model *model, unsigned index)
{
	struct cpuid mine = model->cpuid;
	int rc;

	topology_set_apic_id(&mine, index);
	rc = cpuid_apply(vcpu_fd, &mine);
	if (!rc)
		rc = msr_init(vcpu_fd);
	if (!rc)
		rc = set_tsc(vcpu_fd, model);
	if (!rc)
		rc = write_msrs(vcpu_fd, model);
	if (!rc)
		rc = prove(vcpu_fd, model, index, &mine);
	return rc;
}
