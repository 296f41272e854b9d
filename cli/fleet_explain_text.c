/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_explain_text.c - what a fleet loses to which host, in words
 *
 * First the features, a line each, and what would come back; programs look for
 * them.  Then in few lines the numbers: those with one reason share a line, and
 * what merges as a whole (identity.h) is told as a whole.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/fleet_explain.h"

#define NAMED_MAX 8 /* hosts in one line */
#define INDENT    2

/* ---- hosts ---- */

/* "a (kernel), b (kernel)", or only the names where all have one layer. */
static void put_hosts(const struct fleet_explanation *e,
	const struct fleet_loss *loss, bool layers, struct buf *out)
{
	unsigned named = MIN(loss->lacking_count, NAMED_MAX);

	for (unsigned i = 0; i < named; i++) {
		buf_printf(out, "%s%s", i ? ", " : "",
			e->members[loss->lacking[i]].name);
		if (layers)
			buf_printf(out, " (%s)", loss->layers[i]);
	}
	if (loss->lacking_count > named)
		buf_printf(out, " and %u more", loss->lacking_count - named);
}

static bool has_one_layer(const struct fleet_loss *loss)
{
	for (unsigned i = 1; i < loss->lacking_count; i++)
		if (strcmp(loss->layers[i], loss->layers[0]))
			return false;
	return true;
}

/* What the hosts that the fleet gives way to are like. */
static const char *const relation[] = {
	[RULE_AND] = "missing",
	[RULE_CLEAR] = "missing",
	[RULE_OR] = "set",
	[RULE_MIN] = "lower",
	[RULE_MAX] = "higher",
	[RULE_EQUAL_0] = "different",
	[RULE_LAYOUT] = "different",
};

static const char *relation_of(const struct feature *f)
{
	const char *words = f->rule < ARRAY_SIZE(relation) ? relation[f->rule]
							   : NULL;

	return words ? words : "different";
}

static void put_reason(const struct fleet_explanation *e,
	const struct fleet_loss *loss, struct buf *out)
{
	bool one = has_one_layer(loss);

	if (loss->lacking_count) {
		buf_printf(out, "%s on ", relation_of(loss->feature));
		put_hosts(e, loss, !one, out);
		if (one)
			buf_printf(out, ": %s", loss->layers[0]);
	} else if (loss->because) {
		buf_printf(out, "needs %s", loss->because->name);
	} else {
		buf_printf(out, "%s", loss->layer);
	}
}

/* ---- features ---- */

static void put_features(const struct fleet_explanation *e, struct buf *out)
{
	for (unsigned i = 0; i < e->losses.count; i++) {
		const struct fleet_loss *loss = &e->losses.loss[i];

		if (fleet_kind(loss->feature) != FLEET_FEATURE)
			continue;
		buf_printf(out, "%s (%s): ", loss->feature->name,
			feature_row(loss->row)->name);
		put_reason(e, loss, out);
		buf_u8(out, '\n');
	}
}

static void put_gain(
	const struct fleet_explanation *e, unsigned member, struct buf *out)
{
	const struct fleet_gain *gain = &e->gains[member];
	unsigned put = 0;

	for (unsigned i = 0; i < gain->count; i++) {
		if (fleet_kind(gain->field[i].feature) != FLEET_FEATURE)
			continue;
		if (!put++)
			buf_printf(out, "Without %s the fleet would have:",
				e->members[member].name);
		buf_printf(out, " %s", gain->field[i].feature->name);
	}
	if (put)
		buf_u8(out, '\n');
}

/* ---- what merges as a whole ---- */

static const struct {
	enum feature_rule rule;
	const char *name;
} wholes[] = {
	{ RULE_OLDEST, "signature and caches" },
	{ RULE_BRAND, "brand string" },
};

/* How many losses have this rule; in how many of them each member has its way. */
static unsigned count_ways(const struct fleet_explanation *e,
	enum feature_rule rule, unsigned *ways)
{
	unsigned count = 0;

	for (unsigned i = 0; i < e->losses.count; i++) {
		const struct fleet_loss *loss = &e->losses.loss[i];

		if (loss->feature->rule != rule)
			continue;
		count++;
		for (unsigned n = 0; n < loss->lacking_count; n++)
			ways[loss->lacking[n]]++;
	}
	return count;
}

/* "brand string: as on a, b", or "brand string: hosts differ". */
static void put_whole(const struct fleet_explanation *e, unsigned whole,
	unsigned *ways, struct buf *out)
{
	unsigned count = count_ways(e, wholes[whole].rule, ways);
	unsigned named = 0;

	if (!count)
		return;
	buf_printf(out, "%*s%s: ", INDENT, "", wholes[whole].name);
	for (unsigned i = 0; i < e->count; i++) {
		if (ways[i] != count)
			continue;
		if (named < NAMED_MAX)
			buf_printf(out, "%s%s", named ? ", " : "as on ",
				e->members[i].name);
		named++;
	}
	if (named > NAMED_MAX)
		buf_printf(out, " and %u more", named - NAMED_MAX);
	buf_printf(out, named ? "\n" : "hosts differ\n");
}

void fleet_explanation_identity(
	const struct fleet_explanation *e, struct buf *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(wholes); i++) {
		unsigned *ways = calloc(e->count, sizeof(*ways));

		if (ways)
			put_whole(e, i, ways, out);
		else
			out->failed = true;
		free(ways);
	}
}

/* ---- numbers ---- */

static bool same_text(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* The names of all that have the reason of `first`, whose turn is over. */
static void put_line(const struct fleet_explanation *e, struct buf *reason,
	unsigned first, struct buf *out)
{
	buf_printf(
		out, "%*s%s", INDENT, "", e->losses.loss[first].feature->name);
	for (unsigned i = first + 1; i < e->losses.count; i++) {
		if (!reason[i].len || !same_text(&reason[i], &reason[first]))
			continue;
		buf_printf(out, ", %s", e->losses.loss[i].feature->name);
		reason[i].len = 0;
	}
	buf_printf(out, ": %.*s\n", (int)reason[first].len,
		(const char *)reason[first].data);
}

static void put_lines(
	const struct fleet_explanation *e, struct buf *reason, struct buf *out)
{
	for (unsigned i = 0; i < e->losses.count; i++) {
		const struct fleet_loss *loss = &e->losses.loss[i];

		if (fleet_kind(loss->feature) == FLEET_NUMBER)
			put_reason(e, loss, &reason[i]);
	}
	for (unsigned i = 0; i < e->losses.count; i++)
		if (reason[i].len)
			put_line(e, reason, i, out);
}

static void put_numbers(const struct fleet_explanation *e, struct buf *out)
{
	struct buf *reason = calloc(e->losses.count, sizeof(*reason));

	if (reason)
		put_lines(e, reason, out);
	else
		out->failed = true;
	for (unsigned i = 0; reason && i < e->losses.count; i++)
		buf_fini(&reason[i]);
	free(reason);
}

/* ---- together ---- */

static bool has_numbers(const struct fleet_explanation *e)
{
	for (unsigned i = 0; i < e->losses.count; i++)
		if (fleet_kind(e->losses.loss[i].feature) != FLEET_FEATURE)
			return true;
	return false;
}

void fleet_explanation_text(const struct fleet_explanation *e, struct buf *out)
{
	if (!e->losses.count)
		buf_printf(out, "The fleet loses nothing.\n");
	put_features(e, out);
	for (unsigned i = 0; i < e->count; i++)
		put_gain(e, i, out);
	if (!has_numbers(e))
		return;
	buf_printf(out, "Limits, sizes and identity:\n");
	put_numbers(e, out);
	fleet_explanation_identity(e, out);
}
