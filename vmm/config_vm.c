/* SPDX-License-Identifier: Apache-2.0 */
/* config_vm.c - the settings of a VM: what no field can know alone */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/config.h"

/*
 * Only the spelling is compared: two names of one file are found by the locks
 * that the disk backend takes.
 */
static int check_pair(const struct disk_config *a, const struct disk_config *b)
{
	if (!strcmp(a->path, b->path))
		return err_set(-EINVAL,
			"--disk path=%s: given for two disks; attach each file "
			"once",
			text_shown(a->path).s);
	if (a->id && b->id && !strcmp(a->id, b->id))
		return err_set(-EINVAL,
			"--disk id=%s: given to two disks; give each its own",
			a->id);
	return 0;
}

static int check_disks(const struct vm_config *config)
{
	int rc = 0;

	for (unsigned i = 0; i < config->disk_count; i++)
		for (unsigned j = 0; j < i && !rc; j++)
			rc = check_pair(&config->disk[j], &config->disk[i]);
	return rc;
}

int vm_config_check(const struct vm_config *config)
{
	if (config->rng && config->disk_count == MACHINE_VIRTIO_MAX)
		return err_set(-EINVAL,
			"--rng: with %u disks there is no place left; give at "
			"most %u disks, or leave out --rng",
			config->disk_count, MACHINE_VIRTIO_MAX - 1);
	if (!config->rng && (rate_limits(&config->rng_limits.bandwidth) ||
				    rate_limits(&config->rng_limits.ops)))
		return err_set(-EINVAL, "--rng-bandwidth, --rng-ops: there is "
					"nothing to limit; add --rng");
	if (config->huge_pages == MEM_PAGES_2M &&
		config->memory_bytes % MEM_HUGE_PAGE_SIZE)
		return err_set(-EINVAL,
			"--huge-pages 2M: the memory is no multiple of that; "
			"give --memory in steps of 2M");
	if (config->smt && config->cpus > 1 && config->cpus % 2)
		return err_set(-EINVAL,
			"--smt: %u CPUs are not whole cores of two; give an "
			"even number of --cpus, or 1",
			config->cpus);
	return check_disks(config);
}

static bool is_named(
	const struct disk_config *disk, unsigned place, const char *id)
{
	const char by_place[] = { 'v', 'd', (char)('a' + place), 0 };

	return !strcmp(disk->id ? disk->id : by_place, id);
}

int vm_config_find_disk(const struct vm_config *config, const char *id)
{
	for (unsigned i = 0; i < config->disk_count; i++)
		if (is_named(&config->disk[i], i, id))
			return (int)i;
	return -ENOENT;
}

static int check_restore(const struct vm_config *config)
{
	const char *memory = config->restore.memory;
	const char *handler = config->restore.handler;

	if (!memory == !handler)
		return err_set(-EINVAL,
			"--memory %s: give either a memory file or a "
			"--memory-handler",
			memory ? text_shown(memory).s : "missing");
	if (!config->restore.resume && !config->control_path)
		return err_set(-EINVAL,
			"--resume: missing, and without --control nothing "
			"could let the VM go on; give one of them");
	return 0;
}

static int parse(const struct config_object *object,
	int (*check)(const struct vm_config *config), int argc,
	char *const argv[], struct vm_config *ret)
{
	struct vm_config config = { 0 };
	int rc = config_defaults(&vm_all_object, &config);

	if (!rc)
		rc = config_parse_args(object, argc, argv, &config);
	if (!rc && check)
		rc = check(&config);
	if (rc) {
		vm_config_fini(&config);
		return rc;
	}
	*ret = config;
	return 0;
}

int vm_config_parse(int argc, char *const argv[], struct vm_config *ret)
{
	return parse(&vm_config_object, vm_config_check, argc, argv, ret);
}

int vm_check_parse(int argc, char *const argv[], struct vm_config *ret)
{
	return parse(&vm_check_object, NULL, argc, argv, ret);
}

int vm_restore_parse(int argc, char *const argv[], struct vm_config *ret)
{
	return parse(&vm_restore_object, check_restore, argc, argv, ret);
}

void vm_config_fini(struct vm_config *config)
{
	free(config->cpu_text);
	config_fini(&vm_all_object, config);
}
