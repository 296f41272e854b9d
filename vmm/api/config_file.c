/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_file.c - a whole VM as one JSON object: the requests that describe it
 *
 * The keys are those of GET /vm/config.  Each becomes the requests that a client
 * would send, and the last one starts the VM, so that a file, or PUT /config, can
 * say no more and no less than clients can.
 *
 * PUT /config describes the VM beside the one that is described, which it replaces
 * when everything has been taken.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/document.h"
#include "vmm/api/resources.h"
#include "vmm/api/words.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/config_json.h"

/* What a section describes. */
enum part {
	PART_PROCESS, /* which is there already */
	PART_VM,
	PARTS,
};

/* In the order of the requests; a list's items have their id in `id`. */
static const struct section {
	enum part part;
	const char *key;
	const char *target;
	const char *id;
} sections[] = {
	{ PART_PROCESS, "logger", "/logger", NULL },
	{ PART_PROCESS, "metrics", "/metrics", NULL },
	{ PART_VM, "machine-config", "/machine-config", NULL },
	{ PART_VM, "cpu-config", "/cpu-config", NULL },
	{ PART_VM, "microcode", "/microcode", NULL },
	{ PART_VM, "boot-source", "/boot-source", NULL },
	{ PART_VM, "drives", "/drives/", "drive_id" },
	{ PART_VM, "network-interfaces", "/network-interfaces/", "iface_id" },
	{ PART_VM, "pmem", "/pmem/", "id" },
	{ PART_VM, "vsock", "/vsock", NULL },
	{ PART_VM, "balloon", "/balloon", NULL },
	{ PART_VM, "entropy", "/entropy", NULL },
	{ PART_VM, "serial", "/serial", NULL },
	{ PART_VM, "mmds-config", "/mmds/config", NULL },
	{ PART_VM, "memory-hotplug", "/hotplug/memory", NULL },
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

	if (!id || (section->id && !*id))
		return err_set(-EINVAL, "%s: %s: missing in an item",
			section->key, section->id);
	return put(api, section->target, id, body);
}

static const json_t *id_of(
	const struct section *section, const json_t *list, size_t i)
{
	return json_object_get(json_array_get(list, i), section->id);
}

/* Of two requests the last one counts; of two items neither is meant to. */
static int check_id(
	const struct section *section, const json_t *list, size_t at)
{
	const json_t *id = id_of(section, list, at);

	for (size_t i = 0; i < at; i++)
		if (json_equal(id, id_of(section, list, i)))
			return err_set(-EINVAL,
				"%s[%zu]: %s: given to another one too",
				section->key, at, section->id);
	return 0;
}

/* It ends at the first that is refused, and there is not room for many. */
static int put_list(
	struct api *api, const struct section *section, const json_t *list)
{
	int rc = 0;

	if (!json_is_array(list))
		return err_set(-EINVAL, "%s: not an array", section->key);
	for (size_t i = 0; i < json_array_size(list) && !rc; i++) {
		rc = check_id(section, list, i);
		if (!rc)
			rc = put_item(api, section, json_array_get(list, i));
	}
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

static int put_sections(struct api *api, const json_t *root, enum part part)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sections) && !rc; i++)
		if (sections[i].part == part)
			rc = put_section(api, &sections[i],
				json_object_get(root, sections[i].key));
	return rc;
}

int api_start_from(struct api *api, const char *text)
{
	char start[] = "{\"action_type\": \"InstanceStart\"}";
	json_auto_t *root = NULL;
	int rc = config_load_json(text, strlen(text), &root);

	for (unsigned part = 0; part < PARTS && !rc; part++)
		rc = put_sections(api, root, (enum part)part);
	return rc ? rc : put(api, "/actions", "", start);
}

/* ---- PUT /config ---- */

#define START "start"

static bool is_section(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (!strcmp(sections[i].key, key))
			return true;
	return false;
}

static int check_keys(json_t *root)
{
	const json_t *start = json_object_get(root, START);
	const char *key;
	json_t *value;

	json_object_foreach(root, key, value)
	{
		if (is_section(key) || !strcmp(key, START))
			continue;
		return err_set(-EINVAL,
			"%s: unknown; give the keys of GET /vm/config, "
			"or " START,
			text_shown(key).s);
	}
	if (json_is_string(json_object_get(root, "cpu-config")))
		return err_set(-EINVAL,
			"cpu-config: only --config-file takes a path; give "
			"the template itself");
	if (start && !json_is_null(start) && !json_is_boolean(start))
		return err_set(-EINVAL,
			START ": has another type; give true or false");
	return 0;
}

/*
 * What the process has been told already is not told again: some of it is taken only
 * once, and an answer of GET /vm/config is to be good here.
 */
static void drop_known(const struct api *api, json_t *root)
{
	json_auto_t *known = json_object();

	observe_tell(&api->observe, known);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		const char *key = sections[i].key;
		json_t *value = json_object_get(root, key);

		if (sections[i].part == PART_PROCESS && value &&
			json_equal(value, json_object_get(known, key)))
			json_object_del(root, key);
	}
}

/* One without a kernel may be meant for later. */
static int finish(struct api *api, struct api *next, const json_t *root)
{
	bool starts = json_is_true(json_object_get(root, START));
	struct vm_config config = { 0 };
	int rc = 0;

	if (starts || next->draft.boot.kernel)
		rc = draft_compile(&next->draft, &config);
	if (!rc)
		rc = put_sections(api, root, PART_PROCESS);
	if (!rc && starts)
		rc = api_start(api, &config);
	vm_config_fini(&config);
	return words_for_clients(rc, words_of_boot);
}

static void swap_drafts(struct api *a, struct api *b)
{
	struct draft draft = a->draft;

	a->draft = b->draft;
	b->draft = draft;
}

int put_config(struct api *api, struct call *call, struct reply *reply)
{
	struct api next = *api;
	json_auto_t *root = NULL;
	int rc = draft_init(&next.draft);

	(void)reply;
	if (!rc)
		rc = config_load_json(
			call->request->body, call->request->body_bytes, &root);
	if (!rc)
		rc = check_keys(root);
	if (!rc)
		rc = put_sections(&next, root, PART_VM);
	if (!rc) {
		drop_known(api, root);
		rc = finish(api, &next, root);
	}
	if (!rc)
		swap_drafts(api, &next);
	draft_fini(&next.draft);
	return rc;
}
