/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bit_names.h - differences between CPUs as text for one sentence:
 * "CPUID.7.0:EBX avx2, avx512f; IA32_VMX_BASIC vmx-ins-outs and 12 more"
 */
#ifndef MUSTER_CPU_X86_64_BIT_NAMES_H
#define MUSTER_CPU_X86_64_BIT_NAMES_H

#include "cpu/x86_64/cpu_set.h"

#define BIT_NAMES_MAX 640 /* of ERR_TEXT_MAX */

/* Zeroed is empty. */
struct bit_names {
	unsigned count;   /* of names, those left out too */
	unsigned omitted; /* for want of room */
	char reg[24];     /* the register of the last name */
	char text[BIT_NAMES_MAX];
};

/* One feature of a row with its two values; NULL: bits without a name. */
void bit_names_add(struct bit_names *names, unsigned row,
	const struct feature *f, uint64_t wanted, uint64_t shown);

/* Every feature of a row in which two values of the register differ. */
void bit_names_add_row(
	struct bit_names *names, unsigned row, uint64_t wanted, uint64_t shown);

/* Of a register that no table has: `reg` is how it is called. */
void bit_names_add_raw(struct bit_names *names, const char *reg,
	uint64_t wanted, uint64_t shown);

/* Finish the text with "and N more", and return it. */
const char *bit_names_end(struct bit_names *names);

#endif
