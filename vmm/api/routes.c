/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes.c - from a request to its row of the table
 *
 * A row says method, path, the states in which it makes sense and the fields of its
 * body.  All of that is checked here, so that a handler only does its work.
 */
#include "vmm/api/routes.h"

#include <errno.h>
#include <string.h>

#include "vmm/api/resources.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/base/text.h"
#include "vmm/base/thread.h"

#define IS_ID "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

/*
 * A slash too many at the end is forgiven, as clients are used to.  *ret_id is what
 * stands for the {id}, up to the end of the target.
 */
static bool same_path(const char *target, const char *path, const char **ret_id)
{
	const char *id = strstr(path, ROUTE_ID);
	size_t fixed = id ? (size_t)(id - path) : strlen(path);
	size_t len = strlen(target);

	while (len > 1 && target[len - 1] == '/')
		len--;
	if (len < fixed || memcmp(target, path, fixed))
		return false;
	*ret_id = target + fixed;
	if (!id)
		return len == fixed;
	return len > fixed && !memchr(*ret_id, '/', len - fixed);
}

static int copy_id(const char *from, char ret[ROUTE_ID_MAX + 1])
{
	size_t len = strcspn(from, "/");

	if (len > ROUTE_ID_MAX || strspn(from, IS_ID) < len)
		return err_set(-EINVAL,
			"an id is 1 to %d letters, digits or '_'",
			ROUTE_ID_MAX);
	memcpy(ret, from, len);
	ret[len] = '\0';
	return 0;
}

static int refuse_method(const struct http_message *request)
{
	CLEANUP(buf_fini) struct buf known = BUF_INIT;
	const char *id;

	for (unsigned i = 0; i < routes_count; i++)
		if (same_path(request->target, routes[i].path, &id))
			buf_printf(&known, "%s%s", known.len ? ", " : "",
				api_method_names[routes[i].method]);
	if (!known.len)
		return err_set(-ENOENT, "there is no such resource");
	buf_u8(&known, '\0');
	return known.failed ? -ENOMEM
			    : err_set(-ENOTSUP, "this resource takes %s",
				      (char *)known.data);
}

static const struct route *find(
	const struct http_message *request, const char **ret_id)
{
	for (unsigned i = 0; i < routes_count; i++)
		if (routes[i].method == request->method &&
			same_path(request->target, routes[i].path, ret_id))
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

	api->ops->status(api->instance, &status);
	if (route->states & BIT(status.state))
		return 0;
	return err_set(-EBUSY, "not possible while the VM is %s",
		state_words[status.state]);
}

static int read_body(const struct route *route,
	const struct http_message *request, void *body)
{
	if (route->body == NO_BODY)
		return request->body_bytes
			       ? err_set(-EINVAL, "this takes no body")
			       : 0;
	if (!request->body_bytes && request->method != API_GET &&
		request->method != API_DELETE)
		return err_set(-EINVAL, "the body is missing; give a JSON "
					"object");
	return route->body == BODY
		       ? config_parse_json(route->object, request->body,
				 request->body_bytes, body)
		       : 0;
}

static int serve(struct api *api, const struct route *route, const char *id,
	const struct http_message *request, struct reply *reply)
{
	_Alignas(max_align_t) uint8_t body[ROUTE_BODY_BYTES] = { 0 };
	char id_text[ROUTE_ID_MAX + 1];
	struct call call = { .request = request, .id = id_text, .body = body };
	int rc;

	if (!route->handle)
		return err_set(-ENOTSUP,
			"this version does not have it; leave it out");
	rc = copy_id(id, id_text);
	if (!rc)
		rc = check_state(api, route);
	if (!rc)
		rc = read_body(route, request, body);
	if (rc)
		return rc;
	rc = route->handle(api, &call, reply);
	if (route->object)
		config_fini(route->object, body);
	return rc;
}

static int dispatch(struct api *api, const struct http_message *request,
	struct reply *reply)
{
	const char *id;
	const struct route *route = find(request, &id);
	int rc;

	if (!route)
		return refuse_method(request);
	rc = serve(api, route, id, request, reply);
	tally_add(&api->tally, route, rc);
	return rc;
}

int routes_ask(struct api *api, const struct http_message *request,
	struct reply *reply)
{
	int rc;

	err_clear();
	rc = dispatch(api, request, reply);
	return rc ? err_wrap(rc, "%s %s", api_method_names[request->method],
			    text_shown(request->target).s)
		  : 0;
}

void routes_handle(
	void *api, const struct http_message *request, struct reply *reply)
{
	uint64_t began = now_ns();
	int rc = routes_ask(api, request, reply);

	if (rc) {
		log_info("%s", err_describe(rc));
		reply_fault(reply, STATUS_BAD_REQUEST, err_describe(rc));
	}
	tally_time(began, reply->deprecated);
}
