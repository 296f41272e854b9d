/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmx_tab.c - the VMX capability MSRs, control by control (SDM vol. 3, app. A)
 *
 * Names are QEMU's where it has one.  What KVM neither emulates nor lets be set
 * (tertiary controls, secondary exit controls) is hidden, and so is what belongs
 * to a feature that cpuid_tab.c hides.
 */
#include "cpu/x86_64/tab.h"

static const struct feature basic[] = {
	FIELD(0, 31, "vmx-revision-id", EQUAL),
	FIELD(32, 13, "vmx-region-size", MAX),
	OR(48, "vmx-phys-32bit"),
	HIDE(49, "vmx-dual-monitor"),
	FIELD(50, 4, "vmx-memory-type", EQUAL),
	AND(54, "vmx-ins-outs"),
	AND(55, "vmx-true-ctls"),
	AND(56, "vmx-any-errcode"),
	AND(58, "vmx-nested-exception"),
};

/*
 * KVM writes the plain controls itself: the TRUE ones with the default1 class
 * forced to 1.
 */
static const struct feature pin[] = {
	FIELD(0, 32, "vmx-pin-plain-must", DERIVED),
	FIELD(32, 32, "vmx-pin-plain-may", DERIVED),
};

static const struct feature proc[] = {
	FIELD(0, 32, "vmx-proc-plain-must", DERIVED),
	FIELD(32, 32, "vmx-proc-plain-may", DERIVED),
};

static const struct feature exit_plain[] = {
	FIELD(0, 32, "vmx-exit-plain-must", DERIVED),
	FIELD(32, 32, "vmx-exit-plain-may", DERIVED),
};

static const struct feature entry[] = {
	FIELD(0, 32, "vmx-entry-plain-must", DERIVED),
	FIELD(32, 32, "vmx-entry-plain-may", DERIVED),
};

/* Hosts with unlike timer rates, or MSEG revisions, have none in common. */
static const struct feature misc[] = {
	FIELD(0, 5, "vmx-preemption-timer-rate", EQUAL_0),
	AND(5, "vmx-store-lma"),
	AND(6, "vmx-activity-hlt"),
	AND(7, "vmx-activity-shutdown"),
	AND(8, "vmx-activity-wait-sipi"),
	HIDE(14, "vmx-intel-pt"),
	AND(15, "vmx-smbase-msr"),
	FIELD(16, 9, "vmx-cr3-targets", MIN),
	FIELD(25, 3, "vmx-msr-list-max", MIN),
	AND(28, "vmx-vmxoff-block-smi"),
	AND(29, "vmx-vmwrite-vmexit-fields"),
	AND(30, "vmx-zero-len-inject"),
	FIELD(32, 32, "vmx-mseg-revision", EQUAL_0),
};

/* clang-format off */
#define CR0(rule, of) { \
	FIELD(0, 1, of "pe", rule), \
	FIELD(1, 1, of "mp", rule), \
	FIELD(2, 1, of "em", rule), \
	FIELD(3, 1, of "ts", rule), \
	FIELD(4, 1, of "et", rule), \
	FIELD(5, 1, of "ne", rule), \
	FIELD(6, 10, of "reserved-6", rule), \
	FIELD(16, 1, of "wp", rule), \
	FIELD(17, 1, of "reserved-17", rule), \
	FIELD(18, 1, of "am", rule), \
	FIELD(19, 10, of "reserved-19", rule), \
	FIELD(29, 1, of "nw", rule), \
	FIELD(30, 1, of "cd", rule), \
	FIELD(31, 1, of "pg", rule), \
}

#define CR4(rule, of) { \
	FIELD(0, 1, of "vme", rule), \
	FIELD(1, 1, of "pvi", rule), \
	FIELD(2, 1, of "tsd", rule), \
	FIELD(3, 1, of "de", rule), \
	FIELD(4, 1, of "pse", rule), \
	FIELD(5, 1, of "pae", rule), \
	FIELD(6, 1, of "mce", rule), \
	FIELD(7, 1, of "pge", rule), \
	FIELD(8, 1, of "pce", rule), \
	FIELD(9, 1, of "osfxsr", rule), \
	FIELD(10, 1, of "osxmmexcpt", rule), \
	FIELD(11, 1, of "umip", rule), \
	FIELD(12, 1, of "la57", rule), \
	FIELD(13, 1, of "vmxe", rule), \
	FIELD(14, 1, of "smxe", rule), \
	FIELD(16, 1, of "fsgsbase", rule), \
	FIELD(17, 1, of "pcide", rule), \
	FIELD(18, 1, of "osxsave", rule), \
	FIELD(19, 1, of "kl", rule), \
	FIELD(20, 1, of "smep", rule), \
	FIELD(21, 1, of "smap", rule), \
	FIELD(22, 1, of "pke", rule), \
	FIELD(23, 1, of "cet", rule), \
	FIELD(24, 1, of "pks", rule), \
	FIELD(25, 1, of "uintr", rule), \
	FIELD(27, 1, of "lass", rule), \
	FIELD(28, 1, of "lam-sup", rule), \
	FIELD(32, 1, of "fred", rule), \
}
/* clang-format on */

/* FIXED0: a bit that is 1 must be 1.  FIXED1: a bit that is 0 must be 0. */
static const struct feature cr0_fixed0[] = CR0(OR, "vmx-cr0-fixed0-");
static const struct feature cr0_fixed1[] = CR0(AND, "vmx-cr0-fixed1-");
static const struct feature cr4_fixed0[] = CR4(OR, "vmx-cr4-fixed0-");
static const struct feature cr4_fixed1[] = CR4(AND, "vmx-cr4-fixed1-");

static const struct feature vmcs_enum[] = {
	FIELD(1, 9, "vmx-vmcs-index-max", MIN),
};

static const struct feature proc2[] = {
	AND(0, "vmx-apicv-xapic"),
	AND(1, "vmx-ept"),
	AND(2, "vmx-desc-exit"),
	AND(3, "vmx-rdtscp-exit"),
	AND(4, "vmx-apicv-x2apic"),
	AND(5, "vmx-vpid"),
	AND(6, "vmx-wbinvd-exit"),
	AND(7, "vmx-unrestricted-guest"),
	AND(8, "vmx-apicv-register"),
	AND(9, "vmx-apicv-vid"),
	AND(10, "vmx-ple"),
	AND(11, "vmx-rdrand-exit"),
	AND(12, "vmx-invpcid-exit"),
	AND(13, "vmx-vmfunc"),
	AND(14, "vmx-shadow-vmcs"),
	HIDE(15, "vmx-encls-exit"),
	AND(16, "vmx-rdseed-exit"),
	AND(17, "vmx-pml"),
	AND(18, "vmx-ept-violation-ve"),
	HIDE(19, "vmx-pt-conceal"),
	AND(20, "vmx-xsaves"),
	HIDE(21, "vmx-pasid-translation"),
	AND(22, "vmx-mbec"),
	AND(23, "vmx-sub-page-wp"),
	HIDE(24, "vmx-pt-use-gpa"),
	AND(25, "vmx-tsc-scaling"),
	HIDE(26, "vmx-enable-user-wait-pause"),
	HIDE(27, "vmx-pconfig-exit"),
	HIDE(28, "vmx-enclv-exit"),
	AND(30, "vmx-bus-lock-detection"),
	AND(31, "vmx-notify-vm-exiting"),
};

static const struct feature ept_vpid[] = {
	AND(0, "vmx-ept-execonly"),
	AND(6, "vmx-page-walk-4"),
	AND(7, "vmx-page-walk-5"),
	AND(8, "vmx-ept-uc"),
	AND(14, "vmx-ept-wb"),
	AND(16, "vmx-ept-2mb"),
	AND(17, "vmx-ept-1gb"),
	AND(20, "vmx-invept"),
	AND(21, "vmx-eptad"),
	AND(22, "vmx-ept-advanced-exitinfo"),
	AND(23, "vmx-ept-sss"),
	AND(25, "vmx-invept-single-context"),
	AND(26, "vmx-invept-all-context"),
	AND(32, "vmx-invvpid"),
	AND(40, "vmx-invvpid-single-addr"),
	/* QEMU calls these two by the names of INVEPT's. */
	AND(41, "vmx-invvpid-single-context"),
	AND(42, "vmx-invvpid-all-context"),
	AND(43, "vmx-invvpid-single-context-noglobals"),
	FIELD(48, 6, "vmx-hlat-prefix-max", HIDE),
};

/* Bits named default1-N are reserved and must be 1 (A.2). */
static const struct feature true_pin[] = {
	AND(0, "vmx-intr-exit"),
	FIELD(1, 2, "vmx-pin-default1-1", AND),
	AND(3, "vmx-nmi-exit"),
	FIELD(4, 1, "vmx-pin-default1-4", AND),
	AND(5, "vmx-vnmi"),
	AND(6, "vmx-preemption-timer"),
	AND(7, "vmx-posted-intr"),
};

static const struct feature true_proc[] = {
	FIELD(1, 1, "vmx-proc-default1-1", AND),
	AND(2, "vmx-vintr-pending"),
	AND(3, "vmx-tsc-offset"),
	FIELD(4, 3, "vmx-proc-default1-4", AND),
	AND(7, "vmx-hlt-exit"),
	FIELD(8, 1, "vmx-proc-default1-8", AND),
	AND(9, "vmx-invlpg-exit"),
	AND(10, "vmx-mwait-exit"),
	AND(11, "vmx-rdpmc-exit"),
	AND(12, "vmx-rdtsc-exit"),
	FIELD(13, 2, "vmx-proc-default1-13", AND),
	AND(15, "vmx-cr3-load-noexit"),
	AND(16, "vmx-cr3-store-noexit"),
	HIDE(17, "vmx-tertiary-ctls"),
	AND(19, "vmx-cr8-load-exit"),
	AND(20, "vmx-cr8-store-exit"),
	AND(21, "vmx-flexpriority"),
	AND(22, "vmx-vnmi-pending"),
	AND(23, "vmx-movdr-exit"),
	AND(24, "vmx-io-exit"),
	AND(25, "vmx-io-bitmap"),
	FIELD(26, 1, "vmx-proc-default1-26", AND),
	AND(27, "vmx-mtf"),
	AND(28, "vmx-msr-bitmap"),
	AND(29, "vmx-monitor-exit"),
	AND(30, "vmx-pause-exit"),
	AND(31, "vmx-secondary-ctls"),
};

static const struct feature true_exit[] = {
	FIELD(0, 2, "vmx-exit-default1-0", AND),
	AND(2, "vmx-exit-nosave-debugctl"),
	FIELD(3, 6, "vmx-exit-default1-3", AND),
	AND(9, "vmx-exit-host-ia32e-mode"),
	FIELD(10, 2, "vmx-exit-default1-10", AND),
	HIDE(12, "vmx-exit-load-perf-global-ctrl"),
	FIELD(13, 2, "vmx-exit-default1-13", AND),
	AND(15, "vmx-exit-ack-intr"),
	FIELD(16, 2, "vmx-exit-default1-16", AND),
	AND(18, "vmx-exit-save-pat"),
	AND(19, "vmx-exit-load-pat"),
	AND(20, "vmx-exit-save-efer"),
	AND(21, "vmx-exit-load-efer"),
	AND(22, "vmx-exit-save-preemption-timer"),
	AND(23, "vmx-exit-clear-bndcfgs"),
	HIDE(24, "vmx-exit-pt-conceal"),
	HIDE(25, "vmx-exit-clear-rtit-ctl"),
	HIDE(26, "vmx-exit-clear-lbr-ctl"),
	HIDE(27, "vmx-exit-clear-uinv"),
	AND(28, "vmx-exit-save-cet"),
	AND(29, "vmx-exit-load-pkrs"),
	HIDE(30, "vmx-exit-save-perf-global-ctrl"),
	HIDE(31, "vmx-exit-secondary-ctls"),
};

static const struct feature true_entry[] = {
	FIELD(0, 2, "vmx-entry-default1-0", AND),
	AND(2, "vmx-entry-noload-debugctl"),
	FIELD(3, 6, "vmx-entry-default1-3", AND),
	AND(9, "vmx-entry-ia32e-mode"),
	HIDE(10, "vmx-entry-smm"),
	HIDE(11, "vmx-entry-deactivate-dual-monitor"),
	FIELD(12, 1, "vmx-entry-default1-12", AND),
	HIDE(13, "vmx-entry-load-perf-global-ctrl"),
	AND(14, "vmx-entry-load-pat"),
	AND(15, "vmx-entry-load-efer"),
	AND(16, "vmx-entry-load-bndcfgs"),
	HIDE(17, "vmx-entry-pt-conceal"),
	HIDE(18, "vmx-entry-load-rtit-ctl"),
	HIDE(19, "vmx-entry-load-uinv"),
	AND(20, "vmx-entry-load-cet"),
	HIDE(21, "vmx-entry-load-lbr-ctl"),
	AND(22, "vmx-entry-load-pkrs"),
	HIDE(23, "vmx-entry-load-fred"),
};

static const struct feature vmfunc[] = {
	AND(0, "vmx-eptp-switching"),
};

static const struct feature proc3[] = {
	HIDE(0, "vmx-loadiwkey-exit"),
	HIDE(1, "vmx-hlat"),
	HIDE(2, "vmx-ept-paging-write"),
	HIDE(3, "vmx-guest-paging-verification"),
	HIDE(4, "vmx-ipi-virt"),
	HIDE(7, "vmx-virt-spec-ctrl"),
};

static const struct feature exit2[] = {
	HIDE(0, "vmx-exit-save-fred"),
	HIDE(1, "vmx-exit-load-fred"),
	HIDE(3, "vmx-exit-prematurely-busy-sss"),
};

/* clang-format off */
#define VMX(kind, number, title, list) { \
	SPACE_##kind, 0, false, number, 0, "IA32_VMX_" title, \
	list, ARRAY_SIZE(list) \
}

const struct feature_reg vmx_regs[] = {
	VMX(MSR, 0x480, "BASIC", basic),
	VMX(MSR, 0x481, "PINBASED_CTLS", pin),
	VMX(MSR, 0x482, "PROCBASED_CTLS", proc),
	VMX(MSR, 0x483, "EXIT_CTLS", exit_plain),
	VMX(MSR, 0x484, "ENTRY_CTLS", entry),
	VMX(MSR, 0x485, "MISC", misc),
	VMX(MSR, 0x486, "CR0_FIXED0", cr0_fixed0),
	VMX(MSR, 0x487, "CR0_FIXED1", cr0_fixed1),
	VMX(MSR, 0x488, "CR4_FIXED0", cr4_fixed0),
	VMX(MSR, 0x489, "CR4_FIXED1", cr4_fixed1),
	VMX(MSR, 0x48a, "VMCS_ENUM", vmcs_enum),
	VMX(CONTROL, 0x48b, "PROCBASED_CTLS2", proc2),
	VMX(MSR, 0x48c, "EPT_VPID_CAP", ept_vpid),
	VMX(CONTROL, 0x48d, "TRUE_PINBASED_CTLS", true_pin),
	VMX(CONTROL, 0x48e, "TRUE_PROCBASED_CTLS", true_proc),
	VMX(CONTROL, 0x48f, "TRUE_EXIT_CTLS", true_exit),
	VMX(CONTROL, 0x490, "TRUE_ENTRY_CTLS", true_entry),
	VMX(MSR, 0x491, "VMFUNC", vmfunc),
	VMX(MSR, 0x492, "PROCBASED_CTLS3", proc3),
	VMX(MSR, 0x493, "EXIT_CTLS2", exit2),
};
/* clang-format on */

const unsigned vmx_regs_count = ARRAY_SIZE(vmx_regs);

uint32_t feature_default1(uint32_t msr)
{
	switch (msr) {
	case 0x481:
	case 0x48d:
		return 0x00000016;
	case 0x482:
	case 0x48e:
		return 0x0401e172;
	case 0x483:
	case 0x48f:
		return 0x00036dff;
	case 0x484:
	case 0x490:
		return 0x000011ff;
	}
	return 0;
}
