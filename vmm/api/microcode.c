/* SPDX-License-Identifier: Apache-2.0 */
/* microcode.c - PUT /microcode/prepare, hold, release: a coordinator's requests */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "vmm/api/resources.h"
#include "vmm/base/err.h"
#include "vmm/guest_ucode.h"
#include "vmm/microcode.h"
#include "vmm/ucode_spool.h"

struct lease_body {
	char *coordinator;
	uint64_t lease_ms;
	uint64_t until_ms;
	unsigned revision;
	bool fits;
};

static_assert(sizeof(struct lease_body) <= ROUTE_BODY_BYTES, "as a body");

#define COORDINATOR                                                           \
	{                                                                     \
		.name = "coordinator", .type = CONFIG_NAME, .required = true, \
		.offset = CONFIG_AT(struct lease_body, coordinator, char *),  \
		.min = 1, .max = MICROCODE_NAME_MAX,                          \
		.help = "who asks; another one is refused meanwhile",         \
	}

#define LEASE                                                                \
	{                                                                    \
		.name = "lease", .type = CONFIG_DURATION,                    \
		.offset = CONFIG_AT(struct lease_body, lease_ms, uint64_t),  \
		.min = LEASE_MS_MIN, .max = LEASE_MS_MAX, .fallback = "5s",  \
		.help = "if nothing is heard for this long, the VM goes on", \
	}

/* Some 30 years of uptime. */
#define UNTIL_MS_MAX (BIT64(40))

static const struct config_field prepare_fields[] = { COORDINATOR, LEASE };

static const struct config_field hold_fields[] = {
	COORDINATOR,
	LEASE,
	{
		.name = "until",
		.type = CONFIG_DURATION,
		.required = true,
		.offset = CONFIG_AT(struct lease_body, until_ms, uint64_t),
		.max = UNTIL_MS_MAX,
		.help = "the host's CLOCK_MONOTONIC by which the VM is held, "
			"or goes on: 123456ms",
	},
};

static const struct config_field release_fields[] = {
	COORDINATOR,
	{
		.name = "revision",
		.type = CONFIG_UNSIGNED,
		.offset = CONFIG_AT(struct lease_body, revision, unsigned),
		.max = UINT32_MAX,
		.help = "what all CPUs of the host run now; 0: as before",
	},
	{
		.name = "fits",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct lease_body, fits, bool),
		.fallback = "on",
		.help = "this host can still show the guest's CPU",
	},
};

#define OBJECT(label, table)                             \
	{                                                \
		.name = (label), .fields = (table),      \
		.count = ARRAY_SIZE(table),              \
		.size_bytes = sizeof(struct lease_body), \
	}

const struct config_object prepare_body_object = OBJECT(
	"microcode/prepare", prepare_fields);
const struct config_object hold_body_object = OBJECT(
	"microcode/hold", hold_fields);
const struct config_object release_body_object = OBJECT(
	"microcode/release", release_fields);

static const struct shape_member answer_members[] = {
	{ .name = "state",
		.type = SHAPE_STRING,
		.words = vm_state_names,
		.word_count = VM_STATES },
	{ .name = "revision", .type = SHAPE_STRING },
	{ .name = "now_ns", .type = SHAPE_INTEGER },
	{ .name = "held_ns", .type = SHAPE_INTEGER },
	{ .name = "released_ns", .type = SHAPE_INTEGER },
};

const struct shape microcode_shape = SHAPE("microcode", answer_members);

/* ---- before the start ---- */

static_assert(sizeof(struct microcode_body) <= ROUTE_BODY_BYTES, "as a body");

int put_microcode(struct api *api, struct call *call, struct reply *reply)
{
	struct microcode_body *body = call->body;
	struct draft *draft = &api->draft;
	int rc = 0;

	(void)reply;
	if (body->spool && body->guest != GUEST_UCODE_STAGE)
		return err_set(-EINVAL,
			"spool_path: nothing would be put there; guest must "
			"be stage");
	if (body->spool)
		rc = ucode_spool_check("spool_path", body->spool);
	if (rc)
		return rc;
	config_fini(&microcode_body_object, &draft->microcode);
	draft->microcode = *body;
	draft->begun = true;
	*body = (struct microcode_body){ 0 };
	return 0;
}

/* ---- leases ---- */

static void answer_of(struct api *api, const struct microcode_answer *answer,
	struct reply *reply)
{
	struct vm_status status;
	char revision[16];

	snprintf(revision, sizeof(revision), "0x%x", answer->revision);
	api->ops->status(api->instance, &status);
	reply_json(
		reply, json_pack("{s:s, s:s, s:I, s:I, s:I}", "state",
			       vm_state_names[status.state], "revision",
			       revision, "now_ns", (json_int_t)answer->now_ns,
			       "held_ns", (json_int_t)answer->held_ns,
			       "released_ns", (json_int_t)answer->released_ns));
}

static int ask(struct api *api, struct call *call, struct reply *reply,
	enum microcode_step step)
{
	const struct lease_body *body = call->body;
	const struct microcode_wish wish = {
		.coordinator = body->coordinator,
		.lease_ms = body->lease_ms,
		.until_ms = body->until_ms,
		.revision = body->revision,
		.fits = body->fits,
	};
	struct microcode_answer answer;
	int rc = api->ops->microcode[step](api->instance, &wish, &answer);

	if (!rc)
		answer_of(api, &answer, reply);
	return rc;
}

int put_prepare(struct api *api, struct call *call, struct reply *reply)
{
	return ask(api, call, reply, MICROCODE_PREPARE);
}

int put_hold(struct api *api, struct call *call, struct reply *reply)
{
	return ask(api, call, reply, MICROCODE_HOLD);
}

int put_release(struct api *api, struct call *call, struct reply *reply)
{
	return ask(api, call, reply, MICROCODE_RELEASE);
}
