/* SPDX-License-Identifier: Apache-2.0 */
/* template.c - the CPU that every guest of a fleet sees, from and to its file */
#include "cpu/template.h"

#include <inttypes.h>

#include "cpu/document.h"
#include "cpu/fleet.h"
#include "cpu/x86_64/cpu_set_json.h"
#include "vmm/base/cleanup.h"

static const struct document_key keys[] = {
	{ "format", JSON_STRING, false },
	{ "version", JSON_INTEGER, false },
	{ "tsc_khz", JSON_INTEGER, false },
	{ "tsc_scaling", JSON_TRUE, false },
	{ "cpuid", JSON_ARRAY, false },
	{ "msrs", JSON_OBJECT, false },
};

/* Every bit that is 1 has a name, and is one that guests may have. */
static int check_bits(const char *origin, const struct cpu_set *cpu)
{
	for (unsigned row = 0; row < feature_rows(); row++)
		for (uint64_t left = cpu->value[row]; left; left &= left - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(left);
			const struct feature *f = feature_of_bit(row, bit);

			if (f && f->rule != RULE_HIDE)
				continue;
			if (feature_row(row)->space == SPACE_CONTROL)
				bit %= 32;
			return document_refuse(origin, "",
				"%s: bit %u%s%s%s is 1; guests never have it",
				feature_row(row)->name, bit, f ? " (" : "",
				f ? f->name : "", f ? ")" : "");
		}
	return 0;
}

/*
 * Also what depends on each other agrees, nothing that is derived says otherwise, and
 * nothing is there that each machine decides: else merging and checking would pass
 * over it, and only the start of a guest refuse it.
 */
static int check_coherent(const char *origin, const struct cpu_set *cpu)
{
	struct cpu_set closed = *cpu;

	cpu_set_close(&closed);
	for (unsigned row = 0; row < feature_rows(); row++) {
		const char *name = feature_row(row)->name;

		if (cpu->present[row] && !closed.present[row])
			return document_refuse(origin, "",
				"%s: the rest of this CPU leaves no room for "
				"it; leave features out with `muster fleet "
				"merge --without`",
				name);
		if (cpu->present[row] && cpu->value[row] != closed.value[row])
			return document_refuse(origin, "",
				"%s: is 0x%" PRIx64
				", and the rest of this CPU makes it 0x%" PRIx64
				"; leave features out with `muster fleet merge "
				"--without`",
				name, cpu->value[row], closed.value[row]);
	}
	return 0;
}

int template_parse_json(
	const char *origin, const json_t *root, struct template *ret)
{
	json_int_t khz = json_integer_value(json_object_get(root, "tsc_khz"));
	struct template t;
	int rc = document_check_format(
		origin, root, TEMPLATE_FORMAT, TEMPLATE_VERSION);

	if (!rc)
		rc = document_check_keys(
			origin, "", root, keys, ARRAY_SIZE(keys));
	if (!rc && (khz < 0 || khz > UINT32_MAX))
		rc = document_refuse(origin, "",
			"tsc_khz: %lld: must be 0 to %u", (long long)khz,
			UINT32_MAX);
	if (!rc)
		rc = cpu_set_parse(origin, "", root, &t.cpu);
	if (!rc)
		rc = check_bits(origin, &t.cpu);
	if (!rc)
		rc = check_coherent(origin, &t.cpu);
	if (rc)
		return rc;
	t.tsc_khz = (uint64_t)khz;
	t.tsc_scaling = json_is_true(json_object_get(root, "tsc_scaling"));
	*ret = t;
	return 0;
}

int template_parse(
	const char *origin, const void *json, size_t len, struct template *ret)
{
	json_t *root;
	int rc = document_parse(origin, json, len, &root);

	if (rc)
		return rc;
	rc = template_parse_json(origin, root, ret);
	json_decref(root);
	return rc;
}

int template_read(const char *path, struct template *ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc = document_load(path, &text);

	return rc ? rc : template_parse(path, text.data, text.len, ret);
}

void template_print(const struct template *t, struct buf *out)
{
	buf_printf(out,
		"{\n"
		"  \"format\": \"" TEMPLATE_FORMAT "\",\n"
		"  \"version\": %d,\n"
		"  \"tsc_khz\": %" PRIu64 ",\n"
		"  \"tsc_scaling\": %s,\n",
		TEMPLATE_VERSION, t->tsc_khz,
		t->tsc_scaling ? "true" : "false");
	cpu_set_print(&t->cpu, "  ", out);
	buf_printf(out, "\n}\n");
}
