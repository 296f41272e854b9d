/* SPDX-License-Identifier: Apache-2.0 */
/* collect_kvm.c - what KVM offers, tried on a vCPU that never runs */
#include "cpu/x86_64/collect.h"

#include <string.h>

#include "cpu/x86_64/offer.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

struct scratch {
	int kvm_fd, vm_fd, vcpu_fd;
};

static void close_scratch(const struct scratch *s)
{
	close_fd(s->vcpu_fd);
	close_fd(s->vm_fd);
	close_fd(s->kvm_fd);
}

/* AMX is asked for with the supported CPUID: before there is a vCPU. */
static int open_scratch(struct scratch *s, struct cpuid *ret_supported)
{
	int rc = kvm_open(KVM_DEVICE, &s->kvm_fd);

	if (!rc)
		rc = cpuid_get_supported(s->kvm_fd, ret_supported);
	if (!rc)
		rc = kvm_create_vm(s->kvm_fd, &s->vm_fd);
	if (!rc)
		rc = cpu_vm_init(s->kvm_fd, s->vm_fd);
	if (rc)
		return rc;
	s->vcpu_fd = kvm_ioctl_val(s->vm_fd, KVM_CREATE_VCPU, 0);
	if (s->vcpu_fd < 0)
		return err_set(s->vcpu_fd, "KVM_CREATE_VCPU: %s",
			strerror(-s->vcpu_fd));
	return 0;
}

/* What each VM writes for itself is no offer: here, of the CPU we happen to be on. */
static void clear_machine_fields(struct cpu_set *set)
{
	for (unsigned row = 0; row < cpuid_regs_count; row++) {
		const struct feature_reg *reg = feature_row(row);

		for (unsigned i = 0; i < reg->count && set->present[row]; i++)
			if (reg->features[i].rule == RULE_MACHINE)
				cpu_set_put_field(
					set, row, &reg->features[i], 0);
	}
}

int collect_kvm(struct profile *ret)
{
	CLEANUP(close_scratch)
	struct scratch s = { .kvm_fd = -1, .vm_fd = -1, .vcpu_fd = -1 };
	struct cpuid supported;
	int rc = open_scratch(&s, &supported);
	int khz;

	if (!rc)
		rc = offer_probe(s.kvm_fd, s.vcpu_fd, &supported, &ret->kvm);
	if (rc)
		return rc;
	clear_machine_fields(&ret->kvm);
	khz = kvm_ioctl_val(s.vcpu_fd, KVM_GET_TSC_KHZ, 0);
	ret->tsc_khz = khz > 0 ? (uint64_t)khz : 0;
	ret->tsc_scaling = kvm_check(s.kvm_fd, KVM_CAP_TSC_CONTROL) > 0;
	return 0;
}
