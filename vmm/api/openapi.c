/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openapi.c - GET /openapi.json: the table of resources, for clients to read
 *
 * Nothing is written down here that a row or a table of fields says: a new row is
 * in the document by itself.  OpenAPI 3.0, which every generator of clients knows.
 * `x-states` lists the states of the VM in which a request is taken.
 */
#include "vmm/api/openapi.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "vmm/api/resources.h"
#include "vmm/api/schema.h"

#define COMPONENT_NAME_MAX 64

static const char *const method_words[API_METHODS] = {
	[API_GET] = "get",
	[API_PUT] = "put",
	[API_PATCH] = "patch",
	[API_DELETE] = "delete",
};

/* Any request may be answered with one of these, and a sentence. */
static const struct fault {
	const char *status;
	const char *name;
	const char *help;
} faults[] = {
	{ "400", "refused", "Something is wrong; nothing has changed." },
	{ "408", "late", "The request did not come to its end in time." },
	{ "503", "full", "There are too many connections." },
};

/* ---- what has a name ---- */

/* Keep the schema by its name, which may have a slash there; refer to it. */
static json_t *name_schema(
	json_t *schemas, const char *name, const char *suffix, json_t *schema)
{
	char key[COMPONENT_NAME_MAX];

	snprintf(key, sizeof(key), "%s%s", name, suffix);
	for (char *c = key; (c = strchr(c, '/'));)
		*c = '-';
	json_object_set_new(schemas, key, schema);
	return json_pack("{s:s+}", "$ref", "#/components/schemas/", key);
}

static json_t *content(const char *media, json_t *schema)
{
	return json_pack("{s:{s:o}}", media ? media : "application/json",
		"schema", schema);
}

static json_t *fault_replies(json_t *schemas)
{
	json_t *replies = json_object();
	json_t *fault = name_schema(schemas, "fault", "",
		json_pack("{s:s, s:[s], s:{s:{s:s}}}", "type", "object",
			"required", "fault_message", "properties",
			"fault_message", "type", "string"));

	for (unsigned i = 0; i < ARRAY_SIZE(faults); i++)
		json_object_set_new(replies, faults[i].name,
			json_pack("{s:s, s:o}", "description", faults[i].help,
				"content", content(NULL, json_copy(fault))));
	json_decref(fault);
	return replies;
}

/* ---- one row ---- */

static json_t *request_schema(const struct route *route, json_t *schemas)
{
	const struct config_object *object = route->object;
	bool patch = route->body == PATCH_BODY;

	if (route->sent)
		return name_schema(schemas, route->sent->name, ".put",
			schema_of_shape(route->sent, SCHEMA_PATCH));
	if (!object)
		return json_pack("{s:s}", "type", "object");
	return name_schema(schemas, object->name, patch ? ".patch" : "",
		schema_of_object(object, patch ? SCHEMA_PATCH : SCHEMA_WHOLE));
}

static json_t *told_schema(const struct shape *shape, json_t *schemas)
{
	return name_schema(schemas,
		shape->object ? shape->object->name : shape->name, "",
		schema_of_shape(shape, SCHEMA_WHOLE));
}

static json_t *success(const struct route *route, json_t *schemas)
{
	const struct shape *shape = route->shape;

	if (!shape)
		return json_pack("{s:s}", "description", "It is done.");
	return json_pack("{s:s, s:o}", "description", "What was asked for.",
		"content", content(shape->media, told_schema(shape, schemas)));
}

static json_t *replies_of(const struct route *route, json_t *schemas)
{
	json_t *replies = json_object();

	json_object_set_new(
		replies, route->shape ? "200" : "204", success(route, schemas));
	for (unsigned i = 0; i < ARRAY_SIZE(faults); i++)
		json_object_set_new(replies, faults[i].status,
			json_pack("{s:s+}", "$ref", "#/components/responses/",
				faults[i].name));
	return replies;
}

static json_t *states_of(const struct route *route)
{
	json_t *names = json_array();

	for (unsigned i = 0; i < VM_STATES; i++)
		if (route->states & BIT(i))
			json_array_append_new(
				names, json_string(vm_state_names[i]));
	return names;
}

static json_t *operation(const struct route *route, json_t *schemas)
{
	json_t *root = json_pack("{s:o, s:o}", "x-states", states_of(route),
		"responses", replies_of(route, schemas));

	if (route->body != NO_BODY)
		json_object_set_new(root, "requestBody",
			json_pack("{s:b, s:o}", "required", 1, "content",
				content(NULL, request_schema(route, schemas))));
	return root;
}

/* ---- all rows ---- */

/* Of the resources' own names. */
static json_t *id_parameter(void)
{
	return json_pack("[{s:s, s:s, s:b, s:{s:s, s:s, s:i}}]", "name", "id",
		"in", "path", "required", 1, "schema", "type", "string",
		"pattern", "^[A-Za-z0-9_]+$", "maxLength", ROUTE_ID_MAX);
}

static json_t *path_item(json_t *paths, const char *path)
{
	json_t *item = json_object_get(paths, path);

	if (item)
		return item;
	item = json_object();
	if (strstr(path, ROUTE_ID))
		json_object_set_new(item, "parameters", id_parameter());
	json_object_set_new(paths, path, item);
	return item;
}

json_t *openapi_document(void)
{
	json_t *paths = json_object(), *schemas = json_object();
	json_t *replies = fault_replies(schemas);

	for (unsigned i = 0; i < routes_count; i++)
		if (routes[i].handle)
			json_object_set_new(path_item(paths, routes[i].path),
				method_words[routes[i].method],
				operation(&routes[i], schemas));
	return json_pack("{s:s, s:{s:s, s:s}, s:o, s:{s:o, s:o}}", "openapi",
		"3.0.3", "info", "title", "muster", "version", MUSTER_VERSION,
		"paths", paths, "components", "schemas", schemas, "responses",
		replies);
}

/* What it is made of is said elsewhere. */
static const struct shape_member openapi_members[] = {
	{ .name = "openapi", .type = SHAPE_STRING },
	{ .name = "info", .type = SHAPE_ANY },
	{ .name = "paths", .type = SHAPE_ANY },
	{ .name = "components", .type = SHAPE_ANY },
};

const struct shape openapi_shape = SHAPE("openapi", openapi_members);

int get_openapi(struct api *api, struct call *call, struct reply *reply)
{
	(void)api;
	(void)call;
	reply_json(reply, openapi_document());
	return 0;
}
