/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_check.c - can this host go on with a snapshot?  Try, and say what not */
#include "vmm/snapshot_check.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/memfile.h"
#include "vmm/restore.h"
#include "vmm/vm_parts.h"

struct check {
	struct vm_config *config;
	struct restore restore;
	struct buf *problems;
	unsigned count;
};

static void note(struct check *check, int rc)
{
	const char *sentence;

	if (rc >= 0)
		return;
	sentence = err_describe(rc);
	buf_append(check->problems, sentence, strlen(sentence) + 1);
	check->count++;
}

static int check_memory(const struct check *check)
{
	const struct snapshot_memory *memory = &check->restore.memory;
	CLEANUP(memfile_close) struct memfile file = MEMFILE_INIT;
	int rc = memfile_open_full("--memory ", check->config->restore.memory,
		&memory->id, memory->ram_bytes, &file);

	return rc ? rc : memfile_verify(&file);
}

static int check_disk(const struct disk_config *config)
{
	const struct disk_options options = {
		.path = config->path,
		.readonly = config->readonly,
		.direct = config->direct,
	};
	struct disk *disk;
	int rc = disk_open(&options, &disk);

	if (!rc)
		disk_close(disk);
	return rc;
}

static int try_machine(struct check *check,
	int (*build)(struct vm *vm, enum outcome *ret_fault))
{
	struct control *control = control_new();
	struct vm *vm = control ? vm_new(check->config, control) : NULL;
	enum outcome fault;
	int rc;

	if (!vm) {
		control_free(control);
		return err_set(-ENOMEM, "no memory for a VM");
	}
	vm->restore = &check->restore;
	rc = build(vm, &fault);
	vm_free(vm);
	control_free(control);
	return rc;
}

/* What each needs alone; together only if all is there, not to say it twice. */
static void check_parts(struct check *check)
{
	struct vm_config *config = check->config;

	if (config->restore.memory)
		note(check, check_memory(check));
	for (unsigned i = 0; i < config->disk_count; i++)
		note(check, check_disk(&config->disk[i]));
	note(check, try_machine(check, check->count || !config->restore.memory
					       ? vm_build_cpus
					       : vm_build));
}

unsigned snapshot_check(struct vm_config *config, struct buf *problems)
{
	struct check check = { .config = config, .problems = problems };
	int rc = restore_open(config, &check.restore);

	config->console = CONSOLE_NONE;
	note(&check, rc);
	if (!rc)
		check_parts(&check);
	restore_fini(&check.restore);
	return check.count;
}
