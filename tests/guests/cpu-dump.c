// SPDX-License-Identifier: Apache-2.0
/*
 * cpu-dump.c - print the CPU: every CPUID leaf, and the MSRs that describe features
 *
 * Two machines that show one CPU print the same text.  A sub-leaf that repeats the
 * one before it is left out, and with it all those of leaves that have none.
 */
#include "tests/guests/rt/cpu.h"

#define SUBLEAVES  64  /* as many as XSAVE has components */
#define LEAVES_MAX 256 /* of one range; no CPU comes near */

static const uint32_t ranges[] = { 0, 0x40000000, 0x80000000 };

static const struct {
	uint32_t first, last;
} msrs[] = {
	{ 0x17, 0x17 },   /* PLATFORM_ID */
	{ 0x3a, 0x3a },   /* FEATURE_CONTROL */
	{ 0x8b, 0x8b },   /* BIOS_SIGN_ID */
	{ 0xce, 0xce },   /* PLATFORM_INFO */
	{ 0x10a, 0x10a }, /* ARCH_CAPABILITIES */
	{ 0x480, 0x493 }, /* VMX capabilities */
};

static void print_leaf(uint32_t leaf, uint32_t subleaf, struct cpuid c)
{
	print("cpuid %x.%x: %x %x %x %x\n", leaf, subleaf, c.eax, c.ebx, c.ecx,
		c.edx);
}

/* Leaves that describe topology echo the sub-leaf in CL. */
static bool repeats(struct cpuid a, struct cpuid b)
{
	return a.eax == b.eax && a.ebx == b.ebx && a.edx == b.edx &&
	       a.ecx >> 8 == b.ecx >> 8;
}

static void dump_leaf(uint32_t leaf)
{
	struct cpuid before = cpuid(leaf, 0);

	print_leaf(leaf, 0, before);
	for (uint32_t i = 1; i < SUBLEAVES; i++) {
		struct cpuid now = cpuid(leaf, i);

		if (!repeats(now, before))
			print_leaf(leaf, i, now);
		before = now;
	}
}

static void dump_range(uint32_t first)
{
	uint32_t last = cpuid(first, 0).eax;

	CHECK(last - first < LEAVES_MAX);
	for (uint32_t leaf = first; leaf <= last; leaf++)
		dump_leaf(leaf);
}

static void dump_msr(uint32_t msr)
{
	uint64_t value;

	if (msr_read(msr, &value))
		print("msr %x: %lx\n", msr, value);
	else
		print("msr %x: #GP\n", msr);
}

void payload(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		dump_range(ranges[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		for (uint32_t msr = msrs[i].first; msr <= msrs[i].last; msr++)
			dump_msr(msr);
}
