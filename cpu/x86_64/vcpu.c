/* SPDX-License-Identifier: Apache-2.0 */
/* vcpu.c - a new vCPU: model, MSRs, local APIC, the state it starts in */
#include <string.h>

#include "cpu/x86_64/apply.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

/* Three pages below the BIOS for VMX's real mode; any hole in the map will do. */
#define KVM_IDENTITY_MAP_GPA 0xfffbc000ull
#define KVM_TSS_GPA          0xfffbd000ull

#define CR0_PE               BIT(0)
#define CR0_MP               BIT(1)
#define CR0_ET               BIT(4)
#define CR0_NE               BIT(5)
#define CR0_WP               BIT(16)
#define CR0_AM               BIT(18)
#define CR0_PG               BIT(31)
#define CR4_PAE              BIT(5)
#define EFER_LME             BIT(8)
#define EFER_LMA             BIT(10)
#define RFLAGS_RESERVED      BIT(1)

#define SELECTOR_CODE        0x10 /* __BOOT_CS */
#define SELECTOR_DATA        0x18 /* __BOOT_DS */
#define SELECTOR_TSS         0x20
#define GDT_ENTRIES          5

/* ---- the VM ---- */

static int explain(int rc, const char *what)
{
	return rc < 0 ? err_set(rc, "%s: %s", what, strerror(-rc)) : 0;
}

int cpu_vm_init(int kvm_fd, int vm_fd)
{
	uint64_t identity = KVM_IDENTITY_MAP_GPA;
	/* A guest that plays with port 61H must not make an exit each time. */
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	int rc = 0;

	if (kvm_check(kvm_fd, KVM_CAP_SET_IDENTITY_MAP_ADDR))
		rc = explain(
			kvm_ioctl(vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity),
			"KVM_SET_IDENTITY_MAP_ADDR");
	if (!rc && kvm_check(kvm_fd, KVM_CAP_SET_TSS_ADDR))
		rc = explain(
			kvm_ioctl_val(vm_fd, KVM_SET_TSS_ADDR, KVM_TSS_GPA),
			"KVM_SET_TSS_ADDR");
	if (!rc)
		rc = explain(kvm_ioctl(vm_fd, KVM_CREATE_IRQCHIP, NULL),
			"KVM_CREATE_IRQCHIP");
	if (!rc)
		rc = explain(kvm_ioctl(vm_fd, KVM_CREATE_PIT2, &pit),
			"KVM_CREATE_PIT2");
	return rc;
}

/* ---- a vCPU ---- */

int cpu_vcpu_init(int vcpu_fd, const struct cpu_model *model, unsigned index)
{
	int rc = apply_model(vcpu_fd, model, index);

	return rc ? rc : lapic_init(vcpu_fd);
}

static struct kvm_segment flat(uint16_t selector, bool code, bool long_mode)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = code ? 11
			     : 3, /* execute/read or read/write, accessed */
		.present = 1,
		.s = 1,
		.g = 1,
		.l = code && long_mode,
		.db = !(code && long_mode),
	};
}

static void set_segments(struct kvm_sregs *s, bool long_mode)
{
	struct kvm_segment data = flat(SELECTOR_DATA, false, long_mode);

	s->cs = flat(SELECTOR_CODE, true, long_mode);
	s->ds = s->es = s->fs = s->gs = s->ss = data;
	/* VM entry wants a busy TSS, and the PVH ABI a 32-bit one of 67H. */
	s->tr = (struct kvm_segment){
		.limit = 0x67,
		.selector = SELECTOR_TSS,
		.type = 11,
		.present = 1,
	};
	s->ldt = (struct kvm_segment){ .unusable = 1 };
	s->gdt = (struct kvm_dtable){
		.base = LOWMEM_GDT,
		.limit = GDT_ENTRIES * sizeof(uint64_t) - 1,
	};
	s->idt = (struct kvm_dtable){ 0 };
}

static void set_mode(struct kvm_sregs *s, bool long_mode)
{
	s->cr0 = CR0_PE | CR0_ET;
	s->cr4 = 0;
	s->efer = 0;
	if (!long_mode)
		return;
	s->cr0 |= CR0_MP | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
	s->cr3 = LOWMEM_PAGE_TABLES;
	s->cr4 = CR4_PAE;
	s->efer = EFER_LME | EFER_LMA;
}

int cpu_vcpu_enter(int vcpu_fd, const struct boot_entry *entry)
{
	bool long_mode = entry->mode == BOOT_LONG_64;
	struct kvm_regs regs = {
		.rip = entry->entry.v,
		.rflags = RFLAGS_RESERVED,
		.rbx = long_mode ? 0 : entry->arg.v,
		.rsi = long_mode ? entry->arg.v : 0,
	};
	struct kvm_sregs sregs;
	int rc = kvm_ioctl(vcpu_fd, KVM_GET_SREGS, &sregs);

	if (rc < 0)
		return err_set(rc, "KVM_GET_SREGS: %s", strerror(-rc));
	set_segments(&sregs, long_mode);
	set_mode(&sregs, long_mode);
	rc = kvm_ioctl(vcpu_fd, KVM_SET_SREGS, &sregs);
	if (rc < 0)
		return err_set(rc, "KVM_SET_SREGS: %s", strerror(-rc));
	rc = kvm_ioctl(vcpu_fd, KVM_SET_REGS, &regs);
	if (rc < 0)
		return err_set(rc, "KVM_SET_REGS: %s", strerror(-rc));
	return 0;
}
