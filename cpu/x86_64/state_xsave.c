/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_xsave.c - x87, SSE, AVX and what came after (SDM vol. 1, 13)
 *
 * The area is in the standard format: where a component lies is said by CPUID leaf
 * D, and the same on all CPUs that show the model.  Only the total size is each
 * host's own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/x86_64/model.h"
#include "cpu/x86_64/vcpu_state.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

#define LEAF            0xd
#define MXCSR           24
#define XSTATE_BV       512 /* which components hold something */
#define LEGACY_AND_HEAD 576
#define LEGACY_BITS     3u /* x87 and SSE are always there */
#define COMPONENT_FIRST 2
#define COMPONENT_LAST  62

static const char *const components[] = { "x87", "SSE", "AVX", "MPX bounds",
	"MPX configuration", "AVX-512 masks", "AVX-512 upper halves of ZMM0-15",
	"AVX-512 ZMM16-31", "processor trace", "protection keys", "PASID",
	"CET user", "CET supervisor", "HDC", "user interrupts", "LBR", "HWP",
	"AMX tile configuration", "AMX tile data" };

/* KVM copies as much as it says, and a page before it could say. */
static size_t host_bytes(const struct vcpu_target *t)
{
	size_t bytes = (size_t)kvm_check(t->vm_fd, KVM_CAP_XSAVE2);

	return MAX(bytes, sizeof(struct kvm_xsave));
}

static uint32_t leaf_d(
	const struct cpu_model *model, unsigned n, enum feature_cpuid_reg reg)
{
	return cpu_set_cpuid(&model->wanted, LEAF, n, reg);
}

static uint64_t model_components(const struct cpu_model *model)
{
	return LEGACY_BITS | leaf_d(model, 0, REG_EAX) |
	       (uint64_t)leaf_d(model, 0, REG_EDX) << 32 |
	       leaf_d(model, 1, REG_ECX) |
	       (uint64_t)leaf_d(model, 1, REG_EDX) << 32;
}

/* ---- save ---- */

/*
 * Some kernels also mark what the host has and the guest was not shown, and so never
 * used: another host may not have it.
 */
static void drop_hidden(const struct cpu_model *model, uint8_t *area)
{
	uint64_t held;

	memcpy(&held, area + XSTATE_BV, sizeof(held));
	held &= model_components(model);
	memcpy(area + XSTATE_BV, &held, sizeof(held));
}

int xsave_save(const struct vcpu_target *t, struct cpu_vcpu_state *ret)
{
	bool newer = kvm_check(t->vm_fd, KVM_CAP_XSAVE2);
	size_t bytes = host_bytes(t);
	CLEANUP_FREE uint8_t *area = NULL;
	int rc;

	if (bytes > STATE_XSAVE_MAX)
		return err_set(-ENOTSUP,
			"the XSAVE area has %zu bytes here; muster saves up to "
			"%llu",
			bytes, STATE_XSAVE_MAX);
	area = calloc(1, bytes);
	if (!area)
		return err_set(-ENOMEM, "no memory for the XSAVE area");
	rc = kvm_ioctl(t->fd, newer ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, area);
	if (rc < 0)
		return err_set(rc, "KVM_GET_XSAVE: %s", strerror(-rc));
	drop_hidden(t->model, area);
	ret->xsave = steal_ptr(&area);
	ret->xsave_bytes = (uint32_t)bytes;
	return 0;
}

/* ---- load ---- */

static int refuse_components(uint64_t unknown)
{
	unsigned n = (unsigned)__builtin_ctzll(unknown);
	const char *name = n < ARRAY_SIZE(components) ? components[n]
						      : "not defined";

	return err_set(-EBADMSG,
		"the XSAVE area holds component %u (%s), which the snapshot's "
		"CPU does not have",
		n, name);
}

/* The end of the last component that holds something. */
static uint64_t used_bytes(const struct cpu_model *model, uint64_t held)
{
	uint64_t end = LEGACY_AND_HEAD;

	for (unsigned n = COMPONENT_FIRST; n <= COMPONENT_LAST; n++)
		if (held & BIT64(n))
			end = MAX(end, (uint64_t)leaf_d(model, n, REG_EBX) +
					       leaf_d(model, n, REG_EAX));
	return end;
}

static int check_area(
	const struct vcpu_target *t, const struct cpu_vcpu_state *s)
{
	uint64_t held, used;

	if (s->xsave_bytes < LEGACY_AND_HEAD)
		return err_set(-EBADMSG,
			"the XSAVE area has %u bytes; %u are always there",
			s->xsave_bytes, LEGACY_AND_HEAD);
	memcpy(&held, s->xsave + XSTATE_BV, sizeof(held));
	if (held & ~model_components(t->model))
		return refuse_components(held & ~model_components(t->model));
	used = used_bytes(t->model, held);
	if (used > s->xsave_bytes)
		return err_set(-EBADMSG,
			"the XSAVE area has %u bytes, and its components need "
			"%" PRIu64,
			s->xsave_bytes, used);
	if (used > host_bytes(t))
		return err_set(-ENOTSUP,
			"the components of the XSAVE area need %" PRIu64
			" bytes, and this host's has %zu",
			used, host_bytes(t));
	return 0;
}

int xsave_load(const struct vcpu_target *t, const struct cpu_vcpu_state *s)
{
	size_t bytes = host_bytes(t);
	CLEANUP_FREE uint8_t *area = NULL;
	int rc = check_area(t, s);

	if (rc)
		return rc;
	area = calloc(1, bytes);
	if (!area)
		return err_set(-ENOMEM, "no memory for the XSAVE area");
	memcpy(area, s->xsave, MIN(bytes, s->xsave_bytes));
	rc = kvm_ioctl(t->fd, KVM_SET_XSAVE, area);
	if (rc < 0)
		return err_set(rc,
			"KVM refuses the XSAVE area (MXCSR %#x, XSTATE_BV "
			"%#" PRIx64 "): %s",
			*(uint32_t *)(void *)(area + MXCSR),
			*(uint64_t *)(void *)(area + XSTATE_BV), strerror(-rc));
	return 0;
}
