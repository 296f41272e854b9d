/* SPDX-License-Identifier: Apache-2.0 */
/* draft.c - what clients told of a VM, and the configuration that it makes */
#include "vmm/api/draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/config_json.h"

/* What guests of Firecracker get, whose clients give none. */
#define CMDLINE_DEFAULT                                                      \
	"reboot=k panic=1 nomodule 8250.nr_uarts=0 i8042.noaux i8042.nomux " \
	"i8042.dumbkbd swiotlb=noforce pci=off"

int draft_init(struct draft *draft)
{
	*draft = (struct draft){ 0 };
	return MIN(config_defaults(&machine_body_object, &draft->machine),
		config_defaults(&microcode_body_object, &draft->microcode));
}

void draft_fini(struct draft *draft)
{
	config_fini(&boot_body_object, &draft->boot);
	for (unsigned i = 0; i < draft->drive_count; i++)
		config_fini(&drive_body_object, &draft->drive[i]);
	free(draft->cpu_text);
	config_fini(&microcode_body_object, &draft->microcode);
	config_fini(&serial_body_object, &draft->serial);
	*draft = (struct draft){ 0 };
}

/* ---- drives ---- */

static int check_root(const struct draft *draft, const struct drive_body *drive)
{
	if (drive->partuuid && !drive->root)
		return err_set(-EINVAL,
			"partuuid: is for the root device; leave it out");
	for (unsigned i = 0; drive->root && i < draft->drive_count; i++)
		if (draft->drive[i].root &&
			strcmp(draft->drive[i].id, drive->id))
			return err_set(-EINVAL,
				"is_root_device: drive %s is the root device; "
				"there is one",
				draft->drive[i].id);
	return 0;
}

struct drive_body *draft_find_drive(struct draft *draft, const char *id)
{
	for (unsigned i = 0; i < draft->drive_count; i++)
		if (!strcmp(draft->drive[i].id, id))
			return &draft->drive[i];
	return NULL;
}

int draft_put_drive(struct draft *draft, struct drive_body *drive)
{
	struct drive_body *place = draft_find_drive(draft, drive->id);
	int rc = check_root(draft, drive);

	if (rc)
		return rc;
	if (!place && draft->drive_count == MACHINE_VIRTIO_MAX)
		return err_set(-ENOSPC, "there is room for %d drives",
			MACHINE_VIRTIO_MAX);
	if (!place)
		place = &draft->drive[draft->drive_count++];
	config_fini(&drive_body_object, place);
	*place = *drive;
	*drive = (struct drive_body){ 0 };
	return 0;
}

int draft_delete_drive(struct draft *draft, const char *id)
{
	struct drive_body *place = draft_find_drive(draft, id);
	size_t behind;

	if (!place)
		return -ENOENT;
	behind = (size_t)(&draft->drive[draft->drive_count] - place) - 1;
	config_fini(&drive_body_object, place);
	memmove(place, place + 1, behind * sizeof(*place));
	draft->drive[--draft->drive_count] = (struct drive_body){ 0 };
	return 0;
}

/* ---- to a configuration ---- */

static int copy(const char *from, char **to)
{
	free(*to);
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static const struct drive_body *find_root(const struct draft *draft)
{
	for (unsigned i = 0; i < draft->drive_count; i++)
		if (draft->drive[i].root)
			return &draft->drive[i];
	return NULL;
}

/* What stands behind " -- " is init's. */
static int make_cmdline(const struct draft *draft, char **ret)
{
	const char *args = draft->boot.args ? draft->boot.args
					    : CMDLINE_DEFAULT;
	const struct drive_body *root = find_root(draft);
	const char *found = strstr(args, " -- ");
	const char *init = found ? found : args + strlen(args);
	CLEANUP(buf_fini) struct buf line = BUF_INIT;

	buf_append(&line, args, (size_t)(init - args));
	if (root && root->partuuid)
		buf_printf(&line, "%sroot=PARTUUID=%s", line.len ? " " : "",
			root->partuuid);
	else if (root)
		buf_printf(&line, "%sroot=/dev/vda", line.len ? " " : "");
	if (root)
		buf_printf(&line, " %s", root->readonly ? "ro" : "rw");
	buf_printf(&line, "%s", init);
	buf_u8(&line, '\0');
	return line.failed ? -ENOMEM : copy((char *)line.data, ret);
}

static int add_disk(struct vm_config *config, const struct drive_body *drive)
{
	struct disk_config *disk = &config->disk[config->disk_count++];
	int rc = copy(drive->path, &disk->path);

	disk->readonly = drive->readonly;
	disk->limits = limits_of_body(&drive->limiter);
	return rc ? rc : copy(drive->id, &disk->id);
}

/* The root device is the first, /dev/vda. */
static int add_disks(struct vm_config *config, const struct draft *draft)
{
	const struct drive_body *root = find_root(draft);
	int rc = root ? add_disk(config, root) : 0;

	for (unsigned i = 0; i < draft->drive_count && !rc; i++)
		if (&draft->drive[i] != root)
			rc = add_disk(config, &draft->drive[i]);
	return rc;
}

static int choose_cpu(struct vm_config *config, const struct draft *draft)
{
	int rc = copy(draft->cpu_text, &config->cpu_text);

	if (rc || (!draft->cpu_text && draft->machine.cpu_template == CPU_NONE))
		return rc;
	return copy(draft->cpu_text
			    ? "cpu-config"
			    : cpu_template_name(draft->machine.cpu_template),
		&config->cpu);
}

static int add_microcode(struct vm_config *config, const struct draft *draft)
{
	const struct microcode_body *microcode = &draft->microcode;

	config->guest_ucode = microcode->guest;
	config->hypervisor = microcode->hypervisor;
	config->microcode_misfit = microcode->misfit;
	return copy(microcode->spool, &config->ucode_spool);
}

int draft_plug_serial(const struct draft *draft, struct vm_config *config)
{
	config->console_rate = draft->serial.limiter.rate;
	if (!draft->serial.path)
		return 0;
	config->console = CONSOLE_FILE;
	return copy(draft->serial.path, &config->console_path);
}

static int compile(const struct draft *draft, struct vm_config *config)
{
	int rc = config_defaults(&vm_all_object, config);

	config->cpus = draft->machine.vcpu_count;
	config->smt = draft->machine.smt;
	config->memory_bytes = draft->machine.mem_size_mib * MIB;
	config->huge_pages = draft->machine.huge_pages;
	config->rng = draft->entropy;
	config->rng_limits = limits_of_body(&draft->rng.limiter);
	if (!rc)
		rc = copy(draft->boot.kernel, &config->kernel);
	if (!rc)
		rc = copy(draft->boot.initrd, &config->initrd);
	if (!rc)
		rc = make_cmdline(draft, &config->cmdline);
	if (!rc)
		rc = choose_cpu(config, draft);
	if (!rc)
		rc = add_disks(config, draft);
	if (!rc)
		rc = add_microcode(config, draft);
	if (!rc)
		rc = draft_plug_serial(draft, config);
	if (rc)
		return err_set(rc, "no memory for a configuration");
	return vm_config_check(config);
}

int draft_compile(const struct draft *draft, struct vm_config *ret)
{
	struct vm_config config = { 0 };
	int rc;

	if (!draft->boot.kernel)
		return err_set(-EINVAL,
			"there is no kernel; give one with PUT /boot-source");
	rc = compile(draft, &config);
	if (rc)
		vm_config_fini(&config);
	else
		*ret = config;
	return rc;
}

/* ---- from a configuration ---- */

static int describe_disk(struct draft *draft, const struct disk_config *disk)
{
	unsigned i = draft->drive_count++;
	struct drive_body *drive = &draft->drive[i];
	const char by_place[] = { 'v', 'd', (char)('a' + i), 0 };
	int rc = config_defaults(&drive_body_object, drive);

	drive->readonly = disk->readonly;
	drive->limiter = limits_to_body(&disk->limits);
	if (!rc)
		rc = copy(disk->path, &drive->path);
	return rc ? rc : copy(disk->id ? disk->id : by_place, &drive->id);
}

static int describe_microcode(
	struct draft *draft, const struct vm_config *config)
{
	draft->microcode.guest = config->guest_ucode;
	draft->microcode.hypervisor = config->hypervisor;
	draft->microcode.misfit = config->microcode_misfit;
	return copy(config->ucode_spool, &draft->microcode.spool);
}

static int describe_serial(struct draft *draft, const struct vm_config *config)
{
	draft->serial.limiter = rate_to_body(&config->console_rate);
	draft->serial_told = config->console_path ||
			     draft->serial.limiter.given;
	return copy(config->console_path, &draft->serial.path);
}

int draft_describe(struct draft *draft, const struct vm_config *config)
{
	int rc;

	draft_fini(draft);
	rc = draft_init(draft);
	draft->machine.vcpu_count = config->cpus;
	draft->machine.smt = config->smt;
	draft->machine.mem_size_mib = (unsigned)(config->memory_bytes / MIB);
	draft->machine.huge_pages = config->huge_pages;
	draft->entropy = config->rng;
	draft->rng.limiter = limits_to_body(&config->rng_limits);
	/* A machine that goes on has none; its configuration has. */
	if (!rc && !config->restore.state)
		rc = copy(config->kernel, &draft->boot.kernel);
	if (!rc && !config->restore.state)
		rc = copy(config->initrd, &draft->boot.initrd);
	if (!rc && !config->restore.state)
		rc = copy(config->cmdline, &draft->boot.args);
	if (!rc)
		rc = describe_microcode(draft, config);
	for (unsigned i = 0; i < config->disk_count && !rc; i++)
		rc = describe_disk(draft, &config->disk[i]);
	return rc ? rc : describe_serial(draft, config);
}
