/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msr_tab.c - the MSRs that say what a CPU can do (SDM vol. 4; APM vol. 2, A)
 *
 * Only what describes the CPU is here.  MSRs that a guest writes (SPEC_CTRL,
 * MISC_ENABLE, TSX_CTRL, HWCR, XSS) are state: which of them exist follows from
 * the bits of this table and of cpuid_tab.c.
 */
#include "cpu/x86_64/tab.h"

/* Which update the silicon takes; KVM shows 0. */
static const struct feature platform_id[] = {
	FIELD(50, 3, "platform_id", HIDE),
};

/* Written as firmware would, after CPUID; the host's own shows firmware locks. */
static const struct feature feature_control[] = {
	MACHINE(0, "feat_ctl_locked"),
	HIDE(1, "feat_ctl_vmx_in_smx"),
	MACHINE(2, "feat_ctl_vmx"),
	FIELD(8, 7, "feat_ctl_senter_local", HIDE),
	HIDE(15, "feat_ctl_senter"),
	HIDE(17, "feat_ctl_sgx_lc"),
	HIDE(18, "feat_ctl_sgx"),
	MACHINE(20, "feat_ctl_lmce"),
};

/* Intel's revision is in the high half, AMD's in the low one. */
static const struct feature microcode[] = {
	FIELD(0, 32, "microcode_amd", MIN),
	FIELD(32, 32, "microcode_intel", MIN),
};

static const struct feature platform_info[] = {
	FIELD(8, 8, "max_non_turbo_ratio", HIDE),
	HIDE(28, "programmable_ratio_limit"),
	HIDE(29, "programmable_tdp_limit"),
	AND(31, "cpuid_fault"),
	FIELD(40, 8, "max_efficiency_ratio", HIDE),
};

/* KVM emulates none of it. */
static const struct feature core_capabilities[] = {
	HIDE(2, "fusa"),
	HIDE(3, "rsm_in_cpl0_only"),
	HIDE(4, "uc_lock_disable"),
	HIDE(5, "split_lock_detect"),
	HIDE(6, "snoop_filter_qos"),
};

/*
 * Immunity must hold on every host, a risk on one host is a risk of the fleet,
 * and RULE_CLEAR says that VERW flushes.  The rest controls the host.
 */
static const struct feature arch_capabilities[] = {
	AND(0, "rdcl_no"),
	AND(1, "ibrs_all"),
	OR(2, "rsba"),
	AND(3, "skip_vmentry_l1dflush"),
	AND(4, "ssb_no"),
	AND(5, "mds_no"),
	AND(6, "pschange_mc_no"),
	AND(7, "tsx_ctrl_msr"),
	AND(8, "taa_no"),
	HIDE(9, "mcu_control"),
	HIDE(10, "misc_package_ctls"),
	HIDE(11, "energy_filtering_ctl"),
	HIDE(12, "doitm"),
	AND(13, "sbdr_ssdp_no"),
	AND(14, "fbsdp_no"),
	AND(15, "psdp_no"),
	HIDE(16, "mcu_enumeration"),
	CLEAR(17, "fb_clear"),
	HIDE(18, "fb_clear_ctrl"),
	OR(19, "rrsba"),
	AND(20, "bhi_no"),
	HIDE(21, "xapic_disable"),
	HIDE(23, "overclocking_status"),
	AND(24, "pbrsb_no"),
	HIDE(25, "gds_ctrl"),
	AND(26, "gds_no"),
	AND(27, "rfds_no"),
	CLEAR(28, "rfds_clear"),
	HIDE(29, "ign_umonitor"),
	HIDE(30, "mon_umon_mitg"),
	HIDE(32, "pbopt"),
	AND(62, "its_no"),
};

/* There is no PMU (CPUID.1:ECX.PDCM is hidden). */
static const struct feature perf_capabilities[] = {
	FIELD(0, 6, "perf_cap_lbr_fmt", HIDE),
	HIDE(6, "perf_cap_pebs_trap"),
	HIDE(7, "perf_cap_arch_reg"),
	FIELD(8, 4, "perf_cap_pebs_format", HIDE),
	HIDE(12, "perf_cap_smm_freeze"),
	HIDE(13, "perf_cap_fw_writes"),
	HIDE(14, "perf_cap_pebs_baseline"),
	HIDE(15, "perf_cap_metrics"),
	HIDE(16, "perf_cap_pebs_output_pt"),
};

/* The host's own shows whether firmware has switched SVM off. */
static const struct feature vm_cr[] = {
	HIDE(3, "vm_cr_lock"),
	HIDE(4, "vm_cr_svmdis"),
};

static const struct feature de_cfg[] = {
	AND(1, "lfence_serialize"),
};

/* clang-format off */
#define MSR(number, title, list) \
	{ SPACE_MSR, 0, false, number, 0, title, list, ARRAY_SIZE(list) }

const struct feature_reg msr_regs[] = {
	MSR(0x17, "IA32_PLATFORM_ID", platform_id),
	MSR(0x3a, "IA32_FEATURE_CONTROL", feature_control),
	MSR(0x8b, "IA32_BIOS_SIGN_ID", microcode),
	MSR(0xce, "MSR_PLATFORM_INFO", platform_info),
	MSR(0xcf, "IA32_CORE_CAPABILITIES", core_capabilities),
	MSR(0x10a, "IA32_ARCH_CAPABILITIES", arch_capabilities),
	MSR(0x345, "IA32_PERF_CAPABILITIES", perf_capabilities),
	MSR(0xc0010114, "VM_CR", vm_cr),
	MSR(0xc0011029, "DE_CFG", de_cfg),
};
/* clang-format on */

const unsigned msr_regs_count = ARRAY_SIZE(msr_regs);
