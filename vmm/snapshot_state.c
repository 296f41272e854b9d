/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_state.c - a VM that is held as the sections of a state file, and back */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu/cpu_state.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/snapshot.h"
#include "vmm/vm_parts.h"

#define READ_BYTES (256 * KIB)

static const struct state_field memory_fields[] = {
	STATE_U64(struct snapshot_memory, ram_bytes),
	STATE_BYTES(struct snapshot_memory, id.byte),
};

const struct state_desc snapshot_memory_desc = STATE_DESC(
	"memory", 1, struct snapshot_memory, memory_fields);

/* ---- writing ---- */

static void put_text(struct buf *out, const char *name, struct buf *text)
{
	out->failed |= text->failed;
	snapshot_file_add(out, name, 0, 1, text->data, text->len);
}

static void put_config(const struct vm *vm, struct buf *out)
{
	CLEANUP(buf_fini) struct buf args = BUF_INIT;

	config_print_args(&vm_machine_object, vm->config, &args);
	put_text(out, "config", &args);
}

static int put_template(const struct vm *vm, struct buf *out)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc = cpu_model_save(vm->model, vm->clock, &text);

	if (!rc)
		put_text(out, "template", &text);
	return rc;
}

static int put_machine(const struct vm *vm, struct buf *out)
{
	void *state = state_new(&cpu_vm_state_desc);
	int rc = state ? cpu_vm_save(vm->clock, state) : -ENOMEM;

	if (!rc)
		snapshot_file_save(out, 0, &cpu_vm_state_desc, state);
	state_free(&cpu_vm_state_desc, state);
	return rc;
}

static int put_vcpu(const struct vm *vm, unsigned i, struct buf *out)
{
	void *state = state_new(&cpu_vcpu_state_desc);
	int rc = state ? cpu_vcpu_save(vm->model, vm->clock, i, state)
		       : -ENOMEM;

	if (!rc)
		snapshot_file_save(out, i, &cpu_vcpu_state_desc, state);
	state_free(&cpu_vcpu_state_desc, state);
	return rc;
}

/* Devices first: the end of a request may still raise an interrupt. */
int snapshot_put_state(
	struct vm *vm, const struct memfile_id *id, struct buf *out)
{
	const struct snapshot_memory memory = { vm->mem.size_bytes, *id };
	int rc;

	snapshot_file_begin(out);
	put_config(vm, out);
	put_text(out, "profile", &vm->host_profile);
	snapshot_file_save(out, 0, &snapshot_memory_desc, &memory);
	devices_save(&vm->devices, out);
	rc = put_template(vm, out);
	if (!rc)
		rc = put_machine(vm, out);
	for (unsigned i = 0; !rc && i < vm->config->cpus; i++)
		rc = put_vcpu(vm, i, out);
	snapshot_file_end(out);
	if (!rc && out->failed)
		rc = err_set(-ENOMEM, "--state: no memory for the state");
	return rc;
}

/* ---- reading ---- */

static int read_all(
	int fd, const char *label, const char *path, struct buf *ret)
{
	CLEANUP_FREE uint8_t *chunk = malloc(READ_BYTES);
	ssize_t n;

	while (chunk && (n = read(fd, chunk, READ_BYTES)) != 0) {
		if (n < 0)
			return err_set(-errno, "%s%s: cannot read: %s", label,
				text_shown(path).s, strerror(errno));
		buf_append(ret, chunk, (size_t)n);
		if (ret->failed)
			break;
	}
	return !chunk || ret->failed
		       ? err_set(-EFBIG, "%s%s: larger than any state", label,
				 text_shown(path).s)
		       : 0;
}

int snapshot_read(const char *label, const char *path, struct buf *ret_bytes,
	struct snapshot_file *ret)
{
	/* Not to wait for the writer of a FIFO. */
	CLEANUP_CLOSE int fd = open(
		path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0)
		return err_set(-errno,
			"%s%s: cannot open: %s; give the file that "
			"`muster ctl snapshot --state` wrote",
			label, text_shown(path).s, strerror(errno));
	rc = read_all(fd, label, path, ret_bytes);
	return rc ? rc
		  : snapshot_file_parse(
			    path, ret_bytes->data, ret_bytes->len, ret);
}
