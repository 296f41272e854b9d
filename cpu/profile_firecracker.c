/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_firecracker.c - a Firecracker fingerprint as a profile
 *
 * `cpu-template-helper fingerprint dump` writes the CPUID and the MSRs that a
 * guest read on a host; they stand for what KVM offers there.  Registers that
 * muster has no row for are left out: the file lists guest state too.
 */
#include "cpu/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/document.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

#define GUEST "guest_cpu_config"

static const struct document_key file_keys[] = {
	{ "firecracker_version", JSON_STRING, true },
	{ "kernel_version", JSON_STRING, false },
	{ "microcode_version", JSON_STRING, true },
	{ "bios_version", JSON_STRING, true },
	{ "bios_revision", JSON_STRING, true },
	{ GUEST, JSON_OBJECT, false },
};

static const struct document_key guest_keys[] = {
	{ "kvm_capabilities", JSON_ARRAY, true },
	{ "cpuid_modifiers", JSON_ARRAY, false },
	{ "msr_modifiers", JSON_ARRAY, false },
};

static const struct document_key leaf_keys[] = {
	{ "leaf", JSON_STRING, false },
	{ "subleaf", JSON_STRING, false },
	{ "flags", JSON_INTEGER, false },
	{ "modifiers", JSON_ARRAY, false },
};

static const struct document_key register_keys[] = {
	{ "register", JSON_STRING, false },
	{ "bitmap", JSON_STRING, false },
};

static const struct document_key msr_keys[] = {
	{ "addr", JSON_STRING, false },
	{ "bitmap", JSON_STRING, false },
};

/* "0b" and exactly `width` digits. */
static int parse_bitmap(const char *origin, const char *where,
	const json_t *object, unsigned width, uint64_t *ret)
{
	const char *text = json_string_value(json_object_get(object, "bitmap"));
	uint64_t value = 0;

	if (strncmp(text, "0b", 2) || strlen(text) != 2 + width ||
		strspn(text + 2, "01") != width)
		return document_refuse(origin, where,
			"bitmap: %s: expected 0b and %u digits 0 or 1",
			text_shown(text).s, width);
	for (text += 2; *text; text++)
		value = value << 1 | (*text == '1');
	*ret = value;
	return 0;
}

static int find_register(const char *origin, const char *where,
	const json_t *object, enum feature_cpuid_reg *ret)
{
	static const char *const names[] = { "eax", "ebx", "ecx", "edx" };
	const char *name = json_string_value(
		json_object_get(object, "register"));

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name)) {
			*ret = i;
			return 0;
		}
	return document_refuse(origin, where,
		"register: %s: expected eax, ebx, ecx or edx",
		text_shown(name).s);
}

static int put_register(const char *origin, const char *where,
	const json_t *object, const uint64_t leaf[2], struct cpu_set *ret)
{
	uint32_t index = (uint32_t)leaf[0], subleaf = (uint32_t)leaf[1];
	enum feature_cpuid_reg reg = REG_EAX;
	uint64_t value;
	int row;
	int rc = document_check_keys(origin, where, object, register_keys,
		ARRAY_SIZE(register_keys));

	if (!rc)
		rc = find_register(origin, where, object, &reg);
	if (!rc)
		rc = parse_bitmap(origin, where, object, 32, &value);
	if (rc)
		return rc;
	row = feature_find_row(SPACE_CPUID, index, subleaf, reg);
	if (row < 0)
		return 0;
	if (ret->present[row])
		return document_refuse(
			origin, where, "leaf %#x: given twice", index);
	return cpu_set_put_cpuid(ret, index, subleaf, reg, (uint32_t)value);
}

static int put_leaf(const char *origin, const char *where, const json_t *object,
	struct cpu_set *ret)
{
	const json_t *list = json_object_get(object, "modifiers"), *item;
	uint64_t leaf[2];
	size_t i;
	int rc = document_check_keys(
		origin, where, object, leaf_keys, ARRAY_SIZE(leaf_keys));

	for (unsigned k = 0; k < ARRAY_SIZE(leaf) && !rc; k++)
		rc = document_hex(origin, where, leaf_keys[k].name,
			json_object_get(object, leaf_keys[k].name), UINT32_MAX,
			&leaf[k]);
	if (rc)
		return rc;
	json_array_foreach(list, i, item)
	{
		rc = put_register(origin, where, item, leaf, ret);
		if (rc)
			break;
	}
	return rc;
}

static int put_msr(const char *origin, const char *where, const json_t *object,
	struct cpu_set *ret)
{
	uint64_t msr, value;
	int row;
	int rc = document_check_keys(
		origin, where, object, msr_keys, ARRAY_SIZE(msr_keys));

	if (!rc)
		rc = document_hex(origin, where, "addr",
			json_object_get(object, "addr"), UINT32_MAX, &msr);
	if (!rc)
		rc = parse_bitmap(origin, where, object, 64, &value);
	if (rc)
		return rc;
	row = feature_find_row(SPACE_MSR, (uint32_t)msr, 0, 0);
	if (row < 0)
		return 0;
	if (ret->present[row])
		return document_refuse(
			origin, where, "MSR %#x: given twice", (uint32_t)msr);
	return cpu_set_put_msr(ret, (uint32_t)msr, value);
}

/* Give each object of the list named `key` to `put`. */
static int put_all(const char *origin, const json_t *guest, const char *key,
	int (*put)(
		const char *, const char *, const json_t *, struct cpu_set *),
	struct cpu_set *ret)
{
	char where[DOCUMENT_WHERE_MAX];
	const json_t *item;
	size_t i;
	int rc = 0;

	json_array_foreach(json_object_get(guest, key), i, item)
	{
		snprintf(where, sizeof(where), GUEST ".%s[%zu]", key, i);
		rc = json_is_object(item) ? put(origin, where, item, ret)
					  : document_refuse(origin, where,
						    "must be an object");
		if (rc)
			break;
	}
	return rc;
}

static int parse_guest(
	const char *origin, const json_t *guest, struct cpu_set *ret)
{
	char vendor[13];
	int rc = document_check_keys(
		origin, GUEST, guest, guest_keys, ARRAY_SIZE(guest_keys));

	if (!rc)
		rc = put_all(origin, guest, "cpuid_modifiers", put_leaf, ret);
	if (!rc)
		rc = put_all(origin, guest, "msr_modifiers", put_msr, ret);
	cpu_set_vendor(ret, vendor);
	if (!rc && !vendor[0])
		rc = document_refuse(origin, GUEST,
			"CPUID leaf 0x0: missing; it names the vendor");
	return rc;
}

/* The file's name without folder and ending, for want of the host's. */
static char *host_of(const char *origin)
{
	const char *slash = strrchr(origin, '/');
	const char *name = slash ? slash + 1 : origin;
	size_t len = strcspn(name, ".");

	return len ? strndup(name, MIN(len, PROFILE_TEXT_MAX))
		   : strdup("firecracker");
}

static int parse(const char *origin, const json_t *root, struct profile *ret)
{
	int rc = document_check_keys(
		origin, "", root, file_keys, ARRAY_SIZE(file_keys));

	if (!rc)
		rc = document_text(origin, "", "kernel_version",
			json_object_get(root, "kernel_version"),
			PROFILE_TEXT_MAX, &ret->kernel);
	if (!rc)
		rc = parse_guest(
			origin, json_object_get(root, GUEST), &ret->kvm);
	if (rc)
		return rc;
	ret->host = host_of(origin);
	return ret->host ? 0 : err_set(-ENOMEM, "no memory for %s", origin);
}

int profile_parse_firecracker(
	const char *origin, const void *json, size_t len, struct profile **ret)
{
	struct profile *p = calloc(1, sizeof(*p));
	json_t *root;
	int rc;

	if (!p)
		return err_set(-ENOMEM, "no memory for %s", origin);
	rc = document_parse(origin, json, len, &root);
	if (!rc) {
		rc = parse(origin, root, p);
		json_decref(root);
	}
	if (rc)
		profile_free(p);
	else
		*ret = p;
	return rc;
}

int profile_read_firecracker(const char *path, struct profile **ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc = document_load(path, &text);

	return rc ? rc
		  : profile_parse_firecracker(path, text.data, text.len, ret);
}
