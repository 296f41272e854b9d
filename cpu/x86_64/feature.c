/* SPDX-License-Identifier: Apache-2.0 */
/* feature.c - find a row of the tables by its register, a feature by its bit */
#include "cpu/x86_64/feature.h"

#include <errno.h>

unsigned feature_rows(void)
{
	return cpuid_regs_count + msr_regs_count + vmx_regs_count;
}

const struct feature_reg *feature_row(unsigned row)
{
	if (row < cpuid_regs_count)
		return &cpuid_regs[row];
	row -= cpuid_regs_count;
	if (row < msr_regs_count)
		return &msr_regs[row];
	return &vmx_regs[row - msr_regs_count];
}

static int compare(const struct feature_reg *a, const struct feature_reg *b)
{
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	if (a->subleaf != b->subleaf)
		return a->subleaf < b->subleaf ? -1 : 1;
	return a->reg - b->reg;
}

/* Each table is sorted by register. */
static int search(const struct feature_reg *table, unsigned count,
	const struct feature_reg *key)
{
	unsigned low = 0;
	unsigned high = count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = compare(key, &table[middle]);

		if (!order)
			return (int)middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -ENOENT;
}

int feature_find_row(enum feature_space space, uint32_t index, uint32_t subleaf,
	enum feature_cpuid_reg reg)
{
	const struct feature_reg key = {
		.index = index, .subleaf = subleaf, .reg = (uint8_t)reg
	};
	int found;

	if (space == SPACE_CPUID)
		return search(cpuid_regs, cpuid_regs_count, &key);
	found = search(msr_regs, msr_regs_count, &key);
	if (found >= 0)
		return (int)cpuid_regs_count + found;
	found = search(vmx_regs, vmx_regs_count, &key);
	if (found >= 0)
		return (int)(cpuid_regs_count + msr_regs_count) + found;
	return -ENOENT;
}

const struct feature *feature_of_bit(unsigned row, unsigned bit)
{
	const struct feature_reg *reg = feature_row(row);

	if (reg->space == SPACE_CONTROL)
		bit %= 32;
	for (unsigned i = 0; i < reg->count; i++) {
		const struct feature *f = &reg->features[i];

		if (bit >= f->low && bit < f->low + f->width)
			return f;
	}
	return NULL;
}

uint64_t feature_bits(unsigned row, const struct feature *f)
{
	uint64_t bits = (f->width < 64 ? BIT64(f->width) - 1 : ~0ull) << f->low;

	return feature_row(row)->space == SPACE_CONTROL ? bits | bits << 32
							: bits;
}

uint64_t bits_by_rule(unsigned row, unsigned rules)
{
	const struct feature_reg *reg = feature_row(row);
	uint64_t bits = 0;

	for (unsigned i = 0; i < reg->count; i++)
		if (rules & BIT(reg->features[i].rule))
			bits |= feature_bits(row, &reg->features[i]);
	return bits;
}
