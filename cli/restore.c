/* SPDX-License-Identifier: Apache-2.0 */
/* restore.c - `muster restore`: a VM that goes on from a snapshot */
#include "cli/verb.h"
#include "vmm/api/vm_server.h"
#include "vmm/base/cleanup.h"
#include "vmm/vm.h"

static int restore(int argc, char *const argv[])
{
	CLEANUP(vm_config_fini) struct vm_config config = { 0 };
	struct vm_result result;
	int rc = vm_restore_parse(argc, argv, &config);

	if (rc)
		return output_error(STATUS_USAGE, rc);
	log_set_level(config.log_level);
	rc = vm_restore(&config, &vm_server, &result);
	if (rc)
		return output_error(result.status, rc);
	log_say("%s", result.line);
	return result.status;
}

static const struct verb_example examples[] = {
	{ "go on where the snapshot was taken",
		"muster restore --state vm.state --memory vm.memory --resume" },
	{ "a clone on its own copy of the disk, held until it is told to go on",
		"muster restore --state vm.state --memory vm.memory "
		"\\\n      --disk id=root,path=clone.img --control "
		"clone.sock" },
	{ NULL, NULL },
};

const struct verb verb_restore = {
	.name = "restore",
	.arguments = " --state FILE --memory FILE [OPTION]...",
	.summary = "go on with a VM from a snapshot",
	.description =
		"The machine, its CPU and its devices are those of the "
		"snapshot; a host that cannot show this CPU refuses, and says "
		"which features it lacks. Any number of VMs can be restored "
		"from one snapshot: they share the memory file until they "
		"write. The guest hears by its generation id that it is a "
		"copy."
		"\n\n"
		"Disks are opened where they were; give each clone its own "
		"with --disk.",
	.options = &vm_restore_object,
	.examples = examples,
	.run = restore,
};
