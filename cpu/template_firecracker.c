/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_firecracker.c - read Firecracker's custom CPU templates, and change a
 * CPU by one (Firecracker's docs/cpu_templates: cpu-templates.md, schema.json)
 */
#include "cpu/template_firecracker.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/document.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

/* What is being read, for the sentences and for the room that is left. */
struct reader {
	const char *origin;
	struct fc_modifier *modifier; /* FC_MODIFIERS_MAX of them */
	struct fc_template *t;
};

/* ---- values ---- */

/*
 * "0b" and up to `width` of 0, 1 and x, the highest bit first; "_" may stand
 * anywhere between them, and bits in front that are not given are x.
 */
static int parse_bitmap(const char *text, unsigned width, uint64_t *ret_mask,
	uint64_t *ret_value)
{
	uint64_t mask = 0, value = 0;
	unsigned bits = 0;

	if (strncmp(text, "0b", 2))
		return -EINVAL;
	for (text += 2; *text; text++) {
		if (*text == '_')
			continue;
		if (!strchr("01x", *text) || bits++ == width)
			return -EINVAL;
		mask = mask << 1 | (*text != 'x');
		value = value << 1 | (*text == '1');
	}
	*ret_mask = mask;
	*ret_value = value;
	return bits ? 0 : -EINVAL;
}

static int read_bitmap(const struct reader *r, const char *where,
	const json_t *object, unsigned width, struct fc_modifier *m)
{
	const char *text = json_string_value(json_object_get(object, "bitmap"));

	if (!parse_bitmap(text, width, &m->mask, &m->value))
		return 0;
	return document_refuse(r->origin, where,
		"bitmap: %s: expected 0b and up to %u of 0, 1 and x",
		text_shown(text).s, width);
}

static int read_number(const struct reader *r, const char *where,
	const json_t *object, const char *key, uint32_t *ret)
{
	uint64_t value;
	int rc = document_hex(r->origin, where, key,
		json_object_get(object, key), UINT32_MAX, &value);

	if (!rc)
		*ret = (uint32_t)value;
	return rc;
}

/* ---- modifiers ---- */

static bool same_register(
	const struct fc_modifier *a, const struct fc_modifier *b)
{
	return a->space == b->space && a->index == b->index &&
	       a->subleaf == b->subleaf && a->reg == b->reg;
}

static int append(
	struct reader *r, const char *where, const struct fc_modifier *m)
{
	for (unsigned i = 0; i < r->t->count; i++)
		if (same_register(&r->modifier[i], m))
			return document_refuse(r->origin, where,
				"this register is given twice");
	if (r->t->count == FC_MODIFIERS_MAX)
		return document_refuse(r->origin, where,
			"more than %u registers", FC_MODIFIERS_MAX);
	r->modifier[r->t->count++] = *m;
	return 0;
}

static int read_register(struct reader *r, const char *where,
	const json_t *object, struct fc_modifier *m)
{
	static const struct document_key keys[] = {
		{ "register", JSON_STRING, false },
		{ "bitmap", JSON_STRING, false },
	};
	static const char *const names[] = { "eax", "ebx", "ecx", "edx" };
	const char *name;
	int rc = document_check_keys(
		r->origin, where, object, keys, ARRAY_SIZE(keys));

	if (rc)
		return rc;
	name = json_string_value(json_object_get(object, "register"));
	for (m->reg = 0; m->reg < ARRAY_SIZE(names); m->reg++)
		if (!strcmp(names[m->reg], name))
			break;
	if (m->reg == ARRAY_SIZE(names))
		return document_refuse(r->origin, where,
			"register: %s: expected eax, ebx, ecx or edx",
			text_shown(name).s);
	rc = read_bitmap(r, where, object, 32, m);
	return rc ? rc : append(r, where, m);
}

static int read_leaf(struct reader *r, const char *where, const json_t *object)
{
	static const struct document_key keys[] = {
		{ "leaf", JSON_STRING, false },
		{ "subleaf", JSON_STRING, false },
		/* KVM's flags of the leaf: muster's tables know them. */
		{ "flags", JSON_INTEGER, false },
		{ "modifiers", JSON_ARRAY, false },
	};
	struct fc_modifier m = { .space = SPACE_CPUID };
	char inner[DOCUMENT_WHERE_MAX];
	const json_t *item;
	size_t i;
	int rc = document_check_keys(
		r->origin, where, object, keys, ARRAY_SIZE(keys));

	if (!rc)
		rc = read_number(r, where, object, "leaf", &m.index);
	if (!rc)
		rc = read_number(r, where, object, "subleaf", &m.subleaf);
	if (rc)
		return rc;
	json_array_foreach(json_object_get(object, "modifiers"), i, item)
	{
		snprintf(inner, sizeof(inner), "%s.modifiers[%zu]", where, i);
		rc = read_register(r, inner, item, &m);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_msr(struct reader *r, const char *where, const json_t *object)
{
	static const struct document_key keys[] = {
		{ "addr", JSON_STRING, false },
		{ "bitmap", JSON_STRING, false },
	};
	struct fc_modifier m = { .space = SPACE_MSR };
	int rc = document_check_keys(
		r->origin, where, object, keys, ARRAY_SIZE(keys));

	if (!rc)
		rc = read_number(r, where, object, "addr", &m.index);
	if (!rc)
		rc = read_bitmap(r, where, object, 64, &m);
	return rc ? rc : append(r, where, &m);
}

/*
 * "171" is a KVM_CAP_ number that the host must have.  "!56" takes away one of
 * Firecracker's own demands; muster has its own, which stay.
 */
static int read_capability(
	struct reader *r, const char *where, const json_t *value)
{
	const char *text = json_string_value(value);
	bool taken_away = text && *text == '!';
	char *end;
	unsigned long n;

	if (!text)
		return document_refuse(r->origin, where, "must be a string");
	text += taken_away;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n > INT_MAX)
		return document_refuse(r->origin, where,
			"%s: expected the number of a KVM capability",
			text_shown(text).s);
	if (taken_away)
		return 0;
	if (r->t->capability_count == FC_CAPABILITIES_MAX)
		return document_refuse(r->origin, where,
			"more than %u capabilities", FC_CAPABILITIES_MAX);
	r->t->capability[r->t->capability_count++] = (int)n;
	return 0;
}

/* ---- the document ---- */

static int read_all(struct reader *r, const json_t *root)
{
	static const struct {
		const char *key;
		int (*read)(struct reader *r, const char *where,
			const json_t *item);
	} lists[] = {
		{ "cpuid_modifiers", read_leaf },
		{ "msr_modifiers", read_msr },
		{ "kvm_capabilities", read_capability },
	};
	struct document_key keys[ARRAY_SIZE(lists)];
	int rc;

	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
		keys[i] = (struct document_key){ lists[i].key, JSON_ARRAY,
			true };
	rc = document_check_keys(r->origin, "", root, keys, ARRAY_SIZE(keys));
	for (unsigned i = 0; !rc && i < ARRAY_SIZE(lists); i++) {
		const json_t *list = json_object_get(root, lists[i].key);

		for (size_t n = 0; !rc && n < json_array_size(list); n++) {
			char where[DOCUMENT_WHERE_MAX];

			snprintf(where, sizeof(where), "%s[%zu]", lists[i].key,
				n);
			rc = lists[i].read(r, where, json_array_get(list, n));
		}
	}
	return rc;
}

int fc_parse(const char *origin, const void *json, size_t len,
	struct fc_template *ret)
{
	CLEANUP_FREE struct fc_modifier *modifier = calloc(
		FC_MODIFIERS_MAX, sizeof(*modifier));
	struct fc_template t = { 0 };
	struct reader r = { .origin = origin, .modifier = modifier, .t = &t };
	json_t *root;
	int rc;

	if (!modifier)
		return err_set(-ENOMEM, "no memory for %s", origin);
	rc = document_parse(origin, json, len, &root);
	if (rc)
		return rc;
	rc = read_all(&r, root);
	json_decref(root);
	if (rc)
		return rc;
	t.owned = steal_ptr(&modifier);
	t.modifier = t.owned;
	*ret = t;
	return 0;
}

void fc_fini(struct fc_template *t)
{
	free(t->owned);
	*t = (struct fc_template){ 0 };
}

/* ---- use ---- */

void fc_apply(const struct fc_template *t, struct cpu_set *set)
{
	for (unsigned i = 0; i < t->count; i++) {
		const struct fc_modifier *m = &t->modifier[i];
		int row = feature_find_row(m->space, m->index, m->subleaf,
			(enum feature_cpuid_reg)m->reg);
		uint64_t old;

		if (row < 0)
			continue;
		old = set->present[row] ? set->value[row] : 0;
		set->value[row] = (old & ~m->mask) | m->value;
		set->present[row] = true;
	}
}
