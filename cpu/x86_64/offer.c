/* SPDX-License-Identifier: Apache-2.0 */
/* offer.c - what this host's KVM can show a guest, by trying it on a vCPU */
#include "cpu/x86_64/offer.h"

#include <string.h>

#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

static int probe_cpuid(
	int vcpu_fd, const struct cpuid *supported, struct cpu_set *ret)
{
	struct cpuid shown;
	int rc = cpuid_apply(vcpu_fd, supported);

	if (!rc)
		rc = cpuid_read(vcpu_fd, &shown);
	if (rc)
		return rc;
	cpuid_keep_dynamic(&shown, supported);
	cpu_set_from_cpuid(ret, &shown);
	return 0;
}

/* The MSRs of which KVM says what it can show; there are some 30. */
struct feature_msrs {
	struct kvm_msr_list head;
	uint32_t index[256];
};

static int list_msrs(int kvm_fd, struct feature_msrs *ret)
{
	int rc;

	ret->head.nmsrs = ARRAY_SIZE(ret->index);
	rc = kvm_ioctl(kvm_fd, KVM_GET_MSR_FEATURE_INDEX_LIST, ret);
	if (rc < 0)
		return err_set(rc, "KVM_GET_MSR_FEATURE_INDEX_LIST: %s",
			strerror(-rc));
	return 0;
}

static bool is_listed(const struct feature_msrs *list, uint32_t msr)
{
	for (uint32_t i = 0; i < list->head.nmsrs; i++)
		if (list->index[i] == msr)
			return true;
	return false;
}

/*
 * The most that KVM says it can show, where the vCPU takes it; else what the vCPU
 * has without being asked.  Of MSRs that it does not list, Linux 6.12 says 0, and
 * would take it (kvm_do_msr_access); earlier kernels say nothing.
 */
static void probe_msr(int kvm_fd, int vcpu_fd, const struct feature_msrs *list,
	uint32_t msr, struct cpu_set *ret)
{
	uint64_t value;

	if (is_listed(list, msr) && !msr_read(kvm_fd, msr, &value))
		(void)msr_write(vcpu_fd, msr, value);
	if (!msr_read(vcpu_fd, msr, &value))
		(void)cpu_set_put_msr(ret, msr, value);
}

static bool has_vmx(const struct cpu_set *set)
{
	return cpu_set_cpuid(set, 1, 0, REG_ECX) & BIT(5);
}

int offer_probe(int kvm_fd, int vcpu_fd, const struct cpuid *supported,
	struct cpu_set *ret)
{
	struct feature_msrs list;
	int rc;

	*ret = (struct cpu_set){ 0 };
	rc = probe_cpuid(vcpu_fd, supported, ret);
	if (!rc)
		rc = list_msrs(kvm_fd, &list);
	for (unsigned row = 0; !rc && row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);

		/* Without VMX in CPUID its MSRs are not there. */
		if (reg->space == SPACE_CPUID ||
			(msr_is_vmx(reg->index) && !has_vmx(ret)))
			continue;
		probe_msr(kvm_fd, vcpu_fd, &list, reg->index, ret);
	}
	return rc;
}
