/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_tab.c - the templates that Firecracker has built in
 *
 * The values are those of Firecracker's src/vmm/src/cpu_config/x86_64/
 * static_cpu_templates: the registers, the bits that each decides, what they
 * become.
 */
#include <errno.h>
#include <string.h>

#include "cpu/template_firecracker.h"

/* clang-format off */
#define CPUID(leaf, subleaf, reg, mask, value) \
	{ SPACE_CPUID, REG_##reg, leaf, subleaf, mask, value }
#define MSR(index, mask, value) { SPACE_MSR, 0, index, 0, mask, value }
/* clang-format on */

/* XCR0 without MPX, AVX-512 and PKRU; no XSAVEC, XGETBV with ECX = 1, XSAVES. */
#define LEAF_D CPUID(0xd, 0, EAX, 0x2f8, 0), CPUID(0xd, 1, EAX, 0xe, 0)

/* What the T2 family has in common: model 3fH of family 6; MCE and MTRR always. */
#define LEAVES_OF_T2                                      \
	CPUID(1, 0, EAX, 0x0fff3fff, 0x000306f2),         \
		CPUID(1, 0, ECX, 0x0004cdfc, 0),          \
		CPUID(1, 0, EDX, 0xe8641080, 0x00001080), \
		CPUID(7, 0, EBX, 0xffefda14, 0x00000200), \
		CPUID(7, 0, ECX, 0x40415f5e, 0),          \
		CPUID(7, 0, EDX, 0x0000011c, 0), LEAF_D

static const struct fc_modifier c3[] = {
	CPUID(1, 0, EAX, 0x0fff3fff, 0x000306e4),
	CPUID(1, 0, ECX, 0x0040dd3c, 0),
	CPUID(1, 0, EDX, 0xa8641080, 0x00001080),
	CPUID(7, 0, EBX, 0xffafdd3c, 0),
	CPUID(7, 0, ECX, 0x4041481e, 0),
	CPUID(7, 0, EDX, 0x0000000c, 0),
	LEAF_D,
	CPUID(0x80000001, 0, ECX, 0x00000120, 0),
	CPUID(0x80000001, 0, EDX, 0x04000000, 0),
};

#define T2                                                      \
	LEAVES_OF_T2, CPUID(0x80000001, 0, ECX, 0x20000100, 0), \
		CPUID(0x80000001, 0, EDX, 0x04000000, 0),       \
		CPUID(0x80000008, 0, EBX, 0x00000200, 0)

static const struct fc_modifier t2[] = { T2 };

/*
 * T2 with the mitigations that Skylake and Cascade Lake both need.  Firecracker also
 * sets bits 10 and 11, whose MSRs KVM does not have, and 19, which says nothing
 * where bit 1 is clear and bit 2 is set: these stay clear.
 */
static const struct fc_modifier t2s[] = {
	T2,
	MSR(0x10a, ~0ull, 0x0400004c),
};

static const struct fc_modifier t2cl[] = {
	LEAVES_OF_T2,
	CPUID(0x80000001, 0, ECX, 0x200001c0, 0),
	CPUID(0x80000001, 0, EDX, 0x07c00000, 0),
	CPUID(0x80000008, 0, EBX, 0x00000200, 0),
	MSR(0x10a, 0xffffffffe2f51e00, 0),
};

static const struct fc_modifier t2a[] = {
	LEAVES_OF_T2,
	CPUID(0x80000001, 0, ECX, 0x200001c4, 0),
	CPUID(0x80000001, 0, EDX, 0x06400000, 0),
	CPUID(0x80000008, 0, EBX, 0x001c0205, 0x001c0004),
};

static const struct {
	const char *name;
	const char *vendor;
	const struct fc_modifier *modifier;
	unsigned count;
} builtins[] = {
	{ "C3", "GenuineIntel", c3, ARRAY_SIZE(c3) },
	{ "T2", "GenuineIntel", t2, ARRAY_SIZE(t2) },
	{ "T2S", "GenuineIntel", t2s, ARRAY_SIZE(t2s) },
	{ "T2CL", "GenuineIntel", t2cl, ARRAY_SIZE(t2cl) },
	{ "T2A", "AuthenticAMD", t2a, ARRAY_SIZE(t2a) },
};

int fc_builtin(const char *name, struct fc_template *ret)
{
	for (unsigned i = 0; i < ARRAY_SIZE(builtins); i++) {
		if (strcmp(builtins[i].name, name))
			continue;
		*ret = (struct fc_template){
			.vendor = builtins[i].vendor,
			.modifier = builtins[i].modifier,
			.count = builtins[i].count,
		};
		return 0;
	}
	return -ENOENT;
}
