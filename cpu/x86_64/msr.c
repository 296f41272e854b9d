/* SPDX-License-Identifier: Apache-2.0 */
/* msr.c - MSRs and local APIC as firmware would leave them (SDM vol. 3) */
#include "cpu/x86_64/x86.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

#define MSR_MISC_ENABLE   0x1a0
#define MISC_FAST_STRINGS BIT64(0)
#define MSR_MTRR_DEF_TYPE 0x2ff
#define MTRR_ENABLE       BIT64(11)
#define MTRR_WRITE_BACK   6ull

#define APIC_LVT_LINT0    0x350
#define APIC_LVT_LINT1    0x360
#define APIC_MODE_EXTINT  0x700
#define APIC_MODE_NMI     0x400

static const struct kvm_msr_entry initial[] = {
	{ .index = MSR_MISC_ENABLE, .data = MISC_FAST_STRINGS },
	/* Without it a guest computes its page attributes wrong. */
	{ .index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLE | MTRR_WRITE_BACK },
};

int msr_init(int vcpu_fd)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[ARRAY_SIZE(initial)];
	} raw = { .head.nmsrs = ARRAY_SIZE(initial) };
	int rc;

	memcpy(raw.entry, initial, sizeof(initial));
	rc = kvm_ioctl(vcpu_fd, KVM_SET_MSRS, &raw);
	if (rc < 0)
		return err_set(rc, "KVM_SET_MSRS: %s", strerror(-rc));
	/* KVM stops at the first that it refuses and returns how many it took. */
	if (rc < (int)ARRAY_SIZE(initial))
		return err_set(
			-ENOTSUP, "KVM refuses MSR %#x", initial[rc].index);
	return 0;
}

/* KVM says how many of the one it took; no error where it is unknown. */
static int one_msr(int fd, unsigned long request, uint32_t msr, uint64_t *value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} raw = { .head.nmsrs = 1, .entry = { .index = msr, .data = *value } };
	int rc = kvm_ioctl(fd, request, &raw);

	if (rc < 0)
		return rc;
	if (!rc)
		return -ENOENT;
	*value = raw.entry.data;
	return 0;
}

int msr_read(int fd, uint32_t msr, uint64_t *ret)
{
	uint64_t value = 0;
	int rc = one_msr(fd, KVM_GET_MSRS, msr, &value);

	if (!rc)
		*ret = value;
	return rc;
}

int msr_write(int vcpu_fd, uint32_t msr, uint64_t value)
{
	return one_msr(vcpu_fd, KVM_SET_MSRS, msr, &value);
}

static void set_lvt(
	struct kvm_lapic_state *apic, unsigned offset, uint32_t mode)
{
	memcpy(apic->regs + offset, &mode, sizeof(mode));
}

/* LINT0 takes the PIC and LINT1 the NMI, as both tables tell the guest. */
int lapic_init(int vcpu_fd)
{
	struct kvm_lapic_state apic;
	int rc = kvm_ioctl(vcpu_fd, KVM_GET_LAPIC, &apic);

	if (rc < 0)
		return err_set(rc, "KVM_GET_LAPIC: %s", strerror(-rc));
	set_lvt(&apic, APIC_LVT_LINT0, APIC_MODE_EXTINT);
	set_lvt(&apic, APIC_LVT_LINT1, APIC_MODE_NMI);
	rc = kvm_ioctl(vcpu_fd, KVM_SET_LAPIC, &apic);
	if (rc < 0)
		return err_set(rc, "KVM_SET_LAPIC: %s", strerror(-rc));
	return 0;
}
