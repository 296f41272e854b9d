/* SPDX-License-Identifier: Apache-2.0 */
/* profile.c - what one host offers, from and to its file */
#include "cpu/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/document.h"
#include "cpu/x86_64/cpu_set_json.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

static const struct document_key profile_keys[] = {
	{ "format", JSON_STRING, false },
	{ "version", JSON_INTEGER, false },
	{ "host", JSON_STRING, false },
	{ "kernel", JSON_STRING, false },
	{ "tsc_khz", JSON_INTEGER, false },
	{ "tsc_scaling", JSON_TRUE, false },
	{ "params", JSON_OBJECT, false },
	{ "kvm", JSON_OBJECT, false },
	{ "groups", JSON_ARRAY, false },
};

static const struct document_key kvm_keys[] = {
	{ "cpuid", JSON_ARRAY, false },
	{ "msrs", JSON_OBJECT, false },
};

static const struct document_key group_keys[] = {
	{ "cpus", JSON_STRING, false },
	{ "microcode", JSON_STRING, false },
	{ "msrs_known", JSON_TRUE, false },
	{ "cpuid", JSON_ARRAY, false },
	{ "msrs", JSON_OBJECT, false },
};

struct profile *profile_free(struct profile *profile)
{
	if (!profile)
		return NULL;
	free(profile->host);
	free(profile->kernel);
	free(profile->groups);
	for (unsigned i = 0; i < profile->param_count; i++) {
		free(profile->params[i].name);
		free(profile->params[i].value);
	}
	free(profile);
	return NULL;
}

static void cleanup_profile(struct profile **profile)
{
	profile_free(*profile);
}

/* ---- parse ---- */

static int parse_head(const char *origin, const json_t *root, struct profile *p)
{
	json_int_t khz = json_integer_value(json_object_get(root, "tsc_khz"));
	int rc = document_text(origin, "", "host",
		json_object_get(root, "host"), PROFILE_TEXT_MAX, &p->host);

	if (!rc)
		rc = document_text(origin, "", "kernel",
			json_object_get(root, "kernel"), PROFILE_TEXT_MAX,
			&p->kernel);
	if (!rc && (khz < 0 || khz > UINT32_MAX))
		rc = document_refuse(origin, "",
			"tsc_khz: %lld: must be 0 to %u", (long long)khz,
			UINT32_MAX);
	p->tsc_khz = (uint64_t)khz;
	p->tsc_scaling = json_is_true(json_object_get(root, "tsc_scaling"));
	return rc;
}

static int parse_param(const char *origin, const char *name,
	const json_t *value, struct profile *p)
{
	struct profile_param *param = &p->params[p->param_count];
	json_t *key = json_string(name);
	int rc;

	if (!key)
		return err_set(-ENOMEM, "no memory for %s", origin);
	if (p->param_count == PROFILE_PARAMS_MAX) {
		rc = document_refuse(
			origin, "params", "more than %d", PROFILE_PARAMS_MAX);
	} else {
		p->param_count++;
		rc = document_text(origin, "params", name, key,
			PROFILE_TEXT_MAX, &param->name);
	}
	json_decref(key);
	if (rc)
		return rc;
	return document_text(
		origin, "params", name, value, PROFILE_TEXT_MAX, &param->value);
}

static int parse_params(
	const char *origin, const json_t *object, struct profile *p)
{
	const char *name;
	json_t *value;
	int rc = 0;

	json_object_foreach((json_t *)object, name, value)
	{
		rc = parse_param(origin, name, value, p);
		if (rc)
			break;
	}
	return rc;
}

static int parse_cpus(const char *origin, const char *where,
	const json_t *group, struct cpu_list *ret)
{
	const char *text = json_string_value(json_object_get(group, "cpus"));

	if (cpu_list_parse(text, ret))
		return document_refuse(origin, where,
			"cpus: %s: no list of CPUs; expected \"0-63,128\", "
			"ascending and below %d",
			text_shown(text).s, CPU_LIST_MAX);
	return 0;
}

/* Neither CPUs that an earlier group has, nor another vendor than KVM's. */
static int check_group(const char *origin, const char *where,
	const struct profile *p, const struct profile_group *group)
{
	char mine[13], kvm[13];

	for (const struct profile_group *g = p->groups; g < group; g++)
		if (cpu_list_overlaps(&g->cpus, &group->cpus))
			return document_refuse(origin, where,
				"cpus: one of them is in an earlier group too");
	cpu_set_vendor(&group->silicon, mine);
	cpu_set_vendor(&p->kvm, kvm);
	if (memcmp(mine, kvm, sizeof(mine)))
		return document_refuse(origin, where,
			"vendor %s, and KVM's is %s; one host has one vendor",
			text_shown(mine).s, text_shown(kvm).s);
	return 0;
}

static int parse_group(const char *origin, const char *where,
	const json_t *object, struct profile *p)
{
	struct profile_group *group = &p->groups[p->group_count];
	int rc = document_check_keys(
		origin, where, object, group_keys, ARRAY_SIZE(group_keys));

	if (!rc)
		rc = parse_cpus(origin, where, object, &group->cpus);
	if (!rc)
		rc = document_hex(origin, where, "microcode",
			json_object_get(object, "microcode"), UINT32_MAX,
			&group->microcode);
	if (!rc)
		rc = cpu_set_parse(origin, where, object, &group->silicon);
	if (!rc)
		rc = check_group(origin, where, p, group);
	group->msrs_known = json_is_true(json_object_get(object, "msrs_known"));
	p->group_count += !rc;
	return rc;
}

static int parse_groups(
	const char *origin, const json_t *list, struct profile *p)
{
	char where[DOCUMENT_WHERE_MAX];
	const json_t *item;
	size_t i;
	int rc = 0;

	if (json_array_size(list) > PROFILE_GROUPS_MAX)
		return document_refuse(
			origin, "groups", "more than %d", PROFILE_GROUPS_MAX);
	p->groups = calloc(json_array_size(list) + 1, sizeof(*p->groups));
	if (!p->groups)
		return err_set(-ENOMEM, "no memory for %s", origin);
	json_array_foreach(list, i, item)
	{
		snprintf(where, sizeof(where), "groups[%zu]", i);
		rc = json_is_object(item) ? parse_group(origin, where, item, p)
					  : document_refuse(origin, where,
						    "must be an object");
		if (rc)
			break;
	}
	return rc;
}

static int parse_kvm(
	const char *origin, const json_t *object, struct profile *p)
{
	int rc = document_check_keys(
		origin, "kvm", object, kvm_keys, ARRAY_SIZE(kvm_keys));

	return rc ? rc : cpu_set_parse(origin, "kvm", object, &p->kvm);
}

int profile_parse_json(
	const char *origin, const json_t *root, struct profile **ret)
{
	CLEANUP(cleanup_profile) struct profile *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return err_set(-ENOMEM, "no memory for %s", origin);
	rc = document_check_format(
		origin, root, PROFILE_FORMAT, PROFILE_VERSION);
	if (!rc)
		rc = document_check_keys(origin, "", root, profile_keys,
			ARRAY_SIZE(profile_keys));
	if (!rc)
		rc = parse_head(origin, root, p);
	if (!rc)
		rc = parse_params(origin, json_object_get(root, "params"), p);
	if (!rc)
		rc = parse_kvm(origin, json_object_get(root, "kvm"), p);
	if (!rc)
		rc = parse_groups(origin, json_object_get(root, "groups"), p);
	if (!rc)
		*ret = steal_ptr(&p);
	return rc;
}

int profile_parse(
	const char *origin, const void *json, size_t len, struct profile **ret)
{
	json_t *root;
	int rc = document_parse(origin, json, len, &root);

	if (rc)
		return rc;
	rc = profile_parse_json(origin, root, ret);
	json_decref(root);
	return rc;
}

int profile_read(const char *path, struct profile **ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc = document_load(path, &text);

	return rc ? rc : profile_parse(path, text.data, text.len, ret);
}

/* ---- print ---- */

static void print_params(const struct profile *p, struct buf *out)
{
	buf_printf(out, "  \"params\": {");
	for (unsigned i = 0; i < p->param_count; i++) {
		buf_printf(out, "%s\n    ", i ? "," : "");
		document_print_text(p->params[i].name, out);
		buf_printf(out, ": ");
		document_print_text(p->params[i].value, out);
	}
	buf_printf(out, "\n  },\n");
}

static void print_group(const struct profile_group *group, struct buf *out)
{
	buf_printf(out, "    {\n      \"cpus\": \"");
	cpu_list_print(&group->cpus, out);
	buf_printf(out,
		"\",\n"
		"      \"microcode\": \"0x%" PRIx64 "\",\n"
		"      \"msrs_known\": %s,\n",
		group->microcode, group->msrs_known ? "true" : "false");
	cpu_set_print(&group->silicon, "      ", out);
	buf_printf(out, "\n    }");
}

void profile_print(const struct profile *p, struct buf *out)
{
	buf_printf(out,
		"{\n"
		"  \"format\": \"" PROFILE_FORMAT "\",\n"
		"  \"version\": %d,\n"
		"  \"host\": ",
		PROFILE_VERSION);
	document_print_text(p->host, out);
	buf_printf(out, ",\n  \"kernel\": ");
	document_print_text(p->kernel, out);
	buf_printf(out,
		",\n"
		"  \"tsc_khz\": %" PRIu64 ",\n"
		"  \"tsc_scaling\": %s,\n",
		p->tsc_khz, p->tsc_scaling ? "true" : "false");
	print_params(p, out);
	buf_printf(out, "  \"kvm\": {\n");
	cpu_set_print(&p->kvm, "    ", out);
	buf_printf(out, "\n  },\n  \"groups\": [");
	for (unsigned i = 0; i < p->group_count; i++) {
		buf_printf(out, "%s\n", i ? "," : "");
		print_group(&p->groups[i], out);
	}
	buf_printf(out, "\n  ]\n}\n");
}
