// SPDX-License-Identifier: Apache-2.0
/*
 * vmx_vmcs.c - a VMCS for a guest in 64-bit mode (SDM vol. 3, app. B)
 *
 * The guest has our page tables, descriptor tables and mode; only its stack and
 * instructions are its own.  What is not named here is 0.
 */
#include "tests/guests/rt/vmx.h"

#define ACCESS_CODE64   0xa09b /* present, execute and read, L, G */
#define ACCESS_DATA     0xc093
#define ACCESS_TSS      0x8b
#define ACCESS_UNUSABLE 0x10000
#define TSS_LIMIT       0xfff
#define RFLAGS_RESERVED 2
#define DR7_RESERVED    0x400
#define ALL_EXCEPTIONS  0xffffffff
#define GUEST_VPID      1

#define FIELD_VPID      0x0000

struct field {
	uint32_t field;
	uint64_t value;
};

struct __attribute__((packed)) pseudo_descriptor {
	uint16_t limit;
	uint64_t base;
};

extern const uint8_t vmx_guest[], tss[];

static uint8_t guest_stack[4096] ALIGNED(16);

const uint32_t vmx_word_fields[VMX_WORDS] = {
	[VMX_PIN] = 0x4000,
	[VMX_PROC] = 0x4002,
	[VMX_EXIT] = 0x400c,
	[VMX_ENTRY] = 0x4012,
	[VMX_PROC2] = 0x401e,
};

static void write_all(const struct field *fields, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		vmx_write(fields[i].field, fields[i].value);
}

static void write_controls(
	const struct vmx_capabilities *caps, const uint32_t words[VMX_WORDS])
{
	static const struct field others[] = {
		{ 0x4004, ALL_EXCEPTIONS }, /* exception bitmap */
		{ 0x4006, 0 },              /* page-fault error code mask */
		{ 0x4008, 0 },              /* … and match: all */
		{ 0x400a, 0 },              /* CR3-target count */
		{ 0x400e, 0 },              /* VM-exit MSR-store count */
		{ 0x4010, 0 },              /* VM-exit MSR-load count */
		{ 0x4014, 0 },              /* VM-entry MSR-load count */
		{ 0x4016, 0 },              /* nothing is injected */
		{ 0x6000, 0 },              /* CR0 guest/host mask */
		{ 0x6002, 0 },              /* CR4 guest/host mask */
	};

	write_all(others, ARRAY_SIZE(others));
	for (unsigned i = 0; i < VMX_WORDS; i++)
		/* Without secondary controls their field is not there. */
		if (i != VMX_PROC2 || caps->plain[VMX_PROC2])
			vmx_write(vmx_word_fields[i], words[i]);
	if (words[VMX_PROC2] & PROC2_EPT)
		vmx_write(FIELD_EPT_POINTER, vmx_ept_pointer());
	if (words[VMX_PROC2] & PROC2_VPID)
		vmx_write(FIELD_VPID, GUEST_VPID);
}

static void write_host(const struct pseudo_descriptor *gdtr,
	const struct pseudo_descriptor *idtr)
{
	const struct field fields[] = {
		{ 0x0c00, 0 },          /* ES */
		{ 0x0c02, SEL_CODE64 }, /* CS */
		{ 0x0c04, SEL_DATA },   /* SS */
		{ 0x0c06, 0 },          /* DS */
		{ 0x0c08, 0 },          /* FS */
		{ 0x0c0a, 0 },          /* GS */
		{ 0x0c0c, SEL_TSS },    /* TR */
		{ 0x4c00, 0 },          /* IA32_SYSENTER_CS */
		{ 0x6c00, cr0_read() }, { 0x6c02, cr3_read() },
		{ 0x6c04, cr4_read() }, { 0x6c06, 0 }, /* FS base */
		{ 0x6c08, 0 },                         /* GS base */
		{ 0x6c0a, (uint64_t)tss }, { 0x6c0c, gdtr->base },
		{ 0x6c0e, idtr->base }, { 0x6c10, 0 }, /* IA32_SYSENTER_ESP */
		{ 0x6c12, 0 },                         /* IA32_SYSENTER_EIP */
	};

	write_all(fields, ARRAY_SIZE(fields));
}

static void write_guest_segments(const struct pseudo_descriptor *gdtr,
	const struct pseudo_descriptor *idtr)
{
	static const struct {
		uint32_t selector, limit, access;
	} segments[] = {
		{ 0, 0, ACCESS_UNUSABLE },                 /* ES */
		{ SEL_CODE64, 0xffffffff, ACCESS_CODE64 }, /* CS */
		{ SEL_DATA, 0xffffffff, ACCESS_DATA },     /* SS */
		{ 0, 0, ACCESS_UNUSABLE },                 /* DS */
		{ 0, 0, ACCESS_UNUSABLE },                 /* FS */
		{ 0, 0, ACCESS_UNUSABLE },                 /* GS */
		{ 0, 0, ACCESS_UNUSABLE },                 /* LDTR */
		{ SEL_TSS, TSS_LIMIT, ACCESS_TSS },        /* TR */
	};
	const struct field tables[] = {
		{ 0x4810, gdtr->limit },
		{ 0x4812, idtr->limit },
		{ 0x6814, (uint64_t)tss }, /* TR base */
		{ 0x6816, gdtr->base },
		{ 0x6818, idtr->base },
	};

	for (uint32_t i = 0; i < ARRAY_SIZE(segments); i++) {
		vmx_write(0x0800 + 2 * i, segments[i].selector);
		vmx_write(0x4800 + 2 * i, segments[i].limit);
		vmx_write(0x4814 + 2 * i, segments[i].access);
		vmx_write(0x6806 + 2 * i, 0); /* base */
	}
	write_all(tables, ARRAY_SIZE(tables));
}

static void write_guest_registers(void)
{
	const struct field fields[] = {
		{ 0x2800, ~0ull }, /* VMCS link pointer: none */
		{ 0x2802, 0 },     /* IA32_DEBUGCTL */
		{ 0x4824, 0 },     /* interruptibility state */
		{ 0x4826, 0 },     /* activity state: active */
		{ 0x482a, 0 },     /* IA32_SYSENTER_CS */
		{ 0x6800, cr0_read() }, { 0x6802, cr3_read() },
		{ 0x6804, cr4_read() }, { 0x681a, DR7_RESERVED },
		{ 0x681c, (uint64_t)(guest_stack + sizeof(guest_stack)) },
		{ FIELD_GUEST_RIP, (uint64_t)vmx_guest },
		{ 0x6820, RFLAGS_RESERVED },
		{ 0x6822, 0 }, /* pending debug exceptions */
		{ 0x6824, 0 }, /* IA32_SYSENTER_ESP */
		{ 0x6826, 0 }, /* IA32_SYSENTER_EIP */
	};

	write_all(fields, ARRAY_SIZE(fields));
}

void vmx_fill_vmcs(
	const struct vmx_capabilities *caps, const uint32_t words[VMX_WORDS])
{
	struct pseudo_descriptor gdtr, idtr;

	__asm__ volatile("sgdt %0" : "=m"(gdtr));
	__asm__ volatile("sidt %0" : "=m"(idtr));
	write_controls(caps, words);
	write_host(&gdtr, &idtr);
	write_guest_segments(&gdtr, &idtr);
	write_guest_registers();
}
