/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.h - CPUID, MSRs and control registers, and instructions that may fault */
#ifndef MUSTER_GUESTS_CPU_H
#define MUSTER_GUESTS_CPU_H

#include "tests/guests/rt/rt.h"

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid c;

	__asm__ volatile("cpuid"
			 : "=a"(c.eax), "=b"(c.ebx), "=c"(c.ecx), "=d"(c.edx)
			 : "a"(leaf), "c"(subleaf));
	return c;
}

/*
 * In ring 0: INSN, and 1 in operand `ok` if it went through; else the exception
 * is over.  The trap handler uses RAX.
 */
#define TRY(insn, ok)                            \
	"movq $1f, fault_resume\n\t" insn "\n\t" \
	"movl $1, " ok "\n"                      \
	"1: movq $0, fault_resume\n\t"

/* From ring 0; false: the MSR raises an exception. */
bool msr_read_ring0(uint32_t msr, uint64_t *ret);

/* The same from ring 3. */
bool msr_read(uint32_t msr, uint64_t *ret);

/* ---- ring 0 ---- */

#define CR(name)                                                            \
	static inline uint64_t name##_read(void)                            \
	{                                                                   \
		uint64_t v;                                                 \
		__asm__ volatile("mov %%" #name ", %0" : "=r"(v));          \
		return v;                                                   \
	}                                                                   \
	static inline void name##_write(uint64_t v)                         \
	{                                                                   \
		__asm__ volatile("mov %0, %%" #name : : "r"(v) : "memory"); \
	}
CR(cr0)
CR(cr3)
CR(cr4)
#undef CR

#endif
