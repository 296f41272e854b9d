/* SPDX-License-Identifier: Apache-2.0 */
/* state_tab.c - the fields of vCPUs and of KVM's part of the machine */
#include "cpu/x86_64/vcpu_state.h"

#define REG(m) STATE_U64(struct kvm_regs, m)
static const struct state_field regs_fields[] = {
	REG(rax),
	REG(rbx),
	REG(rcx),
	REG(rdx),
	REG(rsi),
	REG(rdi),
	REG(rsp),
	REG(rbp),
	REG(r8),
	REG(r9),
	REG(r10),
	REG(r11),
	REG(r12),
	REG(r13),
	REG(r14),
	REG(r15),
	REG(rip),
	REG(rflags),
};
static const struct state_desc regs_desc = STATE_DESC(
	"regs", 1, struct kvm_regs, regs_fields);

static const struct state_field segment_fields[] = {
	STATE_U64(struct kvm_segment, base),
	STATE_U32(struct kvm_segment, limit),
	STATE_U16(struct kvm_segment, selector),
	STATE_U8(struct kvm_segment, type),
	STATE_U8(struct kvm_segment, present),
	STATE_U8(struct kvm_segment, dpl),
	STATE_U8(struct kvm_segment, db),
	STATE_U8(struct kvm_segment, s),
	STATE_U8(struct kvm_segment, l),
	STATE_U8(struct kvm_segment, g),
	STATE_U8(struct kvm_segment, avl),
	STATE_U8(struct kvm_segment, unusable),
};
static const struct state_desc segment_desc = STATE_DESC(
	"segment", 1, struct kvm_segment, segment_fields);

static const struct state_field dtable_fields[] = {
	STATE_U64(struct kvm_dtable, base),
	STATE_U16(struct kvm_dtable, limit),
};
static const struct state_desc dtable_desc = STATE_DESC(
	"dtable", 1, struct kvm_dtable, dtable_fields);

#define SEGMENT(m) STATE_OBJECT(struct kvm_sregs2, m, &segment_desc)
#define SREG(m)    STATE_U64(struct kvm_sregs2, m)
static const struct state_field sregs_fields[] = {
	SEGMENT(cs),
	SEGMENT(ds),
	SEGMENT(es),
	SEGMENT(fs),
	SEGMENT(gs),
	SEGMENT(ss),
	SEGMENT(tr),
	SEGMENT(ldt),
	STATE_OBJECT(struct kvm_sregs2, gdt, &dtable_desc),
	STATE_OBJECT(struct kvm_sregs2, idt, &dtable_desc),
	SREG(cr0),
	SREG(cr2),
	SREG(cr3),
	SREG(cr4),
	SREG(cr8),
	SREG(efer),
	SREG(apic_base),
	SREG(flags),
	STATE_U64S(struct kvm_sregs2, pdptrs),
};
static const struct state_desc sregs_desc = STATE_DESC(
	"sregs", 1, struct kvm_sregs2, sregs_fields);

static const struct state_field debugregs_fields[] = {
	STATE_U64S(struct kvm_debugregs, db),
	STATE_U64(struct kvm_debugregs, dr6),
	STATE_U64(struct kvm_debugregs, dr7),
};
static const struct state_desc debugregs_desc = STATE_DESC(
	"debugregs", 1, struct kvm_debugregs, debugregs_fields);

#define EVENT(m) STATE_U8(struct kvm_vcpu_events, m)
static const struct state_field events_fields[] = {
	EVENT(exception.injected),
	EVENT(exception.nr),
	EVENT(exception.has_error_code),
	EVENT(exception.pending),
	STATE_U32(struct kvm_vcpu_events, exception.error_code),
	EVENT(interrupt.injected),
	EVENT(interrupt.nr),
	EVENT(interrupt.soft),
	EVENT(interrupt.shadow),
	EVENT(nmi.injected),
	EVENT(nmi.pending),
	EVENT(nmi.masked),
	STATE_U32(struct kvm_vcpu_events, sipi_vector),
	STATE_U32(struct kvm_vcpu_events, flags),
	EVENT(smi.smm),
	EVENT(smi.pending),
	EVENT(smi.smm_inside_nmi),
	EVENT(smi.latched_init),
	EVENT(triple_fault.pending),
	EVENT(exception_has_payload),
	STATE_U64(struct kvm_vcpu_events, exception_payload),
};
static const struct state_desc events_desc = STATE_DESC(
	"events", 1, struct kvm_vcpu_events, events_fields);

static const struct state_field msr_fields[] = {
	STATE_U32(struct msr_state, index),
	STATE_U64(struct msr_state, value),
};
static const struct state_desc msr_desc = STATE_DESC(
	"msr", 1, struct msr_state, msr_fields);

#define VCPU(kind, m, ...) STATE_##kind(struct cpu_vcpu_state, m, ##__VA_ARGS__)
static const struct state_field vcpu_fields[] = {
	VCPU(U32, mp_state),
	VCPU(OBJECT, regs, &regs_desc),
	VCPU(OBJECT, sregs, &sregs_desc),
	VCPU(U64, xcr0),
	VCPU(OBJECT, debugregs, &debugregs_desc),
	VCPU(OBJECT, events, &events_desc),
	VCPU(BYTES, lapic.regs),
	VCPU(U64, tsc),
	VCPU(U64, tsc_deadline),
	VCPU(LIST, msrs, msr_count, STATE_MSRS_MAX, &msr_desc),
	VCPU(BLOB, xsave, xsave_bytes, STATE_XSAVE_MAX),
	VCPU(BLOB, nested, nested_bytes, STATE_NESTED_MAX),
};
const struct state_desc cpu_vcpu_state_desc = STATE_DESC(
	"vcpu", 1, struct cpu_vcpu_state, vcpu_fields);

/* ---- the machine ---- */

#define PIC(m) STATE_U8(struct kvm_pic_state, m)
static const struct state_field pic_fields[] = {
	PIC(last_irr),
	PIC(irr),
	PIC(imr),
	PIC(isr),
	PIC(priority_add),
	PIC(irq_base),
	PIC(read_reg_select),
	PIC(poll),
	PIC(special_mask),
	PIC(init_state),
	PIC(auto_eoi),
	PIC(rotate_on_auto_eoi),
	PIC(special_fully_nested_mode),
	PIC(init4),
	PIC(elcr),
	PIC(elcr_mask),
};
static const struct state_desc pic_desc = STATE_DESC(
	"pic", 1, struct kvm_pic_state, pic_fields);

typedef __typeof__(((struct kvm_ioapic_state *)0)->redirtbl[0]) ioapic_entry;
static const struct state_field entry_fields[] = {
	STATE_U64(ioapic_entry, bits),
};
static const struct state_desc entry_desc = STATE_DESC(
	"entry", 1, ioapic_entry, entry_fields);

/* Where it is in memory no guest decides. */
static const struct state_field ioapic_fields[] = {
	STATE_U32(struct kvm_ioapic_state, ioregsel),
	STATE_U32(struct kvm_ioapic_state, id),
	STATE_U32(struct kvm_ioapic_state, irr),
	STATE_OBJECTS(struct kvm_ioapic_state, redirtbl, &entry_desc),
};
static const struct state_desc ioapic_desc = STATE_DESC(
	"ioapic", 1, struct kvm_ioapic_state, ioapic_fields);

/* When a count began is the host's time; KVM begins anew. */
#define PIT(m) STATE_U8(struct kvm_pit_channel_state, m)
static const struct state_field channel_fields[] = {
	STATE_U32(struct kvm_pit_channel_state, count),
	STATE_U16(struct kvm_pit_channel_state, latched_count),
	PIT(count_latched),
	PIT(status_latched),
	PIT(status),
	PIT(read_state),
	PIT(write_state),
	PIT(write_latch),
	PIT(rw_mode),
	PIT(mode),
	PIT(bcd),
	PIT(gate),
};
static const struct state_desc channel_desc = STATE_DESC(
	"channel", 1, struct kvm_pit_channel_state, channel_fields);

static const struct state_field pit_fields[] = {
	STATE_OBJECTS(struct kvm_pit_state2, channels, &channel_desc),
	STATE_U32(struct kvm_pit_state2, flags),
};
static const struct state_desc pit_desc = STATE_DESC(
	"pit", 1, struct kvm_pit_state2, pit_fields);

static const struct state_field vm_fields[] = {
	STATE_OBJECTS(struct cpu_vm_state, pic, &pic_desc),
	STATE_OBJECT(struct cpu_vm_state, ioapic, &ioapic_desc),
	STATE_OBJECT(struct cpu_vm_state, pit, &pit_desc),
	STATE_U64(struct cpu_vm_state, kvmclock_ns),
	STATE_U64(struct cpu_vm_state, realtime_ns),
};
const struct state_desc cpu_vm_state_desc = STATE_DESC(
	"machine", 1, struct cpu_vm_state, vm_fields);
