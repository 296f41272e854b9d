/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_set_diff.c - in which fields two CPUs differ, and fields in words */
#include "cpu/x86_64/cpu_set_diff.h"

#include <inttypes.h>

#define MSR_BIOS_SIGN_ID 0x8b

static uint64_t value_of(const struct cpu_set *set, unsigned row)
{
	return set->present[row] ? set->value[row] : 0;
}

static uint64_t unnamed_bits(unsigned row)
{
	return ~bits_by_rule(row, ~0u);
}

bool cpu_field_is_own(const struct cpu_field *field)
{
	const struct feature_reg *reg = feature_row(field->row);

	if (reg->space == SPACE_CPUID)
		return field->feature && field->feature->rule == RULE_MACHINE;
	return reg->index == MSR_BIOS_SIGN_ID;
}

uint64_t cpu_set_unnamed(const struct cpu_set *set, unsigned row)
{
	return value_of(set, row) & unnamed_bits(row);
}

unsigned cpu_row_each_difference(unsigned row, uint64_t differs,
	void (*each)(void *ctx, const struct cpu_field *field), void *ctx)
{
	const struct feature_reg *reg = feature_row(row);
	struct cpu_field field = { .row = row };
	unsigned count = 0;

	for (unsigned i = 0; i < reg->count && differs; i++) {
		field.feature = &reg->features[i];
		if (!(differs & feature_bits(row, field.feature)))
			continue;
		differs &= ~feature_bits(row, field.feature);
		each(ctx, &field);
		count++;
	}
	if (!differs)
		return count;
	field.feature = NULL;
	each(ctx, &field);
	return count + 1;
}

unsigned cpu_set_each_difference(const struct cpu_set *a,
	const struct cpu_set *b,
	void (*each)(void *ctx, const struct cpu_field *field), void *ctx)
{
	unsigned count = 0;

	for (unsigned row = 0; row < feature_rows(); row++)
		count += cpu_row_each_difference(
			row, value_of(a, row) ^ value_of(b, row), each, ctx);
	return count;
}

void cpu_field_put_name(const struct cpu_field *field, struct buf *out)
{
	if (field->feature)
		buf_printf(out, "%s", field->feature->name);
	else
		buf_printf(out, "%s, bits without a name",
			feature_row(field->row)->name);
}

/* A control by what it may be (SDM vol. 3, A.3.1). */
static const char *control_words(uint64_t value, unsigned bit)
{
	bool must = value >> bit & 1;
	bool may = value >> (32 + bit) & 1;

	if (must && !may)
		return "neither 0 nor 1";
	return must ? "always 1" : may ? "0 or 1" : "always 0";
}

void cpu_field_put_value(const struct cpu_set *set,
	const struct cpu_field *field, struct buf *out)
{
	const struct feature *f = field->feature;
	uint64_t value = value_of(set, field->row);

	if (!f)
		buf_printf(out, "0x%" PRIx64, cpu_set_unnamed(set, field->row));
	else if (feature_row(field->row)->space == SPACE_CONTROL)
		buf_printf(out, "%s", control_words(value, f->low));
	else if (f->width == 1)
		buf_printf(out, "%u", (unsigned)(value >> f->low & 1));
	else
		buf_printf(out, "0x%" PRIx64,
			(value & feature_bits(field->row, f)) >> f->low);
}
