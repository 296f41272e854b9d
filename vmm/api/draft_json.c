/* SPDX-License-Identifier: Apache-2.0 */
/* draft_json.c - what clients are told of a VM's configuration */
#include "vmm/api/draft.h"

#include "vmm/api/resources.h"
#include "vmm/api/observe.h"
#include "vmm/config_json.h"

const struct shape machine_shape = { .object = &machine_body_object };

json_t *draft_machine_json(const struct draft *draft)
{
	json_t *root = config_to_json(&machine_body_object, &draft->machine);

	if (root && draft->machine.cpu_template == CPU_NONE)
		json_object_del(root, "cpu_template");
	return root;
}

static json_t *boot_json(const struct draft *draft)
{
	return draft->boot.kernel
		       ? config_to_json(&boot_body_object, &draft->boot)
		       : json_null();
}

static json_t *drives_json(const struct draft *draft)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < draft->drive_count; i++)
		json_array_append_new(list,
			config_to_json(&drive_body_object, &draft->drive[i]));
	return list;
}

static json_t *entropy_json(const struct draft *draft)
{
	return draft->entropy
		       ? config_to_json(&entropy_body_object, &draft->rng)
		       : json_null();
}

/* It was parsed when it came. */
static json_t *cpu_json(const struct draft *draft)
{
	return draft->cpu_text ? json_loads(draft->cpu_text, 0, NULL)
			       : json_null();
}

#define NOTHING(key)                              \
	{                                         \
		.name = (key), .type = SHAPE_NULL \
	}
#define SETTINGS(key, body, how)                                       \
	{                                                              \
		.name = (key), .type = SHAPE_SETTINGS, .flags = (how), \
		.object = (body),                                      \
	}

/* In the order of draft_json(). */
static const struct shape_member config_members[] = {
	SETTINGS("machine-config", &machine_body_object, 0),
	SETTINGS("boot-source", &boot_body_object, SHAPE_MAY_BE_NULL),
	SETTINGS("drives", &drive_body_object, SHAPE_LIST),
	SETTINGS("entropy", &entropy_body_object, SHAPE_MAY_BE_NULL),
	{ .name = "cpu-config", .type = SHAPE_ANY, .flags = SHAPE_MAY_BE_NULL },
	NOTHING("balloon"),
	SETTINGS("logger", &logger_body_object, SHAPE_MAY_BE_NULL),
	SETTINGS("metrics", &metrics_body_object, SHAPE_MAY_BE_NULL),
	NOTHING("mmds-config"),
	NOTHING("vsock"),
	{ .name = "network-interfaces",
		.type = SHAPE_NULL,
		.flags = SHAPE_LIST },
	{ .name = "pmem", .type = SHAPE_NULL, .flags = SHAPE_LIST },
	NOTHING("memory-hotplug"),
	SETTINGS("microcode", &microcode_body_object, SHAPE_MAY_LACK),
	/* Firecracker does not tell it; clients that compare never set it. */
	SETTINGS("serial", &serial_body_object, SHAPE_MAY_LACK),
	{ .name = "start", .type = SHAPE_BOOL, .flags = SHAPE_SENT_ONLY },
};

const struct shape config_shape = SHAPE("vm-config", config_members);

/* Clients that know Firecracker's keys alone meet this one if they asked for it. */
static bool says_microcode(const struct draft *draft)
{
	const struct microcode_body *microcode = &draft->microcode;

	return microcode->guest || microcode->spool || microcode->hypervisor ||
	       microcode->misfit;
}

/*
 * Devices that this version lacks are there as nothing, as clients expect; what is
 * the process's, and no part of a VM, is observe_tell()'s.
 */
json_t *draft_json(const struct draft *draft)
{
	json_t *root = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:n, s:n, s:n, s:n, s:n, "
		"s:[], s:[], s:n}",
		"machine-config", draft_machine_json(draft), "boot-source",
		boot_json(draft), "drives", drives_json(draft), "entropy",
		entropy_json(draft), "cpu-config", cpu_json(draft), "balloon",
		"logger", "metrics", "mmds-config", "vsock",
		"network-interfaces", "pmem", "memory-hotplug");
	if (root && says_microcode(draft))
		json_object_set_new(root, "microcode",
			config_to_json(
				&microcode_body_object, &draft->microcode));
	if (root && draft->serial_told)
		json_object_set_new(root, "serial",
			config_to_json(&serial_body_object, &draft->serial));
	return root;
}
