/* SPDX-License-Identifier: Apache-2.0 */
/* layout.h - numbers that the assembler and the compiler both need */
#ifndef MUSTER_GUESTS_LAYOUT_H
#define MUSTER_GUESTS_LAYOUT_H

#define CPUS_MAX           8
#define USER_STACK_BYTES   16384
#define KERNEL_STACK_SHIFT 12
#define USER_STACK_SHIFT   14

/* A TSS of 4 KiB: the I/O bitmap at 0x68 opens ports 0 to 0x7cb7 to ring 3. */
#define TSS_SHIFT          12
#define TSS_RSP0           0x04
#define TSS_BITMAP_OFFSET  0x66
#define TSS_BITMAP         0x68

#define SEL_CODE64         0x08
#define SEL_DATA           0x10
#define SEL_CODE32         0x18
#define SEL_USER_DATA      0x2b
#define SEL_USER_CODE      0x33
#define SEL_TSS            0x40

/* Real-mode code of a starting CPU: one page that nobody else uses. */
#define TRAMPOLINE         0x8000

#define VECTORS            96
#define VECTOR_IRQ         32 /* the first that is not an exception */
#define LAPIC              0xfee00000
#define LAPIC_EOI          0xb0

#endif
