/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_set_json.c - a CPU in a file */
#include "cpu/x86_64/cpu_set_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/document.h"
#include "vmm/base/text.h"

static const char *const reg_name[] = { "eax", "ebx", "ecx", "edx" };

/* ---- print ---- */

static int compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

/* CPUID by leaf, subleaf and register, then MSRs by number. */
static int compare_rows(const void *left, const void *right)
{
	const struct feature_reg *a = feature_row(*(const unsigned *)left);
	const struct feature_reg *b = feature_row(*(const unsigned *)right);
	int order = (b->space == SPACE_CPUID) - (a->space == SPACE_CPUID);

	if (!order)
		order = compare_u32(a->index, b->index);
	if (!order)
		order = compare_u32(a->subleaf, b->subleaf);
	return order ? order : (a->reg > b->reg) - (a->reg < b->reg);
}

/* The rows that are present, in the order of the file. */
static unsigned present_rows(
	const struct cpu_set *set, unsigned ret[FEATURE_ROWS_MAX])
{
	unsigned count = 0;

	for (unsigned row = 0; row < feature_rows(); row++)
		if (set->present[row])
			ret[count++] = row;
	qsort(ret, count, sizeof(*ret), compare_rows);
	return count;
}

static bool same_leaf(const struct feature_reg *a, const struct feature_reg *b)
{
	return b->space == SPACE_CPUID && a->index == b->index &&
	       a->subleaf == b->subleaf;
}

/* The registers of the leaf at rows[0]; returns how many. */
static unsigned print_leaf(const struct cpu_set *set, const unsigned *rows,
	unsigned count, struct buf *out)
{
	const struct feature_reg *first = feature_row(rows[0]);
	unsigned used = 0;

	buf_printf(out, "{\"leaf\": \"0x%x\", \"subleaf\": \"0x%x\"",
		first->index, first->subleaf);
	for (; used < count && same_leaf(first, feature_row(rows[used]));
		used++)
		buf_printf(out, ", \"%s\": \"0x%" PRIx64 "\"",
			reg_name[feature_row(rows[used])->reg],
			set->value[rows[used]]);
	buf_printf(out, "}");
	return used;
}

void cpu_set_print(
	const struct cpu_set *set, const char *indent, struct buf *out)
{
	unsigned rows[FEATURE_ROWS_MAX] = { 0 };
	unsigned count = present_rows(set, rows);
	const char *between = "";
	unsigned i = 0;

	buf_printf(out, "%s\"cpuid\": [", indent);
	while (i < count && feature_row(rows[i])->space == SPACE_CPUID) {
		buf_printf(out, "%s\n%s  ", between, indent);
		i += print_leaf(set, rows + i, count - i, out);
		between = ",";
	}
	buf_printf(out, "\n%s],\n%s\"msrs\": {", indent, indent);
	for (between = ""; i < count; i++, between = ",")
		buf_printf(out, "%s\n%s  \"0x%x\": \"0x%" PRIx64 "\"", between,
			indent, feature_row(rows[i])->index,
			set->value[rows[i]]);
	buf_printf(out, "\n%s}", indent);
}

/* ---- parse ---- */

static const struct document_key leaf_keys[] = {
	{ "leaf", JSON_STRING, false },
	{ "subleaf", JSON_STRING, false },
	{ "eax", JSON_STRING, true },
	{ "ebx", JSON_STRING, true },
	{ "ecx", JSON_STRING, true },
	{ "edx", JSON_STRING, true },
};

/* A register of a leaf: known, and not there before. */
static int put_register(const char *origin, const char *where,
	const uint64_t leaf[2], unsigned reg, uint64_t value,
	struct cpu_set *ret)
{
	int row = feature_find_row(
		SPACE_CPUID, (uint32_t)leaf[0], (uint32_t)leaf[1], reg);

	if (row < 0)
		return document_refuse(origin, where,
			"CPUID leaf 0x%" PRIx64 " subleaf 0x%" PRIx64
			" %s: no register that this muster knows",
			leaf[0], leaf[1], reg_name[reg]);
	if (ret->present[row])
		return document_refuse(origin, where,
			"CPUID leaf 0x%" PRIx64 " subleaf 0x%" PRIx64
			": given twice",
			leaf[0], leaf[1]);
	ret->value[row] = value;
	ret->present[row] = true;
	return 0;
}

static int parse_leaf(const char *origin, const char *where,
	const json_t *object, struct cpu_set *ret)
{
	uint64_t leaf[2], value;
	int rc = document_check_keys(
		origin, where, object, leaf_keys, ARRAY_SIZE(leaf_keys));

	for (unsigned i = 0; i < ARRAY_SIZE(leaf) && !rc; i++)
		rc = document_hex(origin, where, leaf_keys[i].name,
			json_object_get(object, leaf_keys[i].name), UINT32_MAX,
			&leaf[i]);
	for (unsigned reg = 0; reg < ARRAY_SIZE(reg_name) && !rc; reg++) {
		const json_t *text = json_object_get(object, reg_name[reg]);

		if (!text)
			continue;
		rc = document_hex(
			origin, where, reg_name[reg], text, UINT32_MAX, &value);
		if (!rc)
			rc = put_register(origin, where, leaf, reg, value, ret);
	}
	return rc;
}

static int parse_cpuid(const char *origin, const char *where,
	const json_t *list, struct cpu_set *ret)
{
	char place[DOCUMENT_WHERE_MAX];
	const json_t *item;
	size_t i;
	int rc = 0;

	json_array_foreach(list, i, item)
	{
		snprintf(place, sizeof(place), "%s%scpuid[%zu]", where,
			*where ? "." : "", i);
		if (!json_is_object(item))
			return document_refuse(
				origin, place, "must be an object");
		rc = parse_leaf(origin, place, item, ret);
		if (rc)
			break;
	}
	return rc;
}

static int parse_msr(const char *origin, const char *where, const char *key,
	const json_t *text, struct cpu_set *ret)
{
	json_t *number = json_string(key);
	uint64_t msr = 0;
	int rc = number ? document_hex(origin, where, "msrs", number,
				  UINT32_MAX, &msr)
			: -ENOMEM;
	int row;

	json_decref(number);
	if (rc)
		return rc;
	row = feature_find_row(SPACE_MSR, (uint32_t)msr, 0, 0);
	if (row < 0)
		return document_refuse(origin, where,
			"MSR %s: none that this muster knows",
			text_shown(key).s);
	/* "0x3a" and "0x3A" are two keys of one MSR. */
	if (ret->present[row])
		return document_refuse(
			origin, where, "MSR 0x%" PRIx64 ": given twice", msr);
	ret->present[row] = true;
	return document_hex(
		origin, where, key, text, UINT64_MAX, &ret->value[row]);
}

static int parse_msrs(const char *origin, const char *where, json_t *object,
	struct cpu_set *ret)
{
	const char *key;
	json_t *value;
	int rc = 0;

	json_object_foreach(object, key, value)
	{
		rc = parse_msr(origin, where, key, value, ret);
		if (rc)
			break;
	}
	return rc;
}

/* ---- what a register cannot know alone ---- */

static int check_vendor(
	const char *origin, const char *where, const struct cpu_set *set)
{
	int row = feature_find_row(SPACE_CPUID, 0, 0, REG_EBX);

	if (row < 0 || !set->present[row])
		return document_refuse(origin, where,
			"CPUID leaf 0x0: missing; it names the vendor");
	return 0;
}

static bool holds_controls(const struct feature_reg *reg)
{
	return reg->space == SPACE_CONTROL ||
	       (reg->space == SPACE_MSR && feature_default1(reg->index));
}

/* A control that must be 1 is one that may be 1 (SDM vol. 3, A.3.1). */
static int check_controls(
	const char *origin, const char *where, const struct cpu_set *set)
{
	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);
		uint32_t must = (uint32_t)set->value[row];
		uint32_t may = (uint32_t)(set->value[row] >> 32);
		const struct feature *f;
		unsigned bit;

		if (!holds_controls(reg) || !set->present[row] ||
			!(must & ~may))
			continue;
		bit = (unsigned)__builtin_ctz(must & ~may);
		f = feature_of_bit(row, bit);
		return document_refuse(origin, where,
			"%s: bit %u%s%s%s must be 1 and may not be 1; no CPU "
			"is so",
			reg->name, bit, f ? " (" : "", f ? f->name : "",
			f ? ")" : "");
	}
	return 0;
}

int cpu_set_parse(const char *origin, const char *where, const json_t *object,
	struct cpu_set *ret)
{
	struct cpu_set set = { 0 };
	int rc = parse_cpuid(
		origin, where, json_object_get(object, "cpuid"), &set);

	if (!rc)
		rc = parse_msrs(
			origin, where, json_object_get(object, "msrs"), &set);
	if (!rc)
		rc = check_vendor(origin, where, &set);
	if (!rc)
		rc = check_controls(origin, where, &set);
	if (!rc)
		*ret = set;
	return rc;
}
