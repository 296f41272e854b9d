// SPDX-License-Identifier: Apache-2.0
/* vmx_insn.c - the VMX instructions, the regions they take, and their outcome */
#include "tests/guests/rt/vmx.h"

#define REGIONS     4
#define REGION_MAX  4096
#define FIELD_ERROR 0x4400

static uint8_t regions[REGIONS][REGION_MAX] ALIGNED(4096);

void *vmx_region(unsigned number, const struct vmx_capabilities *caps)
{
	CHECK(number < REGIONS);
	CHECK(caps->region_size > 0 && caps->region_size <= REGION_MAX);
	memset(regions[number], 0, caps->region_size);
	*(uint32_t *)regions[number] = caps->revision;
	return regions[number];
}

static enum vmx_outcome outcome(bool carry, bool zero)
{
	return carry ? VMX_FAIL_INVALID : zero ? VMX_FAIL_VALID : VMX_SUCCEED;
}

/* The one instruction of these that hypervisors expect to fault (30.3, VMXON). */
enum vmx_outcome vmx_on(const void *region)
{
	uint64_t addr = (uint64_t)region;
	uint32_t ok = 0;
	uint8_t carry, zero;

	__asm__ volatile(TRY("vmxon %3\n\t"
			     "setc %1\n\t"
			     "setz %2",
		"%0")
			 : "+r"(ok), "=&q"(carry), "=&q"(zero)
			 : "m"(addr)
			 : "rax", "memory", "cc");
	return ok ? outcome(carry, zero) : VMX_FAULT;
}

#define ON_ADDRESS(name, insn)                                   \
	enum vmx_outcome name(const void *region)                \
	{                                                        \
		uint64_t addr = (uint64_t)region;                \
		bool carry, zero;                                \
		__asm__ volatile(insn " %2"                      \
				 : "=@ccc"(carry), "=@ccz"(zero) \
				 : "m"(addr)                     \
				 : "memory");                    \
		return outcome(carry, zero);                     \
	}
ON_ADDRESS(vmx_clear, "vmclear")
ON_ADDRESS(vmx_load, "vmptrld")

enum vmx_outcome vmx_off(void)
{
	bool carry, zero;

	__asm__ volatile("vmxoff" : "=@ccc"(carry), "=@ccz"(zero) : : "memory");
	return outcome(carry, zero);
}

void vmx_write(uint32_t field, uint64_t value)
{
	bool failed;

	__asm__ volatile("vmwrite %2, %1"
			 : "=@ccbe"(failed)
			 : "r"((uint64_t)field), "rm"(value)
			 : "memory");
	if (failed)
		print("VMWRITE of field %x\n", field);
	CHECK(!failed);
}

uint64_t vmx_read(uint32_t field)
{
	uint64_t value;
	bool failed;

	__asm__ volatile("vmread %2, %1"
			 : "=@ccbe"(failed), "=r"(value)
			 : "r"((uint64_t)field)
			 : "memory");
	CHECK(!failed);
	return value;
}

enum vmx_error vmx_error(void)
{
	return (enum vmx_error)vmx_read(FIELD_ERROR);
}
