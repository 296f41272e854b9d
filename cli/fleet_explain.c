/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_explain.c - what a fleet loses to which host, and as JSON */
#include "cli/fleet_explain.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/fleet.h"
#include "vmm/base/err.h"

#define JSON_VERSION 1 /* of the object that --json prints */

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

enum fleet_kind fleet_kind(const struct feature *f)
{
	switch (f->rule) {
	case RULE_AND:
	case RULE_OR:
	case RULE_CLEAR:
		return FLEET_FEATURE;
	case RULE_OLDEST:
	case RULE_BRAND:
		return FLEET_IDENTITY;
	default:
		return FLEET_NUMBER;
	}
}

/* ---- JSON ---- */

static const char *const kind_names[] = {
	[FLEET_FEATURE] = "feature",
	[FLEET_NUMBER] = "number",
	[FLEET_IDENTITY] = "identity",
};

static json_t *loss_json(
	const struct fleet_explanation *e, const struct fleet_loss *loss)
{
	json_t *hosts = json_array();

	for (unsigned i = 0; i < loss->lacking_count; i++)
		json_array_append_new(
			hosts, json_pack("{s:s, s:s}", "host",
				       e->members[loss->lacking[i]].name,
				       "layer", loss->layers[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:o}", "register",
		feature_row(loss->row)->name, "name", loss->feature->name,
		"kind", kind_names[fleet_kind(loss->feature)], "layer",
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
	output_put_json(json_pack("{s:i, s:o, s:o}", "version", JSON_VERSION,
				"losses", losses, "regained_without", gains),
		out);
}
