/* SPDX-License-Identifier: Apache-2.0 */
/* drives.c - the requests about a drive, before and after the start */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vmm/api/resources.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

static_assert(sizeof(struct drive_body) <= ROUTE_BODY_BYTES, "as a body");
static_assert(
	sizeof(struct drive_change_body) <= ROUTE_BODY_BYTES, "as a body");

static int check_id(const char *id, const struct call *call)
{
	if (!strcmp(id, call->id))
		return 0;
	return err_set(-EINVAL, "drive_id %s: the path names %s; give the same",
		id, call->id);
}

int put_drive(struct api *api, struct call *call, struct reply *reply)
{
	struct drive_body *body = call->body;
	int rc = check_id(body->id, call);

	(void)reply;
	if (!rc)
		rc = api_check_file("path_on_host", body->path,
			body->readonly ? O_RDONLY : O_RDWR);
	if (!rc)
		rc = draft_put_drive(&api->draft, body);
	api->draft.begun |= !rc;
	return rc;
}

static int refuse_absent(const struct call *call)
{
	return err_set(-ENOENT, "drive_id %s: there is no such drive",
		text_shown(call->id).s);
}

int delete_drive(struct api *api, struct call *call, struct reply *reply)
{
	(void)reply;
	return draft_delete_drive(&api->draft, call->id) ? refuse_absent(call)
							 : 0;
}

static const struct rate *given_rate(const struct bucket_body *bucket)
{
	return bucket->given ? &bucket->rate : NULL;
}

/* What clients are told is changed with the VM, or neither is. */
int patch_drive(struct api *api, struct call *call, struct reply *reply)
{
	struct drive_change_body *body = call->body;
	struct drive_body *told = draft_find_drive(&api->draft, call->id);
	const struct limiter_body *limiter = &body->limiter;
	const struct vm_drive_change change = {
		.id = call->id,
		.path = body->path,
		.bandwidth = given_rate(&limiter->bandwidth),
		.ops = given_rate(&limiter->ops),
	};
	int rc = check_id(body->id, call);

	(void)reply;
	if (!rc && !told)
		rc = refuse_absent(call);
	if (!rc && !body->path && !limiter->given)
		rc = err_set(-EINVAL, "path_on_host: missing; give this, a "
				      "rate_limiter or both");
	if (!rc)
		rc = api->ops->change_drive(api->instance, &change);
	if (!rc)
		drive_body_change(told, body);
	return rc;
}
