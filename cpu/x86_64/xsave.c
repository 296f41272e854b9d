/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xsave.c - how large the XSAVE area of a CPU is (SDM vol. 1, 13.4)
 *
 * Leaf D reports two sizes: that of all components that the CPU has, and that of
 * those which XCR0 and XSS enable now.  KVM keeps the second kind up to date while
 * the guest runs; a template holds its value at reset, legacy region and header.
 */
#include "cpu/x86_64/closure.h"

#define LEAF             0xd
#define COMPONENT_FIRST  2
#define COMPONENT_LAST   62
#define LEGACY_BYTES     512
#define HEADER_BYTES     64
#define RESET_BYTES      (LEGACY_BYTES + HEADER_BYTES)
#define COMPACT_FEATURES (BIT(1) | BIT(3)) /* XSAVEC, XSAVES */

static uint32_t reg_of(
	const struct cpu_set *set, unsigned n, enum feature_cpuid_reg reg)
{
	return cpu_set_cpuid(set, LEAF, n, reg);
}

/* A size near 4 GiB from a hostile file may wrap; it is only a number here. */
static uint32_t size_max(const struct cpu_set *set)
{
	uint64_t mask = reg_of(set, 0, REG_EAX) |
			(uint64_t)reg_of(set, 0, REG_EDX) << 32;
	uint32_t max = RESET_BYTES;

	if (!mask)
		return 0;
	for (unsigned n = COMPONENT_FIRST; n <= COMPONENT_LAST; n++)
		if (mask & BIT64(n))
			max = MAX(max, reg_of(set, n, REG_EAX) +
					       reg_of(set, n, REG_EBX));
	return max;
}

static void put(struct cpu_set *set, unsigned n, enum feature_cpuid_reg reg,
	uint32_t value)
{
	if (value || reg_of(set, n, reg))
		cpu_set_put_cpuid(set, LEAF, n, reg, value);
}

void xsave_put_sizes(struct cpu_set *set)
{
	uint32_t max = size_max(set);
	bool compact = reg_of(set, 1, REG_EAX) & COMPACT_FEATURES;

	put(set, 0, REG_EBX, max ? RESET_BYTES : 0);
	put(set, 0, REG_ECX, max);
	put(set, 1, REG_EBX, compact ? RESET_BYTES : 0);
}
