/* SPDX-License-Identifier: Apache-2.0 */
/* microcode_json.c - updates and CPUs as JSON */
#include <stdio.h>

#include "cli/microcode.h"
#include "vmm/base/cleanup.h"
#include "vmm/events.h"

json_t *microcode_hex(uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%08x", value);
	return json_string(text);
}

static json_t *text_json(const struct buf *text)
{
	return text->failed ? NULL
			    : json_stringn((char *)text->data, text->len);
}

static json_t *date_json(uint32_t date)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	ucode_put_date(date, &text);
	return text_json(&text);
}

json_t *microcode_cpus_json(const struct cpu_list *cpus)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	cpu_list_print(cpus, &text);
	return text_json(&text);
}

static json_t *sigs_json(const struct ucode_update *u)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < u->sig_count; i++) {
		const struct ucode_sig *sig = &u->sigs[i];
		json_t *one = json_pack(
			"{s:o}", "signature", microcode_hex(sig->signature));

		if (u->vendor == UCODE_INTEL)
			json_object_set_new(one, "platforms",
				microcode_hex(sig->platforms));
		json_array_append_new(list, one);
	}
	return list;
}

json_t *microcode_update_json(const struct ucode_update *u)
{
	json_t *root = json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:o, s:b}",
		"vendor", ucode_vendor_name(u->vendor), "revision",
		microcode_hex(u->revision), "min_revision",
		microcode_hex(u->min_revision), "date", date_json(u->date),
		"offset", (json_int_t)u->offset, "size_bytes",
		(json_int_t)u->size_bytes, "signatures", sigs_json(u), "valid",
		!*u->fault);

	if (*u->fault)
		json_object_set_new(root, "fault", json_string(u->fault));
	return root;
}

static json_t *choice_json(const struct host_cpu_kind *kind)
{
	const struct ucode_choice *choice = &kind->choice;
	CLEANUP(buf_fini) struct buf why = BUF_INIT;
	json_t *root;

	ucode_put_choice(choice, &kind->cpu, &why);
	root = json_pack("{s:s, s:o}", "verdict",
		ucode_verdict_name(choice->verdict), "why", text_json(&why));
	if (!choice->update)
		return root;
	json_object_set_new(root, "file", events_text(choice->update->origin));
	json_object_set_new(
		root, "update", microcode_update_json(choice->update));
	return root;
}

static json_t *kind_json(const struct host_cpu_kind *kind)
{
	const struct ucode_cpu *cpu = &kind->cpu;
	json_t *root = json_pack("{s:o, s:s, s:o, s:o}", "cpus",
		microcode_cpus_json(&kind->cpus), "vendor",
		ucode_vendor_name(cpu->vendor), "signature",
		microcode_hex(cpu->signature), "revision",
		microcode_hex(cpu->revision));

	if (cpu->platforms)
		json_object_set_new(
			root, "platforms", microcode_hex(cpu->platforms));
	json_object_set_new(root, "choice", choice_json(kind));
	return root;
}

json_t *microcode_choices_json(const struct host_cpus *host)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < host->count; i++)
		json_array_append_new(list, kind_json(&host->kind[i]));
	return list;
}
