/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_file.c - a whole VM as one JSON object: the requests that describe it
 *
 * The keys are those of GET /vm/config.  Each becomes the requests that a client
 * would send, and the last one starts the VM, so that a file can say no more and
 * no less than clients can.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/document.h"
#include "vmm/api/routes.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/config_json.h"

/* In the order of the requests; a list's items have their id in `id`. */
static const struct section {
	const char *key;
	const char *target;
	const char *id;
} sections[] = {
	{ "logger", "/logger", NULL },
	{ "metrics", "/metrics", NULL },
	{ "machine-config", "/machine-config", NULL },
	{ "cpu-config", "/cpu-config", NULL },
	{ "boot-source", "/boot-source", NULL },
	{ "drives", "/drives/", "drive_id" },
	{ "network-interfaces", "/network-interfaces/", "iface_id" },
	{ "pmem", "/pmem/", "id" },
	{ "vsock", "/vsock", NULL },
	{ "balloon", "/balloon", NULL },
	{ "entropy", "/entropy", NULL },
	{ "mmds-config", "/mmds/config", NULL },
	{ "memory-hotplug", "/hotplug/memory", NULL },
};

static int put(struct api *api, const char *target, const char *id, char *body)
{
	struct http_message request = {
		.method = API_PUT,
		.body = body,
		.body_bytes = body ? strlen(body) : 0,
	};
	CLEANUP(reply_fini) struct reply reply = REPLY_INIT;

	if (!body)
		return err_set(-ENOMEM, "no memory for a request");
	if (snprintf(request.target, sizeof(request.target), "%s%s", target,
		    id) > HTTP_TARGET_MAX)
		return err_set(-E2BIG, "%s: an id is too long", target);
	return routes_ask(api, &request, &reply);
}

static int put_item(
	struct api *api, const struct section *section, const json_t *item)
{
	CLEANUP_FREE char *body = json_dumps(
		item, JSON_COMPACT | JSON_ENCODE_ANY);
	const char *id = section->id ? json_string_value(json_object_get(
					       item, section->id))
				     : "";

	if (!id)
		return err_set(-EINVAL, "%s: %s: missing in an item",
			section->key, section->id);
	return put(api, section->target, id, body);
}

static int put_list(
	struct api *api, const struct section *section, const json_t *list)
{
	int rc = 0;

	if (!json_is_array(list))
		return err_set(-EINVAL, "%s: not an array", section->key);
	for (size_t i = 0; i < json_array_size(list) && !rc; i++)
		rc = put_item(api, section, json_array_get(list, i));
	return rc;
}

/* "cpu-config": "FILE" */
static int put_file(
	struct api *api, const struct section *section, const char *path)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc = document_load(path, &text);

	buf_u8(&text, '\0');
	if (rc)
		return err_wrap(rc, "%s", section->key);
	return put(api, section->target, "",
		text.failed ? NULL : (char *)text.data);
}

static int put_section(
	struct api *api, const struct section *section, const json_t *value)
{
	if (!value || json_is_null(value))
		return 0;
	if (section->id)
		return put_list(api, section, value);
	if (!strcmp(section->key, "cpu-config") && json_is_string(value))
		return put_file(api, section, json_string_value(value));
	return put_item(api, section, value);
}

int api_start_from(struct api *api, const char *text)
{
	char start[] = "{\"action_type\": \"InstanceStart\"}";
	json_auto_t *root = NULL;
	int rc = config_load_json(text, strlen(text), &root);

	for (size_t i = 0; i < ARRAY_SIZE(sections) && !rc; i++)
		rc = put_section(api, &sections[i],
			json_object_get(root, sections[i].key));
	return rc ? rc : put(api, "/actions", "", start);
}
