/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature.h - every CPUID bit and feature-MSR bit by name, with its merge rule
 *
 * A register that is not in feature_regs[], and a bit that no feature of its
 * register covers, is never shown to a guest.  Names are Linux's (/proc/cpuinfo,
 * or arch/x86/include/asm/cpufeatures.h in lower case), and vmx-* as QEMU has them.
 */
#ifndef MUSTER_CPU_X86_64_FEATURE_H
#define MUSTER_CPU_X86_64_FEATURE_H

#include "vmm/base/util.h"

enum feature_rule {
	RULE_HIDE,    /* the host's own business: guests read 0 */
	RULE_AND,     /* shown where every host has it */
	RULE_OR,      /* a warning or a duty: shown where any host has it */
	RULE_MIN,     /* a limit: the smallest */
	RULE_MAX,     /* a size that guests provide for: the largest */
	RULE_EQUAL,   /* hosts that differ are no fleet */
	RULE_EQUAL_0, /* hosts that differ show 0 */
	RULE_OLDEST,  /* with others, that of the oldest host: identity.h */
	RULE_BRAND,   /* with others, that of all hosts or the vendor's */
	RULE_LAYOUT,  /* with the others of its subleaf, that of all or 0 */
	RULE_CLEAR, /* VERW clears: any host, and all others have it or are immune */
	RULE_MACHINE, /* written for each VM: topology, APIC ids, cache sharing */
	RULE_DERIVED, /* computed from other fields after a merge */
};

/* One field: bits low … low + width - 1 of its register. */
struct feature {
	const char *name;
	uint8_t low;
	uint8_t width;
	uint8_t rule; /* enum feature_rule */
};

enum feature_space {
	SPACE_CPUID,
	SPACE_MSR,
	/*
	 * A VMX control MSR (SDM vol. 3, A.3 to A.5): for the control at bit n,
	 * bit n is "must be 1" (merged by OR) and bit 32 + n "may be 1" (AND).
	 * Features name controls by n; their rule is RULE_AND or RULE_HIDE.
	 * The plain ones, 481H to 484H, are SPACE_MSR: both halves derived.
	 */
	SPACE_CONTROL,
};

enum feature_cpuid_reg { REG_EAX, REG_EBX, REG_ECX, REG_EDX };

struct feature_reg {
	uint8_t space;    /* enum feature_space */
	uint8_t reg;      /* enum feature_cpuid_reg; 0 for an MSR */
	bool indexed;     /* the CPUID leaf has subleaves */
	uint32_t index;   /* CPUID leaf or MSR number */
	uint32_t subleaf; /* 0 for an MSR */
	const char *name; /* "CPUID.7.0:EBX", "IA32_VMX_BASIC" */
	const struct feature *features;
	unsigned count;
};

/* The tables: cpuid_tab.c, msr_tab.c, vmx_tab.c. */
extern const struct feature_reg cpuid_regs[], msr_regs[], vmx_regs[];
extern const unsigned cpuid_regs_count, msr_regs_count, vmx_regs_count;

/* All rows of the three tables in one row number: CPUID, then MSRs, then VMX. */
#define FEATURE_ROWS_MAX 384
unsigned feature_rows(void);
const struct feature_reg *feature_row(unsigned row);

/* The row of a register, or -ENOENT; a control is found as SPACE_MSR too. */
int feature_find_row(enum feature_space space, uint32_t index, uint32_t subleaf,
	enum feature_cpuid_reg reg);

/* The row and the feature of that name (case-sensitive), or -ENOENT. */
int feature_find_name(const char *name, const struct feature **ret);

/* The feature that covers a bit (0-63; 32 + n and n of a control alike), or NULL. */
const struct feature *feature_of_bit(unsigned row, unsigned bit);

/* The bits of its register that a feature is: both halves of a control. */
uint64_t feature_bits(unsigned row, const struct feature *f);

/* The bits of a row in features with one of these rules: BIT(RULE_HIDE) | … */
uint64_t bits_by_rule(unsigned row, unsigned rules);

/*
 * The default1 class of a VMX control MSR (SDM vol. 3, A.2), plain or TRUE:
 * controls that must be 1 where bit 55 of IA32_VMX_BASIC is 0.  0 for others.
 */
uint32_t feature_default1(uint32_t msr);

#endif
