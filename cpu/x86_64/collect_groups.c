/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect_groups.c - read each logical CPU and sort alike ones together
 *
 * The SDM (vol. 3, 26.8.1 and A.1) lets software assume nothing about the other
 * CPUs of a host: leaves, VMX capabilities and microcode are compared on all.
 * Fields that each CPU has its own of, like APIC ids, do not part them.
 */
#include "cpu/x86_64/collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define LEAF_RANGE      0xffff0000u
#define LEAF_HYPERVISOR 0x40000000u
#define MSR_UCODE_REV   0x8b

/* What an MSR's being there depends on (SDM vol. 3, A.1 to A.11). */
static const struct {
	uint32_t first, last; /* these MSRs … */
	uint32_t msr;         /* … are there if this one has any of … */
	uint64_t any_of;
} chain[] = {
	{ 0x48b, 0x48b, 0x482, BIT64(63) },             /* secondary controls */
	{ 0x48c, 0x48c, 0x48b, BIT64(33) | BIT64(37) }, /* EPT, VPID */
	{ 0x48d, 0x490, 0x480, BIT64(55) },             /* TRUE controls */
	{ 0x491, 0x491, 0x48b, BIT64(45) },             /* VM functions */
	{ 0x492, 0x492, 0x482, BIT64(49) },             /* tertiary controls */
	{ 0x493, 0x493, 0x483, BIT64(63) }, /* secondary exit controls */
};

static const struct {
	uint32_t first, last;
	uint32_t leaf;
	enum feature_cpuid_reg reg;
	uint32_t bit;
} gates[] = {
	{ 0x480, 0x493, 1, REG_ECX, BIT(5) },  /* VMX */
	{ 0x10a, 0x10a, 7, REG_EDX, BIT(29) }, /* ARCH_CAPABILITIES */
};

static bool msr_is_there(const struct cpu_set *set, uint32_t msr)
{
	for (unsigned i = 0; i < ARRAY_SIZE(gates); i++)
		if (msr >= gates[i].first && msr <= gates[i].last &&
			!(cpu_set_cpuid(set, gates[i].leaf, 0, gates[i].reg) &
				gates[i].bit))
			return false;
	for (unsigned i = 0; i < ARRAY_SIZE(chain); i++)
		if (msr >= chain[i].first && msr <= chain[i].last &&
			!(cpu_set_msr(set, chain[i].msr) & chain[i].any_of))
			return false;
	return true;
}

/* ---- one CPU ---- */

/* The highest leaf of a range; on Intel a higher one returns another's data. */
static uint32_t last_leaf(const struct silicon_reader *r, uint32_t range)
{
	uint32_t regs[4];

	r->cpuid(r->ctx, range, 0, regs);
	return (regs[REG_EAX] & LEAF_RANGE) == range ? regs[REG_EAX] : 0;
}

static void read_cpuid(const struct silicon_reader *r, struct cpu_set *set)
{
	const struct feature_reg *last = NULL;
	uint32_t basic = last_leaf(r, 0);
	uint32_t extended = last_leaf(r, 0x80000000);
	uint32_t regs[4];

	for (unsigned row = 0; row < cpuid_regs_count; row++) {
		const struct feature_reg *reg = feature_row(row);
		uint32_t range = reg->index & LEAF_RANGE;

		if (range == LEAF_HYPERVISOR ||
			reg->index > (range ? extended : basic))
			continue;
		if (!last || last->index != reg->index ||
			last->subleaf != reg->subleaf)
			r->cpuid(r->ctx, reg->index, reg->subleaf, regs);
		last = reg;
		set->value[row] = regs[reg->reg];
		set->present[row] = true;
	}
}

/* Returns whether MSRs can be read at all. */
static bool read_msrs(const struct silicon_reader *r, struct cpu_set *set)
{
	for (unsigned row = cpuid_regs_count; row < feature_rows(); row++) {
		uint32_t msr = feature_row(row)->index;
		int rc;

		if (!msr_is_there(set, msr))
			continue;
		rc = r->rdmsr(r->ctx, msr, &set->value[row]);
		if (rc && rc != -EIO)
			return false;
		set->present[row] = !rc;
	}
	return true;
}

/* Intel keeps the revision in the high half, AMD in the low one. */
static uint64_t revision(
	const struct silicon_reader *r, const struct cpu_set *set)
{
	uint64_t value = cpu_set_msr(set, MSR_UCODE_REV);

	if (!value)
		return r->microcode(r->ctx);
	return value >> 32 ? value >> 32 : (uint32_t)value;
}

static int read_cpu(
	const struct silicon_reader *r, unsigned cpu, struct profile_group *ret)
{
	int rc = r->visit(r->ctx, cpu);

	if (rc)
		return rc;
	memset(ret, 0, sizeof(*ret));
	read_cpuid(r, &ret->silicon);
	ret->msrs_known = read_msrs(r, &ret->silicon);
	ret->microcode = revision(r, &ret->silicon);
	cpu_list_add(&ret->cpus, cpu);
	return 0;
}

/* ---- groups ---- */

/*
 * The bits in which CPUs are compared: in CPUID all but those of RULE_MACHINE.
 * IA32_FEATURE_CONTROL, which guests get made for them, is firmware's here.
 */
static uint64_t common_bits(unsigned row)
{
	const struct feature_reg *reg = feature_row(row);
	uint64_t mask = ~0ull;

	for (unsigned i = 0; i < reg->count; i++) {
		const struct feature *f = &reg->features[i];

		if (reg->space == SPACE_CPUID && f->rule == RULE_MACHINE)
			mask &= ~((BIT64(f->width) - 1) << f->low);
	}
	return mask;
}

static bool alike(const struct profile_group *a, const struct profile_group *b,
	const uint64_t mask[FEATURE_ROWS_MAX])
{
	if (a->microcode != b->microcode || a->msrs_known != b->msrs_known)
		return false;
	for (unsigned row = 0; row < feature_rows(); row++)
		if (a->silicon.present[row] != b->silicon.present[row] ||
			(a->silicon.value[row] ^ b->silicon.value[row]) &
				mask[row])
			return false;
	return true;
}

/* Add a CPU to the group that it is like, or begin one. */
static int file_cpu(struct profile *p, const struct profile_group *one,
	unsigned cpu, const uint64_t mask[FEATURE_ROWS_MAX])
{
	for (unsigned i = 0; i < p->group_count; i++)
		if (alike(&p->groups[i], one, mask)) {
			cpu_list_add(&p->groups[i].cpus, cpu);
			return 0;
		}
	if (p->group_count == PROFILE_GROUPS_MAX)
		return err_set(-E2BIG,
			"CPU %u is the %uth kind of logical CPU in this host; "
			"a profile holds %d",
			cpu, p->group_count + 1, PROFILE_GROUPS_MAX);
	p->groups[p->group_count++] = *one;
	return 0;
}

/* The largest first, then the one with the lowest CPU, as they were found. */
static void sort_groups(struct profile *p)
{
	for (unsigned i = 1; i < p->group_count; i++)
		for (unsigned k = i;
			k && cpu_list_count(&p->groups[k].cpus) >
				     cpu_list_count(&p->groups[k - 1].cpus);
			k--) {
			struct profile_group moved = p->groups[k];

			p->groups[k] = p->groups[k - 1];
			p->groups[k - 1] = moved;
		}
}

int collect_groups(const struct silicon_reader *reader,
	const struct cpu_list *cpus, struct profile *ret)
{
	CLEANUP_FREE struct profile_group *one = calloc(1, sizeof(*one));
	uint64_t mask[FEATURE_ROWS_MAX];
	int rc = 0;

	ret->groups = calloc(PROFILE_GROUPS_MAX, sizeof(*ret->groups));
	if (!one || !ret->groups)
		return err_set(-ENOMEM, "no memory for the host's CPUs");
	for (unsigned row = 0; row < feature_rows(); row++)
		mask[row] = common_bits(row);
	for (unsigned cpu = 0; cpu < CPU_LIST_MAX && !rc; cpu++) {
		if (!cpu_list_has(cpus, cpu))
			continue;
		rc = read_cpu(reader, cpu, one);
		if (!rc)
			rc = file_cpu(ret, one, cpu, mask);
	}
	sort_groups(ret);
	return rc;
}
