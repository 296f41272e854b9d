/* SPDX-License-Identifier: Apache-2.0 */
/* guest_ucode.c - what becomes of a guest's own updates of its microcode */
#include "vmm/guest_ucode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/ucode.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/control.h"
#include "vmm/ucode_spool.h"

/* Each is synced to the disk by the control thread, which has other work as well. */
#define STAGE_BURST    4
#define STAGE_EVERY_MS 1000

enum { LOADS, TAKEN, STAGED };

static struct metric metrics[] = {
	[LOADS] = { "loads", "updates that the guest tried to load", 0 },
	[TAKEN] = { "taken", "of these, whose revision it now sees", 0 },
	[STAGED] = { "staged", "of these, handed to the operator", 0 },
};

const struct metric_group guest_ucode_metrics = {
	.name = "guest_microcode",
	.metrics = metrics,
	.count = ARRAY_SIZE(metrics),
};

enum cpu_loader guest_ucode_loader(enum guest_ucode_policy policy)
{
	static const enum cpu_loader loader_of[] = {
		[GUEST_UCODE_IGNORE] = CPU_LOADER_IGNORED,
		[GUEST_UCODE_REFUSE] = CPU_LOADER_REFUSED,
		[GUEST_UCODE_EMULATE] = CPU_LOADER_EXITS,
		[GUEST_UCODE_STAGE] = CPU_LOADER_EXITS,
	};

	return loader_of[policy];
}

static enum ucode_vendor vendor_of(const struct cpu_ucode_id *id)
{
	return id->amd ? UCODE_AMD : UCODE_INTEL;
}

/* ---- out of the guest ---- */

static int no_ram(size_t len, size_t wanted)
{
	return err_set(
		-EFAULT, "of its %zu bytes only %zu are in RAM", wanted, len);
}

/*
 * The header says how much to read.  It is not read again with the rest: another
 * vCPU may have changed it, to a length that was not checked.  (AMD's does not say;
 * what is read then may be more than the update, or end with RAM.)
 */
static int copy_update(const struct guest_ucode *guest, struct vcpu *vcpu,
	uint64_t linear, uint8_t **ret, size_t *ret_len)
{
	uint8_t header[UCODE_HEADER_BYTES];
	size_t have = cpu_read_linear(
		vcpu->fd, guest->mem, linear, header, sizeof(header));
	int size;

	if (have < sizeof(header))
		return no_ram(have, sizeof(header));
	size = ucode_bytes_to_load(vendor_of(&guest->id), header);
	if (size < 0)
		return size;
	*ret = malloc(MAX((size_t)size, have));
	if (!*ret)
		return err_set(-ENOMEM, "no memory for the update");
	memcpy(*ret, header, have);
	if ((size_t)size > have)
		have += cpu_read_linear(vcpu->fd, guest->mem, linear + have,
			*ret + have, (size_t)size - have);
	*ret_len = MIN(have, (size_t)size);
	return *ret_len < (size_t)size && !guest->id.amd
		       ? no_ram(*ret_len, (size_t)size)
		       : 0;
}

/* What a processor would not take: by the rules by which all updates are chosen. */
static int check_choice(
	const struct ucode_choice *choice, const struct ucode_cpu *cpu)
{
	CLEANUP(buf_fini) struct buf why = BUF_INIT;

	if (choice->verdict == UCODE_NEWER || choice->verdict == UCODE_SAME)
		return 0;
	ucode_put_choice(choice, cpu, &why);
	buf_u8(&why, 0);
	return err_set(-EINVAL, "%s",
		why.failed ? "not for this CPU" : (const char *)why.data);
}

/* Is it whole, made for this CPU, and no step back? */
static int check_update(const struct guest_ucode *guest, struct vcpu *vcpu,
	const uint8_t *data, size_t len, struct ucode_update *ret)
{
	struct ucode_cpu cpu = {
		.vendor = vendor_of(&guest->id),
		.signature = guest->id.signature,
		.platforms = guest->id.platforms,
	};
	const struct ucode_list list = { .count = 1, .updates = ret };
	struct ucode_choice choice;
	int rc = ucode_parse_loaded(cpu.vendor, data, len, ret);

	if (!rc)
		rc = cpu_ucode_get(vcpu->fd, &cpu.revision);
	if (rc)
		return rc;
	choice = ucode_select(&list, &cpu, UCODE_AT_BOOT);
	return check_choice(&choice, &cpu);
}

/* ---- what follows ---- */

static void stage_called(struct loop_call *call)
{
	struct guest_ucode_staged *staged = container_of(
		call, struct guest_ucode_staged, call);
	struct guest_ucode *guest = container_of(
		staged, struct guest_ucode, staged);
	const struct ucode_handover update = {
		.id = guest->id,
		.vcpu = staged->vcpu,
		.data = staged->data,
		.size_bytes = staged->size_bytes,
	};

	if (!ucode_spool_put(guest->spool, &update, &guest->control->events))
		metric_add(&metrics[STAGED], 1);
	free(staged->data);
	staged->data = NULL;
	atomic_store(&staged->busy, false);
}

/* One at a time: a guest is not to fill memory. */
static int claim_stage(struct guest_ucode_staged *staged)
{
	static struct ratelimit limit = RATELIMIT_INIT(
		STAGE_BURST, STAGE_EVERY_MS);
	uint64_t swallowed;

	if (atomic_exchange(&staged->busy, true))
		return err_set(-EBUSY, "the one before is not written yet");
	if (ratelimit_pass(&limit, &swallowed))
		return 0;
	atomic_store(&staged->busy, false);
	return err_set(
		-EBUSY, "it hands over more than one in %d ms", STAGE_EVERY_MS);
}

static int stage(struct guest_ucode *guest, struct vcpu *vcpu, uint8_t **data,
	size_t len)
{
	struct guest_ucode_staged *staged = &guest->staged;
	int rc;

	if (!guest->spool)
		return err_set(-EPERM,
			"this VM may hand none over (--microcode-spool)");
	rc = claim_stage(staged);
	if (rc)
		return rc;
	staged->call.fn = stage_called;
	staged->vcpu = vcpu->index;
	staged->data = steal_ptr(data);
	staged->size_bytes = len;
	loop_call(guest->control->loop, &staged->call);
	return 0;
}

static int take(struct guest_ucode *guest, struct vcpu *vcpu,
	const struct cpu_load *load)
{
	CLEANUP_FREE uint8_t *data = NULL;
	struct ucode_update update;
	size_t len = 0;
	int rc;

	if (load->amd != guest->id.amd)
		return err_set(-EINVAL, "by a register of another vendor");
	rc = copy_update(guest, vcpu, load->header, &data, &len);
	if (!rc)
		rc = check_update(guest, vcpu, data, len, &update);
	if (rc)
		return rc;
	if (guest->policy == GUEST_UCODE_STAGE)
		return stage(guest, vcpu, &data, len);
	rc = cpu_ucode_set(vcpu->fd, update.revision);
	if (!rc)
		metric_add(&metrics[TAKEN], 1);
	return rc;
}

void guest_ucode_load(struct guest_ucode *guest, struct vcpu *vcpu,
	const struct cpu_load *load)
{
	int rc;

	metric_add(&metrics[LOADS], 1);
	err_clear();
	rc = take(guest, vcpu, load);
	if (rc)
		log_limited(LOG_INFO,
			"vCPU %u loads microcode, without effect: %s",
			vcpu->index, err_describe(rc));
	cpu_loader_end(vcpu->run, false);
}

void guest_ucode_fini(struct guest_ucode *guest)
{
	free(guest->staged.data);
	guest->staged.data = NULL;
}
