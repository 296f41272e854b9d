/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_set_diff.h - in which fields two CPUs differ, and fields in words */
#ifndef MUSTER_CPU_X86_64_CPU_SET_DIFF_H
#define MUSTER_CPU_X86_64_CPU_SET_DIFF_H

#include "cpu/x86_64/cpu_set.h"
#include "vmm/base/buf.h"

/* A field; without a feature, those bits of the register that have no name. */
struct cpu_field {
	unsigned row;
	const struct feature *feature;
};

/*
 * Call `each` for every field that differs; a register that one of them lacks
 * reads as 0 there.  Returns how many.
 */
unsigned cpu_set_each_difference(const struct cpu_set *a,
	const struct cpu_set *b,
	void (*each)(void *ctx, const struct cpu_field *field), void *ctx);

/* The same of one register, of which `differs` are the bits that do. */
unsigned cpu_row_each_difference(unsigned row, uint64_t differs,
	void (*each)(void *ctx, const struct cpu_field *field), void *ctx);

/* Has each logical CPU its own, like an APIC id, or the revision of its microcode? */
bool cpu_field_is_own(const struct cpu_field *field);

/* The bits of the register that no feature covers. */
uint64_t cpu_set_unnamed(const struct cpu_set *set, unsigned row);

/* "avx512f", or "CPUID.7.0:EBX, bits without a name". */
void cpu_field_put_name(const struct cpu_field *field, struct buf *out);

/* "1", "0x2e7", and of a VMX control "0 or 1", "always 0" or "always 1". */
void cpu_field_put_value(const struct cpu_set *set,
	const struct cpu_field *field, struct buf *out);

#endif
