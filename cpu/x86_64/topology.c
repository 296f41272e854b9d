/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topology.c - one package, with one or two threads in each core
 *
 * Guests schedule and license by what these leaves say, and the host's own
 * values describe another machine.  APIC id == vCPU index; the core's number is that
 * without the bit of the thread.
 */
#include "cpu/x86_64/x86.h"

#include <errno.h>

#include "vmm/base/err.h"

#define LEVEL_SMT  1
#define LEVEL_CORE 2

/* Bits needed to number `count` things. */
static uint32_t bits_for(unsigned count)
{
	uint32_t shift = 0;

	while ((1u << shift) < count)
		shift++;
	return shift;
}

static void set_field(
	uint32_t *reg, unsigned low, unsigned width, uint32_t value)
{
	uint32_t mask = (uint32_t)((BIT64(width) - 1) << low);

	*reg = (*reg & ~mask) | ((value << low) & mask);
}

static void set_bit(uint32_t *reg, unsigned bit, bool on)
{
	set_field(reg, bit, 1, on);
}

/* Leaf 1: EBX[23:16] counts the APIC ids of the package, EDX[28] says it counts. */
static void describe_leaf_1(struct cpuid *cpuid, unsigned cpus)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, 1, 0);

	if (!e)
		return;
	set_field(&e->ebx, 16, 8, MIN(1u << bits_for(cpus), 255u));
	set_bit(&e->edx, 28, cpus > 1);
	set_bit(&e->ecx, 31, true); /* a hypervisor is present */
}

/*
 * Leaves 4 and 8000001D: EAX[25:14] is how many APIC ids share the cache, less
 * one.  Levels 1 and 2 are a core's own, level 3 is the package's.  In leaf 4,
 * EAX[31:26] is how many cores there may be, less one.
 */
static void describe_caches(
	struct cpuid *cpuid, uint32_t leaf, unsigned cpus, unsigned threads)
{
	uint32_t ids = 1u << bits_for(cpus);

	for (uint32_t i = 0; i < cpuid->count; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entry[i];
		uint32_t level = (e->eax >> 5) & 7;

		if (e->function != leaf || !(e->eax & 0x1f))
			continue;
		set_field(&e->eax, 14, 12, (level >= 3 ? ids : threads) - 1);
		if (leaf == 4)
			set_field(&e->eax, 26, 6, MIN(ids / threads - 1, 63u));
	}
}

static void remove_leaf(struct cpuid *cpuid, uint32_t leaf)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < cpuid->count; i++)
		if (cpuid->entry[i].function != leaf)
			cpuid->entry[kept++] = cpuid->entry[i];
	cpuid->count = kept;
}

/*
 * Leaves B and 1F are written afresh: KVM has left out subleaf 1 since Linux
 * 6.1, and 1F must repeat B where the host has it.
 */
static int describe_extended(
	struct cpuid *cpuid, uint32_t leaf, unsigned cpus, unsigned threads)
{
	const struct kvm_cpuid_entry2 levels[] = {
		{ .eax = bits_for(threads),
			.ebx = threads,
			.ecx = LEVEL_SMT << 8 },
		{ .eax = bits_for(cpus),
			.ebx = cpus,
			.ecx = LEVEL_CORE << 8 | 1 },
		{ .ecx = 2 },
	};
	struct kvm_cpuid_entry2 *highest = cpuid_find(cpuid, 0, 0);

	if (!highest)
		return err_set(-ENOTSUP, "KVM supports no CPUID leaf 0");
	remove_leaf(cpuid, leaf);
	if (highest->eax < leaf)
		return 0;
	if (cpuid->count + ARRAY_SIZE(levels) > CPUID_ENTRIES_MAX)
		return err_set(-E2BIG, "KVM supports too many CPUID leaves");
	for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entry[cpuid->count++];

		*e = levels[i];
		e->function = leaf;
		e->index = i;
		e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	}
	return 0;
}

/* AMD: 80000008 ECX counts threads, 80000001 ECX[1] says that it does so. */
static void describe_amd(struct cpuid *cpuid, unsigned cpus, unsigned threads)
{
	struct kvm_cpuid_entry2 *counts = cpuid_find(cpuid, 0x80000008, 0);
	struct kvm_cpuid_entry2 *features = cpuid_find(cpuid, 0x80000001, 0);
	struct kvm_cpuid_entry2 *ids = cpuid_find(cpuid, 0x8000001e, 0);

	if (counts) {
		set_field(&counts->ecx, 0, 8, cpus - 1);
		set_field(&counts->ecx, 12, 4, bits_for(cpus));
	}
	if (features)
		set_bit(&features->ecx, 1, cpus > 1);
	if (ids) {
		/* EBX[15:8]: threads, less one; [7:0] is the core of a vCPU. */
		ids->ebx = (threads - 1) << 8;
		ids->ecx = 0; /* one node */
	}
}

/* "AuthenticAMD" or "HygonGenuine": 80000008 ECX is reserved on others. */
static bool is_amd(struct cpuid *cpuid)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, 0, 0);

	return e && (e->ebx == 0x68747541 || e->ebx == 0x6f677948);
}

int topology_describe(struct cpuid *cpuid, unsigned cpus, unsigned threads)
{
	int rc;

	describe_leaf_1(cpuid, cpus);
	describe_caches(cpuid, 4, cpus, threads);
	describe_caches(cpuid, 0x8000001d, cpus, threads);
	rc = describe_extended(cpuid, 0xb, cpus, threads);
	if (!rc)
		rc = describe_extended(cpuid, 0x1f, cpus, threads);
	if (is_amd(cpuid))
		describe_amd(cpuid, cpus, threads);
	return rc;
}

void topology_set_apic_id(struct cpuid *cpuid, unsigned apic_id)
{
	for (uint32_t i = 0; i < cpuid->count; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entry[i];

		switch (e->function) {
		case 1:
			set_field(&e->ebx, 24, 8, apic_id);
			break;
		case 0xb:
		case 0x1f:
			e->edx = apic_id;
			break;
		case 0x8000001e:
			e->eax = apic_id;
			set_field(&e->ebx, 0, 8,
				apic_id / (((e->ebx >> 8) & 0xff) + 1));
			break;
		}
	}
}
