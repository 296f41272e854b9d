/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore.c - make a VM from a snapshot
 *
 * The state file is hostile: what it says of the machine goes through the same
 * parser as the command line, its CPU through the same checks as a template, and
 * every section through its table.
 */
#include "vmm/restore.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu_state.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/core/mem_dirty.h"
#include "vmm/vm_parts.h"

/* Each field of the machine once, and each disk. */
#define ARGS_MAX (CONFIG_FIELDS_MAX + MACHINE_VIRTIO_MAX)

/* ---- the configuration ---- */

static const struct snapshot_section *find(
	const struct snapshot_file *file, const char *name)
{
	const struct snapshot_section *s = snapshot_file_find(file, name, 0);

	if (!s)
		err_set(-EBADMSG,
			"%s: section %s is missing; the file is damaged",
			file->path, name);
	return s;
}

/* "--name=value" with a NUL behind each, as config_print_args() wrote them. */
static int split_args(
	const struct snapshot_section *s, char *text, char *argv[ARGS_MAX])
{
	int argc = 0;

	memcpy(text, s->data, s->len);
	for (size_t at = 0; at < s->len; at += strlen(text + at) + 1) {
		if (argc == ARGS_MAX)
			return -1;
		argv[argc++] = text + at;
	}
	return argc;
}

static int parse_machine(
	const struct snapshot_file *file, struct vm_config *config)
{
	const struct snapshot_section *s = find(file, "config");
	CLEANUP_FREE char *text = s ? calloc(1, s->len + 1) : NULL;
	char *argv[ARGS_MAX];
	int argc, rc;

	if (!s)
		return -EBADMSG;
	if (!text)
		return err_set(-ENOMEM, "no memory for %s", file->path);
	argc = split_args(s, text, argv);
	if (argc < 0)
		return err_set(-EBADMSG, "%s: section config: too many options",
			file->path);
	rc = config_parse_args(&vm_machine_object, argc, argv, config);
	return rc ? err_wrap(rc, "%s: section config", file->path) : 0;
}

static int repoint(struct vm_config *config, const struct disk_override *to)
{
	int i = vm_config_find_disk(config, to->id);
	struct disk_config *disk;

	if (i < 0)
		return err_set(-EINVAL,
			"--disk id=%s: the snapshot has no such disk; `muster "
			"snapshot info` lists them",
			text_shown(to->id).s);
	disk = &config->disk[i];
	free(disk->path);
	disk->path = strdup(to->path);
	return disk->path ? 0 : err_set(-ENOMEM, "--disk: no memory");
}

static int complete_config(
	const struct snapshot_file *file, struct vm_config *config)
{
	int rc = parse_machine(file, config);

	for (unsigned i = 0; !rc && i < config->restore.disk_count; i++)
		rc = repoint(config, &config->restore.disk[i]);
	/* Those cannot be a file's, nor are they what a handler gives. */
	if (config->huge_pages == MEM_PAGES_2M)
		config->huge_pages = MEM_PAGES_NONE;
	return rc ? rc : vm_config_check(config);
}

static int check_memory_size(
	const struct restore *r, const struct vm_config *config)
{
	if (r->memory.ram_bytes == config->memory_bytes)
		return 0;
	return err_set(-EBADMSG,
		"%s: section memory has %llu bytes of RAM and section config "
		"%llu; the file is damaged",
		r->file.path, (unsigned long long)r->memory.ram_bytes,
		(unsigned long long)config->memory_bytes);
}

static int load_memory_section(struct restore *r)
{
	int rc = snapshot_file_load(
		&r->file, 0, &snapshot_memory_desc, &r->memory);

	return rc ? err_wrap(rc, "%s", r->file.path) : 0;
}

int restore_open(struct vm_config *config, struct restore *ret)
{
	int rc;

	*ret = (struct restore){ .bytes = BUF_INIT };
	rc = snapshot_read(
		"--state ", config->restore.state, &ret->bytes, &ret->file);
	if (!rc)
		rc = load_memory_section(ret);
	if (!rc)
		rc = complete_config(&ret->file, config);
	return rc ? rc : check_memory_size(ret, config);
}

void restore_fini(struct restore *restore)
{
	buf_fini(&restore->bytes);
}

/* ---- the machine ---- */

int restore_cpu_model(struct vm *vm)
{
	const struct snapshot_file *file = &vm->restore->file;
	const struct snapshot_section *s = find(file, "template");
	const struct cpu_options options = {
		.cpus = vm->config->cpus,
		.smt = vm->config->smt,
		.cpu = file->path,
		.nested = vm->config->nested == NESTED_ON,
		.strict_msrs = vm->config->msr == MSR_STRICT,
		.hide_hypervisor = vm->config->hypervisor == HYPERVISOR_HIDDEN,
		.loader = guest_ucode_loader(vm->config->guest_ucode),
	};

	return s ? cpu_model_from_text(
			   vm->kvm_fd, &options, s->data, s->len, &vm->model)
		 : -EBADMSG;
}

static int map_memory(struct vm *vm)
{
	const struct snapshot_memory *memory = &vm->restore->memory;
	struct snapshot_lineage *lineage = &vm->lineage;
	int rc = memfile_open_full("--memory ", vm->config->restore.memory,
		&memory->id, memory->ram_bytes, &lineage->source);

	if (!rc)
		rc = mem_init_from_file(
			&vm->mem, memory->ram_bytes, lineage->source.fd);
	return rc;
}

/* Of its pages nobody can tell later which were written: they are logged. */
static int hand_memory_over(struct vm *vm)
{
	int rc = mem_init_pages(&vm->mem, vm->restore->memory.ram_bytes,
		(enum mem_page_kind)vm->config->huge_pages);

	return rc ? rc
		  : mem_handler_connect("--memory-handler ",
			    vm->config->restore.handler, &vm->mem,
			    &vm->handler);
}

static int log_writes(struct vm *vm)
{
	int rc = mem_dirty_start(&vm->mem, vm->fd);

	if (!rc)
		mem_dirty_clear(&vm->mem);
	return rc;
}

int restore_memory(struct vm *vm)
{
	bool handled = vm->config->restore.handler;
	int rc = handled ? hand_memory_over(vm) : map_memory(vm);

	if (!rc)
		rc = mem_map(&vm->mem, vm->fd);
	if (!rc && handled)
		rc = log_writes(vm);
	vm->lineage.known = !rc;
	vm->lineage.id = vm->restore->memory.id;
	return rc;
}

static int load_vcpu(struct vm *vm, unsigned i)
{
	void *state = state_new(&cpu_vcpu_state_desc);
	int rc = state ? snapshot_file_load(&vm->restore->file, i,
				 &cpu_vcpu_state_desc, state)
		       : -ENOMEM;

	if (!rc)
		rc = cpu_vcpu_load(vm->model, vm->clock, i, state);
	state_free(&cpu_vcpu_state_desc, state);
	return rc;
}

static int load_machine(struct vm *vm)
{
	void *state = state_new(&cpu_vm_state_desc);
	int rc = state ? snapshot_file_load(&vm->restore->file, 0,
				 &cpu_vm_state_desc, state)
		       : -ENOMEM;

	if (!rc)
		rc = cpu_vm_load(vm->clock, state,
			(enum clock_policy)vm->config->restore.clock);
	state_free(&cpu_vm_state_desc, state);
	return rc;
}

static int check_vcpu_count(const struct vm *vm)
{
	unsigned count = snapshot_file_count(
		&vm->restore->file, cpu_vcpu_state_desc.name);

	if (count == vm->config->cpus)
		return 0;
	return err_set(-EBADMSG,
		"%u vCPUs, but section config says %u; the file is damaged",
		count, vm->config->cpus);
}

/* What devices have to tell is raised by the release (pause.c). */
int restore_state(struct vm *vm)
{
	int rc = check_vcpu_count(vm);

	if (!rc)
		rc = devices_load(&vm->devices, &vm->restore->file);
	for (unsigned i = 0; !rc && i < vm->config->cpus; i++)
		rc = load_vcpu(vm, i);
	if (!rc)
		rc = load_machine(vm);
	if (rc)
		return err_wrap(rc, "--state %s", vm->restore->file.path);
	return vmgenid_renew(&vm->devices.vmgenid);
}

/* ---- the handler's end ---- */

static void handler_gone(void *owner)
{
	struct vm *vm = owner;

	ending_report(&vm->control->ending, OUTCOME_VMM_FAILED, 0,
		"the --memory-handler has gone, and with it the guest's "
		"memory");
}

static void time_is_over(void *owner)
{
	vm_timed_out(owner);
}

/* The terminal is the user's. */
static void leave_terminal(void *owner)
{
	struct vm *vm = owner;

	tty_restore(vm->devices.tty);
}

int restore_watch_handler(struct vm *vm)
{
	static const struct watchdog_events events = {
		.lost = handler_gone,
		.expired = time_is_over,
		.leave = leave_terminal,
	};
	uint64_t timeout_ms = vm->config->timeout_ms;

	if (vm->handler.socket < 0)
		return 0;
	vm->watchdog = (struct watchdog){
		.control = vm->control,
		.handler = vm->handler.socket,
		.timeout_ms = timeout_ms ? (int)MIN(timeout_ms, INT_MAX) : -1,
		.events = &events,
		.owner = vm,
	};
	return watchdog_start(&vm->watchdog);
}

/* ---- the memory file's ---- */

void restore_memory_cut(void *owner)
{
	struct vm *vm = owner;
	char detail[PATH_MAX + 64];

	snprintf(detail, sizeof(detail),
		"--memory %s was cut short while it was in use",
		text_shown(vm->config->restore.memory).s);
	ending_report(&vm->control->ending, OUTCOME_VMM_FAILED, SIGBUS, detail);
}

int restore_guard_memory(struct vm *vm)
{
	if (vm->mem.backing != MEM_FILE)
		return 0;
	return memory_guard_init(&vm->guard, &vm->mem, vm->lineage.source.fd,
		vm->control->loop, restore_memory_cut, vm);
}
