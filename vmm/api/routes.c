/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes.c - the resources of the API
 *
 * A route is a row: method, path, the states in which it makes sense, its body as a
 * table of fields, and a function that gets the body as a struct.  What a row
 * says is checked here, so that a handler only does its work.
 */
#include "vmm/api/routes.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "config.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/config_field.h"
#include "vmm/pause.h"

#define STARTED   (BIT(VM_RUNNING) | BIT(VM_PAUSED))
#define ANY_STATE (BIT(VM_NOT_STARTED) | STARTED)

/* ---- GET / ---- */

static int get_instance(
	const struct api *api, const void *body, struct reply *reply)
{
	struct vm_status status;

	(void)body;
	api->ops->status(api->vm, &status);
	reply_json(reply,
		json_pack("{s:s, s:s, s:s, s:s}", "id", "anonymous-instance",
			"state", vm_state_names[status.state], "vmm_version",
			MUSTER_VERSION, "app_name", "muster"));
	return 0;
}

/* ---- /vm ---- */

static const char *const owner_names[] = {
	[PAUSE_USER] = "user",
	[PAUSE_SNAPSHOT] = "snapshot",
	[PAUSE_MICROCODE] = "microcode",
};

static json_t *owners_json(unsigned owners)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < ARRAY_SIZE(owner_names); i++)
		if (owners & BIT(i))
			json_array_append_new(
				list, json_string(owner_names[i]));
	return list;
}

static int get_vm(const struct api *api, const void *body, struct reply *reply)
{
	struct vm_status status;

	(void)body;
	api->ops->status(api->vm, &status);
	reply_json(reply,
		json_pack("{s:s, s:o}", "state", vm_state_names[status.state],
			"held_by", owners_json(status.owners)));
	return 0;
}

enum vm_wish { WISH_PAUSED, WISH_RESUMED };

struct vm_body {
	unsigned state; /* enum vm_wish */
};

static const struct config_choice vm_wishes[] = {
	[WISH_PAUSED] = { "Paused", NULL },
	[WISH_RESUMED] = { "Resumed", NULL },
	{ NULL, NULL },
};

static const struct config_field vm_fields[] = {
	{
		.name = "state",
		.type = CONFIG_CHOICE,
		.required = true,
		.offset = CONFIG_AT(struct vm_body, state, unsigned),
		.choices = vm_wishes,
		.help = "Paused or Resumed",
	},
};

static const struct config_object vm_body_object = {
	.name = "vm",
	.fields = vm_fields,
	.count = ARRAY_SIZE(vm_fields),
	.size_bytes = sizeof(struct vm_body),
};

static int patch_vm(
	const struct api *api, const void *body, struct reply *reply)
{
	const struct vm_body *wish = body;

	(void)reply;
	return wish->state == WISH_PAUSED ? api->ops->pause(api->vm)
					  : api->ops->resume(api->vm);
}

/* ---- the table ---- */

struct route {
	enum api_method method;
	const char *path;
	unsigned states;                  /* BIT(enum vm_state) of all */
	const struct config_object *body; /* NULL: the request has none */
	/* 0, or -errno with a sentence. */
	int (*handle)(
		const struct api *api, const void *body, struct reply *reply);
};

/* Room for the body of any of them. */
union route_body {
	struct vm_body vm;
};

static const struct route routes[] = {
	{ API_GET, "/", ANY_STATE, NULL, get_instance },
	{ API_GET, "/vm", ANY_STATE, NULL, get_vm },
	{ API_PATCH, "/vm", STARTED, &vm_body_object, patch_vm },
};

/* ---- from a request to its row ---- */

/* A slash too many at the end is forgiven, as clients are used to. */
static bool same_path(const char *target, const char *path)
{
	size_t len = strlen(target);

	while (len > 1 && target[len - 1] == '/')
		len--;
	return strlen(path) == len && !memcmp(target, path, len);
}

static int refuse_method(const struct http_message *request)
{
	CLEANUP(buf_fini) struct buf known = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (same_path(request->target, routes[i].path))
			buf_printf(&known, "%s%s", known.len ? ", " : "",
				api_method_names[routes[i].method]);
	if (!known.len)
		return err_set(-ENOENT, "there is no such resource");
	buf_u8(&known, '\0');
	return known.failed ? -ENOMEM
			    : err_set(-ENOTSUP, "this resource takes %s",
				      (char *)known.data);
}

static const struct route *find(const struct http_message *request)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (routes[i].method == request->method &&
			same_path(request->target, routes[i].path))
			return &routes[i];
	return NULL;
}

static const char *const state_words[VM_STATES] = {
	[VM_NOT_STARTED] = "not started",
	[VM_RUNNING] = "running",
	[VM_PAUSED] = "paused",
};

static int check_state(const struct api *api, const struct route *route)
{
	struct vm_status status;

	api->ops->status(api->vm, &status);
	if (route->states & BIT(status.state))
		return 0;
	return err_set(-EBUSY, "not possible while the VM is %s",
		state_words[status.state]);
}

static int read_body(const struct route *route,
	const struct http_message *request, union route_body *body)
{
	*body = (union route_body){ 0 };
	if (!route->body)
		return request->body_bytes
			       ? err_set(-EINVAL, "this takes no body")
			       : 0;
	if (!request->body_bytes)
		return err_set(-EINVAL, "the body is missing; give a JSON "
					"object");
	return config_parse_json(
		route->body, request->body, request->body_bytes, body);
}

static int dispatch(const struct api *api, const struct http_message *request,
	struct reply *reply)
{
	const struct route *route = find(request);
	union route_body body;
	int rc;

	if (!route)
		return refuse_method(request);
	rc = check_state(api, route);
	if (!rc)
		rc = read_body(route, request, &body);
	if (rc)
		return rc;
	rc = route->handle(api, &body, reply);
	if (route->body)
		config_fini(route->body, &body);
	return rc;
}

void routes_handle(
	void *api, const struct http_message *request, struct reply *reply)
{
	int rc;

	err_clear();
	rc = dispatch(api, request, reply);
	if (!rc)
		return;
	rc = err_wrap(rc, "%s %s", api_method_names[request->method],
		text_shown(request->target).s);
	reply_fault(reply, STATUS_BAD_REQUEST, err_describe(rc));
}
