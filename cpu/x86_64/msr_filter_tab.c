/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msr_filter_tab.c - which feature brings which MSR (SDM vol. 4; APM vol. 2, A)
 *
 * x2APIC's range (800H-8FFH) is missing: KVM never filters it, and lets it exist
 * in that mode of the local APIC alone.
 */
#include "cpu/x86_64/msr_filter.h"

#define RANGE(first, last, access, feature)        \
	{                                          \
		first, last, access, NULL, feature \
	}
#define ONE(msr, access, feature) RANGE(msr, msr, access, feature)

/* What follows from no CPUID bit, but exists on all CPUs of that vendor. */
#define INTEL(first, last, access)                        \
	{                                                 \
		first, last, access, "GenuineIntel", NULL \
	}
#define AMD(first, last, access)                          \
	{                                                 \
		first, last, access, "AuthenticAMD", NULL \
	}

#define READ  MSR_READ
#define WRITE MSR_WRITE
#define RW    MSR_RW

/* clang-format off */
const struct msr_allowed msr_allowed_tab[] = {
	/* ---- every CPU with long mode ---- */
	ONE(0x10, RW, NULL),                    /* TSC */
	ONE(0x1b, RW, NULL),                    /* APIC_BASE */
	ONE(0x8b, RW, NULL),                    /* BIOS_SIGN_ID, PATCH_LEVEL */
	ONE(0xfe, READ, "mtrr"),                /* MTRRcap */
	RANGE(0x200, 0x20f, RW, "mtrr"),        /* MTRRphys */
	ONE(0x250, RW, "mtrr"),                 /* MTRRfix64K */
	RANGE(0x258, 0x259, RW, "mtrr"),        /* MTRRfix16K */
	RANGE(0x268, 0x26f, RW, "mtrr"),        /* MTRRfix4K */
	ONE(0x2ff, RW, "mtrr"),                 /* MTRRdefType */
	ONE(0x277, RW, "pat"),                  /* PAT */
	RANGE(0x174, 0x176, RW, "sep"),         /* SYSENTER */
	RANGE(0x179, 0x17b, RW, "mca"),         /* MCG_CAP, _STATUS, _CTL */
	RANGE(0x280, 0x29f, RW, "mca"),         /* MCi_CTL2 */
	RANGE(0x400, 0x47f, RW, "mca"),         /* MCi_CTL … _MISC */
	ONE(0x1d9, RW, NULL),                   /* DEBUGCTL */
	RANGE(0x1db, 0x1de, READ, NULL),        /* last branch, last interrupt */
	ONE(0xc0000080, RW, NULL),              /* EFER */
	RANGE(0xc0000081, 0xc0000084, RW, "syscall"), /* STAR … FMASK */
	RANGE(0xc0000100, 0xc0000102, RW, "lm"), /* FS, GS, KERNEL_GS base */
	ONE(0xc0000103, RW, "rdtscp"),          /* TSC_AUX */
	ONE(0xc0000103, RW, "rdpid"),

	/* ---- by CPUID ---- */
	ONE(0x3b, RW, "tsc_adjust"),            /* TSC_ADJUST */
	ONE(0x48, RW, "spec_ctrl"),             /* SPEC_CTRL */
	ONE(0x48, RW, "amd_ibrs"),
	ONE(0x48, RW, "amd_stibp"),
	ONE(0x48, RW, "amd_ssbd"),
	ONE(0x48, RW, "intel_stibp"),
	ONE(0x48, RW, "spec_ctrl_ssbd"),
	ONE(0x49, WRITE, "spec_ctrl"),          /* PRED_CMD */
	ONE(0x49, WRITE, "amd_ibpb"),
	ONE(0xe1, RW, "waitpkg"),               /* UMWAIT_CONTROL */
	RANGE(0xe7, 0xe8, RW, "aperfmperf"),    /* MPERF, APERF */
	ONE(0x10a, READ, "arch_capabilities"),  /* ARCH_CAPABILITIES */
	ONE(0x10b, WRITE, "flush_l1d"),         /* FLUSH_CMD */
	ONE(0x122, RW, "tsx_ctrl_msr"),         /* TSX_CTRL */
	ONE(0x140, RW, "cpuid_fault"),          /* MISC_FEATURES_ENABLES */
	RANGE(0x1c4, 0x1c5, RW, "xfd"),         /* XFD, XFD_ERR */
	RANGE(0x6a0, 0x6a2, RW, "shstk"),       /* U_CET, S_CET */
	RANGE(0x6a4, 0x6a8, RW, "shstk"),       /* PLn_SSP, SSP table */
	RANGE(0x6a0, 0x6a2, RW, "ibt"),
	ONE(0x6e0, RW, "tsc_deadline_timer"),   /* TSC_DEADLINE */
	ONE(0xd90, RW, "mpx"),                  /* BNDCFGS */
	ONE(0xda0, RW, "xsaves"),               /* XSS */

	/* ---- Intel ---- */
	INTEL(0x17, 0x17, READ),        /* PLATFORM_ID */
	INTEL(0x79, 0x79, WRITE),       /* BIOS_UPDT_TRIG */
	INTEL(0xce, 0xce, READ),        /* PLATFORM_INFO */
	INTEL(0x1a0, 0x1a0, RW),         /* MISC_ENABLE */
	ONE(0x3a, RW, "vmx"),                   /* FEATURE_CONTROL */
	RANGE(0x480, 0x484, READ, "vmx"),       /* VMX_BASIC, controls */
	RANGE(0x485, 0x48a, READ, "vmx"),       /* VMX_MISC … _VMCS_ENUM */
	ONE(0x48b, READ, "vmx-secondary-ctls"), /* PROCBASED_CTLS2 */
	ONE(0x48c, READ, "vmx-ept"),            /* EPT_VPID_CAP */
	ONE(0x48c, READ, "vmx-vpid"),
	RANGE(0x48d, 0x490, READ, "vmx-true-ctls"), /* TRUE controls */
	ONE(0x491, READ, "vmx-vmfunc"),         /* VMFUNC */

	/* ---- AMD ---- */
	AMD(0xc0010010, 0xc0010010, RW),      /* SYSCFG */
	AMD(0xc0010015, 0xc0010015, RW),      /* HWCR */
	AMD(0xc001001a, 0xc001001a, READ),    /* TOP_MEM */
	AMD(0xc001001d, 0xc001001d, READ),    /* TOP_MEM2 */
	AMD(0xc001001f, 0xc001001f, RW),      /* NB_CFG */
	AMD(0xc0010020, 0xc0010020, WRITE),   /* PATCH_LOADER */
	AMD(0xc0010055, 0xc0010055, RW),      /* INT_PENDING */
	AMD(0xc0010064, 0xc001006b, READ), /* P-states */
	AMD(0xc0010071, 0xc0010071, READ),    /* COFVID_STATUS */
	AMD(0xc0011020, 0xc0011023, RW), /* LS, IC, DC, BU_CFG */
	AMD(0xc0011029, 0xc0011029, RW),      /* DE_CFG */
	AMD(0xc001102a, 0xc001102a, RW),      /* BU_CFG2 */
	RANGE(0xc0010140, 0xc0010141, READ, "osvw"), /* OSVW */
	ONE(0xc001011f, RW, "virt_ssbd"),       /* VIRT_SPEC_CTRL */
	ONE(0xc0000104, RW, "tsc_scale"),       /* TSC_RATIO */
	ONE(0xc0010114, RW, "svm"),             /* VM_CR */
	ONE(0xc0010117, RW, "svm"),             /* VM_HSAVE_PA */

	/* ---- KVM's own (Documentation/virt/kvm/x86/msr.rst) ---- */
	RANGE(0x11, 0x12, RW, "kvm_clocksource"),
	RANGE(0x4b564d00, 0x4b564d01, RW, "kvm_clocksource2"),
	ONE(0x4b564d02, RW, "kvm_async_pf"),
	ONE(0x4b564d03, RW, "kvm_steal_time"),
	ONE(0x4b564d04, RW, "kvm_pv_eoi"),
	ONE(0x4b564d05, RW, "kvm_poll_control"),
	RANGE(0x4b564d06, 0x4b564d07, RW, "kvm_async_pf_int"),
	ONE(0x4b564d08, RW, "kvm_migration_control"),
};
/* clang-format on */

const unsigned msr_allowed_tab_count = ARRAY_SIZE(msr_allowed_tab);
