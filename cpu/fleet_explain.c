/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_explain.c - what a fleet loses, and to whom
 *
 * A field is lost where a member, closed, has more of it than the merge.  Members
 * that have no more are those who lack it.  If there are none, it fell with what it
 * needs, which the closure of the merge tells when it is run once more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/fleet_field.h"
#include "cpu/x86_64/closure.h"
#include "cpu/x86_64/rules.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define FALLEN_MAX 2048 /* more than all tables have fields */

/* What fell when the merge was closed. */
struct fallen {
	struct closure_log log;
	unsigned count;
	struct {
		unsigned row;
		const struct feature *feature, *because;
	} field[FALLEN_MAX];
};

struct explaining {
	const struct fleet_member *members;
	unsigned count;
	const struct fleet_wishes *wishes;
	const struct cpu_set *merged;
	struct cpu_set *closed; /* one for each member */
	struct fallen *fallen;
	struct fleet_losses *ret;
};

/* ---- growing arrays ---- */

static int no_memory(void)
{
	return err_set(-ENOMEM, "out of memory while explaining a fleet");
}

/* Room for one more, doubling at powers of two. */
static bool grow(void *array, unsigned count, size_t size)
{
	void **p = array;
	void *bigger;

	if (count & (count - 1) && count)
		return true;
	bigger = reallocarray(*p, count ? 2 * (size_t)count : 1, size);
	if (bigger)
		*p = bigger;
	return bigger;
}

/* ---- why it fell ---- */

static void note_fall(struct closure_log *log, unsigned row,
	const struct feature *f, const struct feature *because)
{
	struct fallen *fallen = container_of(log, struct fallen, log);

	if (fallen->count == FALLEN_MAX)
		return;
	fallen->field[fallen->count].row = row;
	fallen->field[fallen->count].feature = f;
	fallen->field[fallen->count].because = because;
	fallen->count++;
}

static int note_falls(struct explaining *e)
{
	struct cpu_set met = e->closed[0];
	int rc = 0;

	e->fallen->log.fell = note_fall;
	for (unsigned i = 1; i < e->count && !rc; i++)
		rc = cpu_set_meet(&met, &e->closed[i]);
	if (rc < 0)
		return rc;
	cpu_set_close_logged(&met, &e->fallen->log);
	rc = fleet_apply_without(e->wishes, &met);
	if (rc < 0)
		return rc;
	cpu_set_close_logged(&met, &e->fallen->log);
	return 0;
}

static const struct feature *reason(
	const struct explaining *e, unsigned row, const struct feature *f)
{
	for (unsigned i = 0; i < e->fallen->count; i++)
		if (e->fallen->field[i].row == row &&
			e->fallen->field[i].feature == f)
			return e->fallen->field[i].because;
	return NULL;
}

/* ---- one loss ---- */

static const char *keep_text(struct fleet_losses *ret, char *text)
{
	if (!text || !grow(&ret->text, ret->text_count, sizeof(*ret->text))) {
		free(text);
		return NULL;
	}
	ret->text[ret->text_count++] = text;
	return text;
}

/* It has the field itself, but not what the field needs. */
static bool lacks_only_needs(const struct explaining *e, unsigned i,
	unsigned row, const struct feature *f)
{
	return fleet_field_above(e->members[i].cpu, e->merged, row, f);
}

static int add_lacking(struct explaining *e, struct fleet_loss *loss,
	unsigned i, uint32_t gates, const struct fleet_emulators *emulators)
{
	const char *layer = "a dependency";
	unsigned n = loss->lacking_count;

	if (!lacks_only_needs(e, i, loss->row, loss->feature))
		layer = keep_text(
			e->ret, fleet_layer_text(&e->members[i], loss->row,
					loss->feature, gates, emulators));
	if (!layer || !grow(&loss->lacking, n, sizeof(*loss->lacking)) ||
		!grow(&loss->layers, n, sizeof(*loss->layers)))
		return no_memory();
	loss->lacking[n] = i;
	loss->layers[n] = layer;
	loss->lacking_count++;
	return 0;
}

/* Nobody has what the fleet has, for there is no common value. */
static bool hosts_differ(const struct feature *f)
{
	return f->rule == RULE_EQUAL_0 || f->rule == RULE_BRAND ||
	       f->rule == RULE_LAYOUT;
}

static const char *common_layer(
	const struct explaining *e, const struct fleet_loss *loss)
{
	if (!loss->lacking_count) {
		if (loss->because)
			return "a dependency";
		if (fleet_is_without(e->wishes, loss->feature->name))
			return "--without";
		return hosts_differ(loss->feature) ? "hosts differ"
						   : "a dependency";
	}
	for (unsigned i = 1; i < loss->lacking_count; i++)
		if (strcmp(loss->layers[i], loss->layers[0]))
			return "several";
	return loss->layers[0];
}

static int add_loss(struct explaining *e, unsigned row, const struct feature *f)
{
	struct fleet_losses *ret = e->ret;
	uint32_t gates = fleet_gates(row, f);
	struct fleet_emulators emulators;
	struct fleet_loss *loss;
	int rc = 0;

	if (!grow(&ret->loss, ret->count, sizeof(*ret->loss)))
		return no_memory();
	loss = &ret->loss[ret->count++];
	*loss = (struct fleet_loss){ .row = row, .feature = f };
	fleet_find_emulators(
		e->members, e->count, e->merged, row, f, &emulators);
	for (unsigned i = 0; i < e->count && !rc; i++)
		if (!fleet_field_above(&e->closed[i], e->merged, row, f))
			rc = add_lacking(e, loss, i, gates, &emulators);
	if (!loss->lacking_count)
		loss->because = reason(e, row, f);
	loss->layer = rc ? "" : common_layer(e, loss);
	return rc;
}

/* ---- all ---- */

static bool is_lost(
	const struct explaining *e, unsigned row, const struct feature *f)
{
	for (unsigned i = 0; i < e->count; i++)
		if (fleet_field_above(&e->closed[i], e->merged, row, f))
			return true;
	return false;
}

static int add_losses(struct explaining *e)
{
	int rc = 0;

	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);

		for (unsigned i = 0; i < reg->count && !rc; i++)
			if (is_lost(e, row, &reg->features[i]))
				rc = add_loss(e, row, &reg->features[i]);
	}
	return rc;
}

int fleet_explain(const struct fleet_member *members, unsigned count,
	const struct fleet_wishes *wishes, const struct template *merged,
	struct fleet_losses *ret)
{
	static const struct fleet_wishes none;
	CLEANUP_FREE struct cpu_set *closed = NULL;
	CLEANUP_FREE struct fallen *fallen = calloc(1, sizeof(*fallen));
	struct explaining e = { .members = members,
		.count = count,
		.wishes = wishes ? wishes : &none,
		.merged = &merged->cpu,
		.fallen = fallen,
		.ret = ret };
	int rc;

	*ret = (struct fleet_losses){ 0 };
	if (!count)
		return 0;
	closed = fleet_close_members(members, count);
	if (!closed || !fallen)
		return no_memory();
	e.closed = closed;
	rc = note_falls(&e);
	return rc < 0 ? rc : add_losses(&e);
}

void fleet_losses_free(struct fleet_losses *losses)
{
	for (unsigned i = 0; i < losses->count; i++) {
		free(losses->loss[i].lacking);
		free(losses->loss[i].layers);
	}
	for (unsigned i = 0; i < losses->text_count; i++)
		free(losses->text[i]);
	free(losses->loss);
	free(losses->text);
	*losses = (struct fleet_losses){ 0 };
}
