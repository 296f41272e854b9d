/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmx.h - VMX as a hypervisor uses it (SDM vol. 3, 30, 31 and app. A, B)
 *
 * All of it runs in ring 0, on one CPU.
 */
#ifndef MUSTER_GUESTS_VMX_H
#define MUSTER_GUESTS_VMX_H

#include "tests/guests/rt/cpu.h"

/* ---- capabilities ---- */

#define MSR_FEATURE_CONTROL  0x3a
#define FEATURE_LOCKED_VMXON 5 /* locked, VMXON outside SMX */

/* The words of controls, each with its capability MSR (A.3 to A.5). */
enum vmx_word { VMX_PIN, VMX_PROC, VMX_EXIT, VMX_ENTRY, VMX_PROC2, VMX_WORDS };

#define PROC_HLT_EXITING  (1u << 7)
#define PROC_SECONDARY    (1u << 31)
#define PROC2_EPT         (1u << 1)
#define PROC2_VPID        (1u << 5)
#define EXIT_HOST_64_BIT  (1u << 9)
#define ENTRY_GUEST_64BIT (1u << 9)

/* IA32_VMX_EPT_VPID_CAP, and what it allows in an EPT pointer. */
#define EPT_WALK_4        (1u << 6)
#define EPT_WALK_5        (1u << 7)
#define EPT_UC            (1u << 8)
#define EPT_WB            (1u << 14)
#define EPT_2M            (1u << 16)
#define EPT_DIRTY         (1u << 21)
#define EPTP_UC           0u
#define EPTP_WB           6u
#define EPTP_WALK_4       (3u << 3)
#define EPTP_WALK_5       (4u << 3)
#define EPTP_DIRTY        (1u << 6)

struct vmx_capabilities {
	uint32_t revision;
	uint32_t region_size;
	bool true_controls; /* IA32_VMX_BASIC[55] */
	uint64_t cr0_fixed0, cr0_fixed1;
	uint64_t cr4_fixed0, cr4_fixed1;
	uint64_t plain[VMX_WORDS];   /* must be 1, and << 32 may be 1 */
	uint64_t precise[VMX_WORDS]; /* the TRUE MSRs where there are any */
	uint64_t ept_vpid;
};

/* Read the MSRs, of those that depend on others only what must be there. */
void vmx_read_capabilities(struct vmx_capabilities *ret);

/*
 * The algorithms of 31.5.1: a control that we know is as we want it, one that we do
 * not know has its default.  CHECKs that we get what we want.
 */
struct vmx_choice {
	uint32_t known[VMX_WORDS];
	uint32_t wanted[VMX_WORDS];
};

void vmx_derive(const struct vmx_capabilities *caps, bool use_true,
	const struct vmx_choice *choice, uint32_t ret[VMX_WORDS]);

/* Whether this one control of a word may be 1, or 0. */
bool vmx_may_be(const struct vmx_capabilities *caps, unsigned word,
	uint32_t control, bool value);

/* EPT as vmx_ept_pointer() needs it. */
bool vmx_has_ept(const struct vmx_capabilities *caps);

/* ---- instructions and their outcome (30.2) ---- */

enum vmx_outcome {
	VMX_SUCCEED,
	VMX_FAIL_INVALID, /* no current VMCS */
	VMX_FAIL_VALID,   /* vmx_error() has the number */
	VMX_FAULT,
};

enum vmx_error {
	VMX_ERROR_CONTROLS = 7, /* VM entry with invalid control field(s) */
	VMX_ERROR_REVISION =
		11, /* VMPTRLD with incorrect revision identifier */
};

/* A region of BASIC's size, zero, with the revision. */
void *vmx_region(unsigned number, const struct vmx_capabilities *caps);

enum vmx_outcome vmx_on(const void *region);
enum vmx_outcome vmx_off(void);
enum vmx_outcome vmx_clear(const void *vmcs);
enum vmx_outcome vmx_load(const void *vmcs);
void vmx_write(uint32_t field, uint64_t value);
uint64_t vmx_read(uint32_t field);
enum vmx_error vmx_error(void);

/* ---- the guest ---- */

struct vmx_registers {
	uint64_t rax, rbx, rcx, rdx;
};

enum vmx_entry { VMX_LAUNCH, VMX_RESUME };

/* Run the guest until it exits: VMX_SUCCEED; else there was no VM entry. */
enum vmx_outcome vmx_enter(struct vmx_registers *guest, enum vmx_entry how);

#define EXIT_CPUID               10
#define EXIT_HLT                 12

#define FIELD_EPT_POINTER        0x201a
#define FIELD_EXIT_REASON        0x4402
#define FIELD_INSTRUCTION_LENGTH 0x440c
#define FIELD_GUEST_RIP          0x681e

/* Where each word of controls goes in the VMCS. */
extern const uint32_t vmx_word_fields[VMX_WORDS];

/* Extended page tables that map the first GiB to itself. */
uint64_t vmx_ept_pointer(void);

/* The guest does CPUID and HLT for ever, in our page tables and descriptors. */
void vmx_fill_vmcs(
	const struct vmx_capabilities *caps, const uint32_t words[VMX_WORDS]);

#endif
