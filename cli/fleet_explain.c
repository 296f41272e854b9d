/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_explain.c - what a fleet loses to which host, in words and as JSON */
#include "cli/fleet_explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fleet.h"
#include "cpu/x86_64/cpu_set_diff.h"
#include "vmm/base/err.h"

#define JSON_VERSION 1 /* of the object that --json prints */
#define NAMED_MAX    8 /* hosts in one line of text */

int fleet_explanation_make(const struct fleet_member *members, unsigned count,
	const struct fleet_wishes *wishes, const struct template *merged,
	struct fleet_explanation *ret)
{
	int rc;

	*ret = (struct fleet_explanation){ .members = members, .count = count };
	ret->gains = calloc(count, sizeof(*ret->gains));
	if (!ret->gains)
		return err_set(-ENOMEM, "no memory to explain %u hosts", count);
	rc = fleet_explain(members, count, wishes, merged, &ret->losses);
	if (!rc)
		rc = fleet_regain(members, count, wishes, merged, ret->gains);
	return rc;
}

void fleet_explanation_fini(struct fleet_explanation *e)
{
	fleet_losses_free(&e->losses);
	if (e->gains)
		fleet_gains_free(e->gains, e->count);
	free(e->gains);
}

/* ---- text ---- */

/* What the hosts that the fleet gives way to are like. */
static const char *const relation[] = {
	[RULE_AND] = "missing",
	[RULE_CLEAR] = "missing",
	[RULE_OR] = "set",
	[RULE_MIN] = "lower",
	[RULE_MAX] = "higher",
	[RULE_EQUAL_0] = "different",
};

static const char *relation_of(const struct feature *f)
{
	const char *words = f && f->rule < ARRAY_SIZE(relation)
				    ? relation[f->rule]
				    : NULL;

	return words ? words : "different";
}

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

static void put_loss(const struct fleet_explanation *e,
	const struct fleet_loss *loss, struct buf *out)
{
	const struct cpu_field field = { loss->row, loss->feature };
	bool one = has_one_layer(loss);

	cpu_field_put_name(&field, out);
	if (loss->feature)
		buf_printf(out, " (%s)", feature_row(loss->row)->name);
	buf_printf(out, ": ");
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
	buf_u8(out, '\n');
}

static void put_gain(
	const struct fleet_explanation *e, unsigned member, struct buf *out)
{
	const struct fleet_gain *gain = &e->gains[member];

	if (!gain->count)
		return;
	buf_printf(out,
		"Without %s the fleet would have:", e->members[member].name);
	for (unsigned i = 0; i < gain->count; i++)
		buf_printf(out, " %s", gain->field[i].feature->name);
	buf_u8(out, '\n');
}

void fleet_explanation_text(const struct fleet_explanation *e, struct buf *out)
{
	if (!e->losses.count)
		buf_printf(out, "The fleet loses nothing.\n");
	for (unsigned i = 0; i < e->losses.count; i++)
		put_loss(e, &e->losses.loss[i], out);
	for (unsigned i = 0; i < e->count; i++)
		put_gain(e, i, out);
}

/* ---- JSON ---- */

static json_t *loss_json(
	const struct fleet_explanation *e, const struct fleet_loss *loss)
{
	json_t *hosts = json_array();

	for (unsigned i = 0; i < loss->lacking_count; i++)
		json_array_append_new(
			hosts, json_pack("{s:s, s:s}", "host",
				       e->members[loss->lacking[i]].name,
				       "layer", loss->layers[i]));
	return json_pack("{s:s, s:s?, s:s?, s:s?, s:o}", "register",
		feature_row(loss->row)->name, "name",
		loss->feature ? loss->feature->name : NULL, "layer",
		loss->layer, "needs",
		loss->because ? loss->because->name : NULL, "missing_on",
		hosts);
}

static json_t *gain_json(const struct fleet_explanation *e, unsigned member)
{
	const struct fleet_gain *gain = &e->gains[member];
	json_t *names = json_array();

	for (unsigned i = 0; i < gain->count; i++)
		json_array_append_new(
			names, json_string(gain->field[i].feature->name));
	return json_pack("{s:s, s:o}", "host", e->members[member].name,
		"features", names);
}

void fleet_explanation_json(const struct fleet_explanation *e, struct buf *out)
{
	json_t *losses = json_array();
	json_t *gains = json_array();

	for (unsigned i = 0; i < e->losses.count; i++)
		json_array_append_new(losses, loss_json(e, &e->losses.loss[i]));
	for (unsigned i = 0; i < e->count; i++)
		if (e->gains[i].count)
			json_array_append_new(gains, gain_json(e, i));
	fleet_put_json(json_pack("{s:i, s:o, s:o}", "version", JSON_VERSION,
			       "losses", losses, "regained_without", gains),
		out);
}
