/* SPDX-License-Identifier: Apache-2.0 */
/* offer.c - what this host's KVM can show a guest, by trying it on a vCPU */
#include "cpu/x86_64/offer.h"

#include "vmm/base/err.h"

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

/*
 * The most that KVM says it can show, where the vCPU takes it; else what the vCPU
 * has without being asked.
 */
static void probe_msr(
	int kvm_fd, int vcpu_fd, uint32_t msr, struct cpu_set *ret)
{
	uint64_t value;

	if (!msr_read(kvm_fd, msr, &value))
		(void)msr_write(vcpu_fd, msr, value);
	if (!msr_read(vcpu_fd, msr, &value))
		(void)cpu_set_put_msr(ret, msr, value);
}

int offer_probe(int kvm_fd, int vcpu_fd, const struct cpuid *supported,
	struct cpu_set *ret)
{
	int rc;

	*ret = (struct cpu_set){ 0 };
	rc = probe_cpuid(vcpu_fd, supported, ret);
	for (unsigned row = 0; !rc && row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);

		if (reg->space != SPACE_CPUID)
			probe_msr(kvm_fd, vcpu_fd, reg->index, ret);
	}
	return rc;
}
