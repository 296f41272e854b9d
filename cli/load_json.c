/* SPDX-License-Identifier: Apache-2.0 */
/* load_json.c - what a load did, as one JSON object */
#include <errno.h>
#include <string.h>

#include "cli/fleet.h"
#include "cli/load.h"
#include "vmm/base/cleanup.h"

static json_t *cpus_json(const struct load *load)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < load->cpus_count; i++) {
		const struct load_cpus *c = &load->cpus[i];

		json_array_append_new(
			list, json_pack("{s:o, s:o, s:o, s:o, s:o}", "cpus",
				      microcode_cpus_json(&c->cpus),
				      "signature", microcode_hex(c->signature),
				      "before", microcode_hex(c->before),
				      "wanted", microcode_hex(c->wanted),
				      "after", microcode_hex(c->after)));
	}
	return list;
}

static json_t *kernel_json(const struct load *load)
{
	json_t *lines = json_array();

	for (unsigned i = 0; i < load->line_count; i++)
		json_array_append_new(lines, json_string(load->lines[i]));
	return json_pack("{s:b, s:b, s:s?, s:I, s:I, s:o}", "asked",
		load->asked, "answered", load->answered, "error",
		load->kernel_error ? load_kernel_words(load->kernel_error)
				   : NULL,
		"begun_ns", (json_int_t)load->begun_ns, "ended_ns",
		(json_int_t)load->ended_ns, "log", lines);
}

static json_t *change_json(const struct silicon_change *c)
{
	return json_pack("{s:s, s:o, s:s, s:s?, s:o, s:o, s:b}", "kind",
		silicon_kind_names[c->kind], "cpus",
		microcode_cpus_json(&c->cpus), "register",
		feature_row(c->field.row)->name, "name",
		c->field.feature ? c->field.feature->name : NULL, "before",
		fleet_value_json(c->before, &c->field), "after",
		fleet_value_json(c->after, &c->field), "kvm_differs",
		c->kvm_differs);
}

static json_t *changes_json(const struct load *load)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < load->changes.count; i++)
		json_array_append_new(
			list, change_json(&load->changes.change[i]));
	return list;
}

/* A line each. */
static json_t *asymmetry_json(const struct load *load)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	json_t *list = json_array();
	char *rest, *line;

	if (load->silicon_after)
		profile_print_asymmetry(load->silicon_after, &text);
	buf_u8(&text, '\0');
	rest = text.failed ? NULL : (char *)text.data;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			json_array_append_new(list, json_string(line));
	return list;
}

static json_t *misfits_json(const struct load_vm *vm)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < MIN(vm->misfit_count, LOAD_MISFITS); i++) {
		const struct fleet_misfit *m = &vm->misfits[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s?}", "register",
				      feature_row(m->row)->name, "name",
				      m->feature ? m->feature->name : NULL));
	}
	return list;
}

static const char *vm_state(const struct load_vm *vm)
{
	if (vm->stale)
		return "stale";
	if (!vm->released_ns)
		return "unknown";
	if (!vm->template)
		return "not started";
	return vm->runs ? "runs" : "paused";
}

static json_t *vms_json(const struct load *load)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < load->vm_count; i++) {
		const struct load_vm *vm = &load->vm[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:b, s:I, s:I, s:b, s:o, s:o, "
				  "s:o, s:s?}",
				"socket", vm->path, "state", vm_state(vm),
				"held", vm->held, "held_ns",
				(json_int_t)vm->held_ns, "released_ns",
				(json_int_t)vm->released_ns, "fits",
				!vm->misfit_count, "misfits", misfits_json(vm),
				"revision_before",
				microcode_hex(vm->revision_before), "revision",
				microcode_hex(vm->revision), "fault",
				vm->fault));
	}
	return list;
}

static json_t *steps_json(const struct load *load)
{
	json_t *steps = json_object();

	for (unsigned i = 0; i < STEPS; i++)
		json_object_set_new(steps, load_step_names[i],
			json_integer((json_int_t)load->step_ns[i]));
	return steps;
}

void load_put_json(const struct load *load, struct buf *out)
{
	const struct load_vm *longest = load_longest(load);
	uint64_t hold_ns = longest ? longest->released_ns - longest->held_ns
				   : 0;

	output_put_json(
		json_pack("{s:i, s:s, s:s?, s:s?, s:b, s:o, s:o, s:o, s:o, "
			  "s:o, s:o, s:I}",
			"version", MICROCODE_JSON_VERSION, "outcome",
			load_outcome_names[load->outcome], "fault", load->fault,
			"placed", load->placed ? load->target : NULL,
			"kept_old", load->kept_old, "cpus", cpus_json(load),
			"kernel", kernel_json(load), "changes",
			changes_json(load), "asymmetry", asymmetry_json(load),
			"vms", vms_json(load), "step_ns", steps_json(load),
			"longest_hold_ns", (json_int_t)hold_ns),
		out);
}
