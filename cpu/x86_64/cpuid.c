/* SPDX-License-Identifier: Apache-2.0 */
/* cpuid.c - the CPUID that a guest sees (SDM vol. 2A, CPUID; APM vol. 3, E) */
#include "cpu/x86_64/x86.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

enum { EAX, EBX, ECX, EDX };

struct bits {
	uint32_t leaf;
	uint32_t subleaf;
	unsigned reg;
	uint32_t mask;
	const char *why;
};

/* What KVM writes itself, from the vCPU's other registers. */
static const struct bits dynamic[] = {
	{ 1, 0, ECX, BIT(3), "MONITOR: IA32_MISC_ENABLE[18]" },
	{ 1, 0, ECX, BIT(27), "OSXSAVE: CR4" },
	{ 7, 0, ECX, BIT(4), "OSPKE: CR4" },
	{ 0xd, 0, EBX, ~0u, "the size of what XCR0 enables" },
	{ 0xd, 1, EBX, ~0u, "the size of what XCR0 and IA32_XSS enable" },
};

uint32_t *cpuid_reg(struct kvm_cpuid_entry2 *e, unsigned reg)
{
	uint32_t *const regs[] = { &e->eax, &e->ebx, &e->ecx, &e->edx };

	return regs[reg];
}

struct kvm_cpuid_entry2 *cpuid_find(
	struct cpuid *cpuid, uint32_t leaf, uint32_t subleaf)
{
	for (uint32_t i = 0; i < cpuid->count; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entry[i];
		bool any = !(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX);

		if (e->function == leaf && (any || e->index == subleaf))
			return e;
	}
	return NULL;
}

#define ARCH_REQ_XCOMP_GUEST_PERM 0x1025
#define XFEATURE_XTILE_DATA       18

/*
 * AMX: KVM supports the tile data only in a process that has asked for it before
 * its first vCPU.  A kernel or a CPU that has none of it refuses, and that is all.
 */
static void ask_for_tiles(void)
{
	syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM, XFEATURE_XTILE_DATA);
}

/* KVM emulates it with any APIC in the kernel, and leaves it out of its list. */
static void add_tsc_deadline(int kvm_fd, struct cpuid *cpuid)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, 1, 0);

	if (e && kvm_check(kvm_fd, KVM_CAP_TSC_DEADLINE_TIMER))
		e->ecx |= BIT(24);
}

int cpuid_get_supported(int kvm_fd, struct cpuid *ret)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[CPUID_ENTRIES_MAX];
	} raw = { .head.nent = CPUID_ENTRIES_MAX };
	int rc;

	ask_for_tiles();
	rc = kvm_ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, &raw);
	if (rc < 0)
		return err_set(
			rc, "KVM_GET_SUPPORTED_CPUID: %s", strerror(-rc));
	ret->count = raw.head.nent;
	memcpy(ret->entry, raw.entry, sizeof(raw.entry));
	add_tsc_deadline(kvm_fd, ret);
	return 0;
}

int cpuid_apply(int vcpu_fd, const struct cpuid *cpuid)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[CPUID_ENTRIES_MAX];
	} raw = { .head.nent = cpuid->count };
	int rc;

	memcpy(raw.entry, cpuid->entry, sizeof(raw.entry));
	rc = kvm_ioctl(vcpu_fd, KVM_SET_CPUID2, &raw);
	if (rc < 0)
		return err_set(rc, "KVM_SET_CPUID2: %s", strerror(-rc));
	return 0;
}

/*
 * Linux before 6.3 leaves the count as it was given, and writes only as many entries
 * as there are: what is left of our zeros is none of them.
 */
static uint32_t written(const struct kvm_cpuid_entry2 *entry, uint32_t count)
{
	static const struct kvm_cpuid_entry2 none;

	while (count && !memcmp(&entry[count - 1], &none, sizeof(none)))
		count--;
	return count;
}

int cpuid_read(int vcpu_fd, struct cpuid *ret)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[CPUID_ENTRIES_MAX];
	} raw = { .head.nent = CPUID_ENTRIES_MAX };
	int rc = kvm_ioctl(vcpu_fd, KVM_GET_CPUID2, &raw);

	if (rc < 0)
		return err_set(rc, "KVM_GET_CPUID2: %s", strerror(-rc));
	ret->count = written(raw.entry, raw.head.nent);
	memcpy(ret->entry, raw.entry, sizeof(raw.entry));
	return 0;
}

void cpuid_keep_dynamic(struct cpuid *shown, const struct cpuid *given)
{
	struct cpuid copy = *given;

	for (unsigned i = 0; i < ARRAY_SIZE(dynamic); i++) {
		const struct bits *d = &dynamic[i];
		struct kvm_cpuid_entry2 *to = cpuid_find(
			shown, d->leaf, d->subleaf);
		struct kvm_cpuid_entry2 *from = cpuid_find(
			&copy, d->leaf, d->subleaf);

		if (!to || !from)
			continue;
		*cpuid_reg(to, d->reg) &= ~d->mask;
		*cpuid_reg(to, d->reg) |= *cpuid_reg(from, d->reg) & d->mask;
	}
}

void cpuid_hide_hypervisor(struct cpuid *cpuid)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, 1, 0);
	uint32_t kept = 0;

	if (e)
		e->ecx &= ~BIT(31);
	for (uint32_t i = 0; i < cpuid->count; i++)
		if (cpuid->entry[i].function >> 28 != 4)
			cpuid->entry[kept++] = cpuid->entry[i];
	cpuid->count = kept;
}
