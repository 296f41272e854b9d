/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_vm.c - save and load what KVM keeps for the whole machine
 *
 * Loading comes after the vCPUs: an interrupt that waits in the I/O APIC goes to
 * local APICs at once, and would be lost in one that is loaded later.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cpu/x86_64/vcpu_state.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

static int get_chip(int vm_fd, uint32_t id, struct kvm_irqchip *ret)
{
	*ret = (struct kvm_irqchip){ .chip_id = id };
	return clock_explain(
		kvm_ioctl(vm_fd, KVM_GET_IRQCHIP, ret), "KVM_GET_IRQCHIP");
}

int cpu_vm_save(const struct cpu_clock *clock, struct cpu_vm_state *ret)
{
	struct kvm_irqchip chip;
	int rc = 0;

	assert(clock->stands);
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; !rc && i < ARRAY_SIZE(ret->pic); i++) {
		rc = get_chip(clock->vm_fd, KVM_IRQCHIP_PIC_MASTER + i, &chip);
		ret->pic[i] = chip.chip.pic;
	}
	if (!rc)
		rc = get_chip(clock->vm_fd, KVM_IRQCHIP_IOAPIC, &chip);
	ret->ioapic = chip.chip.ioapic;
	if (!rc)
		rc = clock_explain(
			kvm_ioctl(clock->vm_fd, KVM_GET_PIT2, &ret->pit),
			"KVM_GET_PIT2");
	ret->kvmclock_ns = clock->kvmclock_ns;
	ret->realtime_ns = clock->realtime_ns;
	return rc;
}

static int set_chip(int vm_fd, struct kvm_irqchip *chip, const char *name)
{
	int rc = kvm_ioctl(vm_fd, KVM_SET_IRQCHIP, chip);

	return rc < 0 ? err_set(rc, "KVM refuses the registers of the %s: %s",
				name, strerror(-rc))
		      : 0;
}

static int load_chips(int vm_fd, const struct cpu_vm_state *s)
{
	struct kvm_irqchip master = {
		.chip_id = KVM_IRQCHIP_PIC_MASTER,
		.chip.pic = s->pic[0],
	};
	struct kvm_irqchip slave = {
		.chip_id = KVM_IRQCHIP_PIC_SLAVE,
		.chip.pic = s->pic[1],
	};
	struct kvm_irqchip ioapic = {
		.chip_id = KVM_IRQCHIP_IOAPIC,
		.chip.ioapic = s->ioapic,
	};
	int rc = set_chip(vm_fd, &master, "first PIC");

	ioapic.chip.ioapic.base_address = MACHINE_IOAPIC_GPA;
	if (!rc)
		rc = set_chip(vm_fd, &slave, "second PIC");
	return rc ? rc : set_chip(vm_fd, &ioapic, "I/O APIC");
}

int cpu_vm_load(struct cpu_clock *clock, const struct cpu_vm_state *state,
	enum clock_policy policy)
{
	struct kvm_pit_state2 pit = state->pit;
	int rc = load_chips(clock->vm_fd, state);

	if (rc)
		return rc;
	rc = kvm_ioctl(clock->vm_fd, KVM_SET_PIT2, &pit);
	if (rc < 0)
		return err_set(rc, "KVM refuses the registers of the PIT: %s",
			strerror(-rc));
	clock->kvmclock_ns = state->kvmclock_ns;
	clock->realtime_ns = state->realtime_ns;
	clock->loaded = true;
	clock->advance = policy == CLOCK_ADVANCE;
	clock->stands = true;
	return 0;
}
