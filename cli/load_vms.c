/* SPDX-License-Identifier: Apache-2.0 */
/* load_vms.c - the VMs that a load of microcode has to hold */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/load.h"
#include "vmm/base/err.h"
#include "vmm/base/thread.h"

int load_find_vms(struct load *load)
{
	struct microcode_vms *found = &load->found;
	int rc = microcode_vms_find(&load->settings->vms, found);

	if (rc)
		return rc;
	load->vm = calloc(found->count + 1, sizeof(*load->vm));
	if (!load->vm)
		return err_set(-ENOMEM, "no memory for a list of VMs");
	load->vm_count = found->count;
	for (unsigned i = 0; i < found->count; i++)
		load->vm[i].path = found->path[i];
	snprintf(load->coordinator, sizeof(load->coordinator),
		"load-%d-%" PRIx64, getpid(), now_ns());
	return crowd_init(&load->crowd, found->path, found->count);
}

void load_free_vms(struct load *load)
{
	for (unsigned i = 0; i < load->vm_count; i++) {
		free(load->vm[i].template);
		free(load->vm[i].fault);
	}
	free(load->vm);
	crowd_fini(&load->crowd);
	microcode_vms_fini(&load->found);
}

const struct load_vm *load_longest(const struct load *load)
{
	const struct load_vm *longest = NULL;
	uint64_t most = 0;

	for (unsigned i = 0; i < load->vm_count; i++) {
		const struct load_vm *vm = &load->vm[i];

		if (!vm->held || !vm->released_ns ||
			vm->released_ns - vm->held_ns <= most)
			continue;
		longest = vm;
		most = vm->released_ns - vm->held_ns;
	}
	return longest;
}
