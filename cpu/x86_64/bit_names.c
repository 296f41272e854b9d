/* SPDX-License-Identifier: Apache-2.0 */
/* bit_names.c - differences between CPUs as text for one sentence */
#include "cpu/x86_64/bit_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cpu/x86_64/cpu_set_diff.h"

#define ROOM_FOR_END 24 /* " and 4294967295 more" */

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

struct naming {
	struct bit_names *names;
	uint64_t wanted, shown;
};

/* Of a control what it may be counts, and not a value. */
static void add_field(void *ctx, const struct cpu_field *field)
{
	const struct naming *n = ctx;
	const struct feature *f = field->feature;
	uint64_t bits = f ? feature_bits(field->row, f)
			  : ~bits_by_rule(field->row, ~0u);

	bit_names_add(n->names, field->row, f,
		(n->wanted & bits) >> (f ? f->low : 0),
		(n->shown & bits) >> (f ? f->low : 0));
}

void bit_names_add_row(
	struct bit_names *names, unsigned row, uint64_t wanted, uint64_t shown)
{
	struct naming n = { names, wanted, shown };

	cpu_row_each_difference(row, wanted ^ shown, add_field, &n);
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

const char *bit_names_end(struct bit_names *names)
{
	size_t used = strlen(names->text);

	if (names->omitted)
		snprintf(names->text + used, sizeof(names->text) - used,
			" and %u more", names->omitted);
	names->omitted = 0;
	return names->text;
}
