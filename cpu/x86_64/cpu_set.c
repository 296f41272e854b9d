/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_set.c - a CPU as data: one value for each register of feature.h */
#include "cpu/x86_64/cpu_set.h"

#include <string.h>

static uint64_t get(const struct cpu_set *set, int row)
{
	return row >= 0 && set->present[row] ? set->value[row] : 0;
}

static int put(struct cpu_set *set, int row, uint64_t value)
{
	if (row < 0)
		return row;
	set->value[row] = value;
	set->present[row] = true;
	return 0;
}

uint64_t cpu_set_msr(const struct cpu_set *set, uint32_t msr)
{
	return get(set, feature_find_row(SPACE_MSR, msr, 0, 0));
}

uint32_t cpu_set_cpuid(const struct cpu_set *set, uint32_t leaf,
	uint32_t subleaf, enum feature_cpuid_reg reg)
{
	int row = feature_find_row(SPACE_CPUID, leaf, subleaf, reg);

	return (uint32_t)get(set, row);
}

int cpu_set_put_msr(struct cpu_set *set, uint32_t msr, uint64_t value)
{
	return put(set, feature_find_row(SPACE_MSR, msr, 0, 0), value);
}

int cpu_set_put_cpuid(struct cpu_set *set, uint32_t leaf, uint32_t subleaf,
	enum feature_cpuid_reg reg, uint32_t value)
{
	return put(
		set, feature_find_row(SPACE_CPUID, leaf, subleaf, reg), value);
}

/* Where the value of a field begins: a control's in the "may be 1" half. */
static unsigned shift_of(unsigned row, const struct feature *f)
{
	return f->low + (feature_row(row)->space == SPACE_CONTROL ? 32u : 0u);
}

static uint64_t mask_of(const struct feature *f)
{
	return f->width < 64 ? BIT64(f->width) - 1 : ~0ull;
}

uint64_t cpu_set_field(
	const struct cpu_set *set, unsigned row, const struct feature *f)
{
	return get(set, (int)row) >> shift_of(row, f) & mask_of(f);
}

void cpu_set_put_field(struct cpu_set *set, unsigned row,
	const struct feature *f, uint64_t value)
{
	unsigned shift = shift_of(row, f);
	uint64_t mask = mask_of(f) << shift;
	uint64_t old = get(set, (int)row);

	put(set, (int)row, (old & ~mask) | (value << shift & mask));
}

static uint32_t *reg_of(struct kvm_cpuid_entry2 *e, unsigned reg)
{
	uint32_t *const regs[] = { &e->eax, &e->ebx, &e->ecx, &e->edx };

	return regs[reg];
}

static void take_entry(
	struct cpu_set *set, const struct kvm_cpuid_entry2 *entry)
{
	bool indexed = entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	struct kvm_cpuid_entry2 e = *entry;

	for (unsigned reg = REG_EAX; reg <= REG_EDX; reg++)
		cpu_set_put_cpuid(set, e.function, indexed ? e.index : 0, reg,
			*reg_of(&e, reg));
}

void cpu_set_from_cpuid(struct cpu_set *set, const struct cpuid *cpuid)
{
	for (uint32_t i = 0; i < cpuid->count; i++)
		take_entry(set, &cpuid->entry[i]);
}

static bool same_leaf(
	const struct kvm_cpuid_entry2 *e, const struct feature_reg *reg)
{
	return e->function == reg->index && e->index == reg->subleaf;
}

/* Rows are sorted, so the registers of a leaf follow each other. */
void cpu_set_to_cpuid(const struct cpu_set *set, struct cpuid *ret)
{
	ret->count = 0;
	for (unsigned row = 0; row < cpuid_regs_count; row++) {
		const struct feature_reg *reg = &cpuid_regs[row];
		struct kvm_cpuid_entry2 *e = &ret->entry[ret->count];

		if (!set->present[row])
			continue;
		if (!ret->count || !same_leaf(e - 1, reg)) {
			*e = (struct kvm_cpuid_entry2){
				.function = reg->index,
				.index = reg->subleaf,
				.flags =
					reg->indexed
						? KVM_CPUID_FLAG_SIGNIFCANT_INDEX
						: 0,
			};
			ret->count++;
		} else {
			e--;
		}
		*reg_of(e, reg->reg) = (uint32_t)set->value[row];
	}
}

void cpu_set_vendor(const struct cpu_set *set, char ret[13])
{
	static const enum feature_cpuid_reg order[] = { REG_EBX, REG_EDX,
		REG_ECX };

	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		uint32_t part = cpu_set_cpuid(set, 0, 0, order[i]);

		memcpy(ret + 4 * i, &part, sizeof(part));
	}
	ret[12] = '\0';
	/* It comes from files too, and goes to terminals. */
	for (char *c = ret; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

bool cpu_set_equal(const struct cpu_set *a, const struct cpu_set *b)
{
	for (unsigned row = 0; row < feature_rows(); row++) {
		if (a->present[row] != b->present[row])
			return false;
		if (a->present[row] && a->value[row] != b->value[row])
			return false;
	}
	return true;
}
