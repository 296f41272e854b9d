/* SPDX-License-Identifier: Apache-2.0 */
/* bit_names.c - differences between CPUs as text for one sentence */
#include "cpu/x86_64/bit_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROOM_FOR_END 24 /* " and 4294967295 more" */

uint64_t bits_by_rule(unsigned row, unsigned rules)
{
	const struct feature_reg *reg = feature_row(row);
	uint64_t bits = 0;

	for (unsigned i = 0; i < reg->count; i++) {
		const struct feature *f = &reg->features[i];

		if (rules & BIT(f->rule))
			bits |= (f->width < 64 ? BIT64(f->width) - 1 : ~0ull)
				<< f->low;
	}
	if (reg->space == SPACE_CONTROL)
		bits |= bits << 32;
	return bits;
}

static void add(struct bit_names *names, const char *reg, const char *name)
{
	bool same = !strcmp(names->reg, reg);
	size_t used = strlen(names->text);
	size_t room = sizeof(names->text) - used - ROOM_FOR_END;
	char piece[96];
	int len;

	names->count++;
	if (same)
		len = snprintf(piece, sizeof(piece), ", %s", name);
	else
		len = snprintf(piece, sizeof(piece), "%s%s %s",
			used ? "; " : "", reg, name);
	if (names->omitted || (size_t)len >= MIN(room, sizeof(piece))) {
		names->omitted++;
		return;
	}
	memcpy(names->text + used, piece, (size_t)len + 1);
	snprintf(names->reg, sizeof(names->reg), "%s", reg);
}

/* A number says how much it differs, a bit only that it does. */
void bit_names_add(struct bit_names *names, unsigned row,
	const struct feature *f, uint64_t wanted, uint64_t shown)
{
	const char *reg = feature_row(row)->name;
	char text[80];

	if (!f) {
		bit_names_add_raw(names, reg, wanted, shown);
		return;
	}
	if (f->width == 1)
		snprintf(text, sizeof(text), "%s", f->name);
	else
		snprintf(text, sizeof(text),
			"%s (%#" PRIx64 ", not %#" PRIx64 ")", f->name, shown,
			wanted);
	add(names, reg, text);
}

static uint64_t field_of(uint64_t value, const struct feature *f)
{
	return value >> f->low & (f->width < 64 ? BIT64(f->width) - 1 : ~0ull);
}

/* A control that must be 1 where it shall not, or may not where it shall. */
static void add_controls(
	struct bit_names *names, unsigned row, uint64_t wanted, uint64_t shown)
{
	uint32_t bits = (uint32_t)((wanted ^ shown) | (wanted ^ shown) >> 32);

	for (unsigned bit = 0; bit < 32; bit++) {
		const struct feature *f = feature_of_bit(row, bit);
		uint64_t unnamed = BIT64(bit) | BIT64(bit + 32);

		if (!(bits & BIT64(bit)))
			continue;
		if (f)
			bit_names_add(names, row, f, 0, 0);
		else
			bit_names_add(names, row, NULL, wanted & unnamed,
				shown & unnamed);
	}
}

void bit_names_add_row(
	struct bit_names *names, unsigned row, uint64_t wanted, uint64_t shown)
{
	const struct feature_reg *reg = feature_row(row);
	uint64_t unnamed = wanted ^ shown;

	if (reg->space == SPACE_CONTROL) {
		add_controls(names, row, wanted, shown);
		return;
	}
	for (unsigned i = 0; i < reg->count; i++) {
		const struct feature *f = &reg->features[i];
		uint64_t a = field_of(wanted, f);
		uint64_t b = field_of(shown, f);

		if (a != b)
			bit_names_add(names, row, f, a, b);
		unnamed &= ~((a ^ b) << f->low);
	}
	if (unnamed)
		bit_names_add(
			names, row, NULL, wanted & unnamed, shown & unnamed);
}

void bit_names_add_raw(struct bit_names *names, const char *reg,
	uint64_t wanted, uint64_t shown)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		char text[16];

		if (!((wanted ^ shown) & BIT64(bit)))
			continue;
		snprintf(text, sizeof(text), "bit %u", bit);
		add(names, reg, text);
	}
}

void bit_names_add_sets(struct bit_names *names, const struct cpu_set *wanted,
	const struct cpu_set *shown)
{
	for (unsigned row = 0; row < feature_rows(); row++) {
		uint64_t a = wanted->present[row] ? wanted->value[row] : 0;
		uint64_t b = shown->present[row] ? shown->value[row] : 0;

		if (a != b)
			bit_names_add_row(names, row, a, b);
	}
}

const char *bit_names_end(struct bit_names *names)
{
	size_t used = strlen(names->text);

	if (names->omitted)
		snprintf(names->text + used, sizeof(names->text) - used,
			" and %u more", names->omitted);
	names->omitted = 0;
	return names->text;
}
