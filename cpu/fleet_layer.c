/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_layer.c - which layer of a host took a feature away
 *
 * What KVM offers is compared with the silicon under it: the silicon may lack the
 * feature, or have it once it gets newer microcode; firmware may have locked it
 * off; a parameter of the KVM module may have, itself or what the feature needs;
 * what is left is the kernel's own doing.
 *
 * KVM also offers what no silicon has.  A host lacks that for its kernel, if like
 * silicon under another kernel has it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cpu/fleet_field.h"
#include "cpu/x86_64/closure.h"
#include "cpu/x86_64/rules.h"

#define MSR_FEATURE_CONTROL 0x3a
#define LOCKED              BIT64(0)
#define VMX_OUTSIDE_SMX     BIT64(2)
#define MSR_VM_CR           0xc0010114
#define SVMDIS              BIT64(4)
#define DEPTH_MAX           4 /* of features that need features */

static const struct gate {
	const char *feature;
	const char *param;
} gate_tab[] = {
	{ "vmx", "kvm_intel.nested" },
	{ "svm", "kvm_amd.nested" },
	{ "npt", "kvm_amd.npt" },
	{ "avic", "kvm_amd.avic" },
	{ "vgif", "kvm_amd.vgif" },
	{ "lbrv", "kvm_amd.lbrv" },
	{ "nrip_save", "kvm_amd.nrips" },
	{ "v_vmsave_vmload", "kvm_amd.vls" },
	{ "vnmi", "kvm_amd.vnmi" },
	{ "vmx-ept", "kvm_intel.ept" },
	{ "vmx-eptad", "kvm_intel.eptad" },
	{ "vmx-pml", "kvm_intel.pml" },
	{ "vmx-unrestricted-guest", "kvm_intel.unrestricted_guest" },
	{ "vmx-vpid", "kvm_intel.vpid" },
	{ "vmx-flexpriority", "kvm_intel.flexpriority" },
	{ "vmx-apicv-x2apic", "kvm_intel.enable_apicv" },
	{ "vmx-apicv-register", "kvm_intel.enable_apicv" },
	{ "vmx-apicv-vid", "kvm_intel.enable_apicv" },
	{ "vmx-posted-intr", "kvm_intel.enable_apicv" },
	{ "vmx-shadow-vmcs", "kvm_intel.enable_shadow_vmcs" },
	{ "vmx-preemption-timer", "kvm_intel.preemption_timer" },
	{ "vmx-vnmi", "kvm_intel.vnmi" },
	{ "vmx-ple", "kvm_intel.ple_gap" },
};
_Static_assert(ARRAY_SIZE(gate_tab) <= 32, "one bit of a mask each");

/* What an update of the microcode has brought to CPUs that were sold without. */
static const char *const by_microcode[] = {
	"md_clear",
	"fb_clear",
	"rfds_clear",
	"verw_clear",
	"spec_ctrl",
	"intel_stibp",
	"spec_ctrl_ssbd",
	"flush_l1d",
	"arch_capabilities",
	"tsx_ctrl_msr",
	"intel_psfd",
	"ipred_ctrl",
	"rrsba_ctrl",
	"ddpd_u",
	"bhi_ctrl",
	"rsba",
	"rrsba",
	"gds_no",
	"rfds_no",
	"its_no",
	"amd_ibpb",
	"amd_ibrs",
	"amd_stibp",
	"amd_ssbd",
	"sbpb",
	"ibpb_brtype",
	"microcode_intel",
	"microcode_amd",
};

/* ---- module parameters ---- */

static bool depends(const char *feature, const char *on, unsigned depth)
{
	if (!strcmp(feature, on))
		return true;
	if (!depth)
		return false;
	for (unsigned i = 0; i < closure_dependencies_count; i++) {
		const struct dependency *d = &closure_dependencies[i];

		if (!strcmp(d->feature, feature) && !d->needs[1] &&
			depends(d->needs[0], on, depth - 1))
			return true;
	}
	return false;
}

/* The register itself may be there only with a feature. */
static const char *row_announcer(unsigned row)
{
	const struct feature_reg *reg = feature_row(row);

	for (unsigned i = 0; i < closure_presences_count; i++)
		if (reg->space != SPACE_CPUID &&
			closure_presences[i].msr == reg->index)
			return closure_presences[i].needs[0];
	return NULL;
}

static bool is_behind(unsigned row, const struct feature *f, const char *gate)
{
	const char *announcer = row_announcer(row);

	if (depends(f->name, gate, DEPTH_MAX))
		return true;
	while (announcer && strcmp(announcer, gate)) {
		int next = feature_ref(announcer).row;
		const char *above = next < 0 ? NULL
					     : row_announcer((unsigned)next);

		if (!above || !strcmp(above, announcer))
			return false;
		announcer = above;
	}
	return announcer;
}

uint32_t fleet_gates(unsigned row, const struct feature *f)
{
	uint32_t gates = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(gate_tab); i++)
		if (is_behind(row, f, gate_tab[i].feature))
			gates |= BIT(i);
	return gates;
}

static bool is_off(const char *value)
{
	return !strcmp(value, "N") || !strcmp(value, "0");
}

static const struct profile_param *closed_gate(
	const struct profile *profile, uint32_t gates)
{
	for (; gates; gates &= gates - 1) {
		const char *name = gate_tab[__builtin_ctz(gates)].param;

		for (unsigned i = 0; i < profile->param_count; i++)
			if (!strcmp(profile->params[i].name, name) &&
				is_off(profile->params[i].value))
				return &profile->params[i];
	}
	return NULL;
}

/* ---- silicon ---- */

static bool is_by_microcode(const struct feature *f)
{
	for (unsigned i = 0; i < ARRAY_SIZE(by_microcode); i++)
		if (!strcmp(by_microcode[i], f->name))
			return true;
	return false;
}

/* VMX and SVM that firmware has switched off, of which KVM then knows nothing. */
static bool is_locked(const struct profile_group *group, unsigned row,
	const struct feature *f)
{
	const struct cpu_set *cpu = &group->silicon;
	uint64_t control = cpu_set_msr(cpu, MSR_FEATURE_CONTROL);
	bool of_vmx = row >= cpuid_regs_count + msr_regs_count ||
		      f == known_features()->vmx.feature;

	if (!group->msrs_known)
		return false;
	if (of_vmx)
		return ref_has(cpu, known_features()->vmx) &&
		       control & LOCKED && !(control & VMX_OUTSIDE_SMX);
	return !strcmp(f->name, "svm") && cpu_set_msr(cpu, MSR_VM_CR) & SVMDIS;
}

/* The silicon has no more of it than KVM offers. */
static bool group_lacks(const struct profile_group *group,
	const struct cpu_set *kvm, unsigned row, const struct feature *f)
{
	struct cpu_set silicon = group->silicon;

	cpu_set_make_true_controls(&silicon);
	return !fleet_field_above(&silicon, kvm, row, f);
}

static const struct profile_group *lacking_group(
	const struct profile *profile, unsigned row, const struct feature *f)
{
	for (unsigned i = 0; i < profile->group_count; i++)
		if (group_lacks(&profile->groups[i], &profile->kvm, row, f))
			return &profile->groups[i];
	return NULL;
}

static bool silicon_is_known(const struct profile *profile, unsigned row)
{
	for (unsigned i = 0; i < profile->group_count; i++)
		if (row >= cpuid_regs_count && !profile->groups[i].msrs_known)
			return false;
	return profile->group_count;
}

static char *text(const char *fmt, ...) PRINTF(1, 2);
static char *text(const char *fmt, ...)
{
	char *made = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&made, fmt, ap) < 0)
		made = NULL;
	va_end(ap);
	return made;
}

static char *silicon_text(
	const struct profile_group *group, const struct feature *f)
{
	if (is_by_microcode(f))
		return group->microcode
			       ? text("microcode %#llx",
					 (unsigned long long)group->microcode)
			       : text("microcode");
	return text("silicon");
}

/* ---- what KVM makes up ---- */

static uint32_t signature(const struct profile *profile)
{
	return cpu_set_cpuid(&profile->groups[0].silicon, 1, 0, REG_EAX);
}

static bool same_kernel(const struct profile *a, const struct profile *b)
{
	return !strcmp(a->kernel, b->kernel);
}

static void add_emulator(
	struct fleet_emulators *to, const struct profile *profile)
{
	for (unsigned i = 0; i < to->count; i++)
		if (same_kernel(to->profile[i], profile) &&
			signature(to->profile[i]) == signature(profile))
			return;
	if (to->count < EMULATORS_MAX)
		to->profile[to->count++] = profile;
}

void fleet_find_emulators(const struct fleet_member *members, unsigned count,
	const struct cpu_set *less, unsigned row, const struct feature *f,
	struct fleet_emulators *ret)
{
	ret->count = 0;
	for (unsigned i = 0; i < count; i++) {
		const struct profile *p = members[i].profile;

		if (p && silicon_is_known(p, row) &&
			fleet_field_above(&p->kvm, less, row, f) &&
			group_lacks(&p->groups[0], less, row, f))
			add_emulator(ret, p);
	}
}

enum blame { OF_SILICON, OF_KERNEL, OF_EITHER };

static enum blame blame(
	const struct profile *profile, const struct fleet_emulators *emulators)
{
	enum blame found = emulators->count ? OF_EITHER : OF_SILICON;

	for (unsigned i = 0; i < emulators->count; i++) {
		if (same_kernel(emulators->profile[i], profile))
			return OF_SILICON;
		if (signature(emulators->profile[i]) == signature(profile))
			found = OF_KERNEL;
	}
	return found;
}

/* ---- together ---- */

static bool is_locked_anywhere(
	const struct profile *profile, unsigned row, const struct feature *f)
{
	for (unsigned i = 0; i < profile->group_count; i++)
		if (is_locked(&profile->groups[i], row, f))
			return true;
	return false;
}

char *fleet_layer_text(const struct fleet_member *member, unsigned row,
	const struct feature *f, uint32_t gates,
	const struct fleet_emulators *emulators)
{
	const struct profile *profile = member->profile;
	const struct profile_param *param;
	const struct profile_group *group = NULL;
	enum blame of = OF_EITHER;

	if (!profile)
		return text("template");
	if (is_locked_anywhere(profile, row, f))
		return text("firmware lock");
	if (silicon_is_known(profile, row)) {
		group = lacking_group(profile, row, f);
		of = group ? blame(profile, emulators) : OF_KERNEL;
	}
	if (of == OF_SILICON)
		return silicon_text(group, f);
	param = closed_gate(profile, gates);
	if (param)
		return text(
			"module parameter %s=%s", param->name, param->value);
	if (of == OF_EITHER)
		return text("silicon or kernel %s", profile->kernel);
	return text("kernel %s", profile->kernel);
}
