/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_explain.h - what a fleet loses to which host, in words and as JSON */
#ifndef MUSTER_CLI_FLEET_EXPLAIN_H
#define MUSTER_CLI_FLEET_EXPLAIN_H

#include "cpu/fleet.h"

/* A merge that went well, and what cpu/fleet.h has to say about it. */
struct fleet_explanation {
	const struct fleet_member *members;
	unsigned count;
	struct fleet_losses losses;
	struct fleet_gain *gains; /* of each member */
};

/* 0 or -errno with a sentence; *ret needs its fini in both cases. */
int fleet_explanation_make(const struct fleet_member *members, unsigned count,
	const struct fleet_wishes *wishes, const struct template *merged,
	struct fleet_explanation *ret);
void fleet_explanation_fini(struct fleet_explanation *e);

enum fleet_kind {
	FLEET_FEATURE,  /* programs look for it */
	FLEET_NUMBER,   /* a limit, a size */
	FLEET_IDENTITY, /* with others what a CPU is taken for: identity.h */
};

enum fleet_kind fleet_kind(const struct feature *f);

/* Each appends. */
void fleet_explanation_identity(
	const struct fleet_explanation *e, struct buf *out);
void fleet_explanation_text(const struct fleet_explanation *e, struct buf *out);
void fleet_explanation_json(const struct fleet_explanation *e, struct buf *out);

#endif
