/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start.S - from the PVH entry, or from a start-up IPI, to ring 3
 *
 * Some KVM backends emulate ring 0 and run ring 3 natively, and not every
 * instruction is emulated: so ring 0 is kept to what only it can do, in plain
 * integer instructions.  All tables are memory that ring 3 may write (U/S is
 * set at every level); payloads run with interrupts on and all ports open.
 */
#include "tests/guests/rt/layout.h"

#define CR0_PE	     1
#define CR0_PG	     0x80000000
#define CR4_PAE_SSE  0x620 /* PAE, OSFXSR, OSXMMEXCPT */
#define MSR_EFER     0xc0000080
#define EFER_LME     0x100
/*
 * Ports are open to ring 3 by IOPL too: QEMU's TCG reads no I/O bitmap from a TSS
 * that is marked busy, as that of a restored guest always is.
 */
#define RFLAGS_USER  0x3202 /* interrupts on, IOPL 3 */
#define PTE_TABLE    0x67 /* present, writable, user, accessed, dirty */
#define PTE_PAGE_2M  0xe7

	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 8, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad pvh_entry

	.text
	.code32
	.globl pvh_entry
pvh_entry: /* paging off, flat segments, %ebx: hvm_start_info */
	cld
	mov %ebx, hvm_start
	mov $0xff, %al /* nothing may come through the PIC */
	out %al, $0x21
	out %al, $0xa1
	xor %ebp, %ebp

enter_long: /* %ebp: this CPU's number */
	mov %ebp, %eax
	shl $TSS_SHIFT, %eax
	add $tss, %eax
	mov %ebp, %edi
	inc %edi
	shl $KERNEL_STACK_SHIFT, %edi
	add $kernel_stacks, %edi
	mov %edi, %esp
	mov %edi, TSS_RSP0(%eax)
	movw $TSS_BITMAP, TSS_BITMAP_OFFSET(%eax)

	mov %ebp, %edi /* the descriptor holds the base in three pieces */
	shl $4, %edi
	mov %ax, gdt + SEL_TSS + 2(%edi)
	shr $16, %eax
	mov %al, gdt + SEL_TSS + 4(%edi)
	mov %ah, gdt + SEL_TSS + 7(%edi)

	lgdt gdtr
	mov $CR4_PAE_SSE, %eax
	mov %eax, %cr4
	mov $pml4, %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	rdmsr
	or $EFER_LME, %eax
	wrmsr
	mov %cr0, %eax
	or $(CR0_PG | CR0_PE), %eax
	mov %eax, %cr0
	ljmp $SEL_CODE64, $long_mode

	.code64
long_mode:
	lidt idtr
	add $SEL_TSS, %edi
	ltr %di
	mov $SEL_USER_DATA, %eax
	mov %eax, %ds
	mov %eax, %es

	mov %ebp, %ecx
	inc %ecx
	shl $USER_STACK_SHIFT, %rcx
	add $user_stacks - 8, %rcx /* as after a call */
	mov %ebp, %edi
	push $SEL_USER_DATA
	push %rcx
	push $RFLAGS_USER
	push $SEL_USER_CODE
	push $cpu_main
	iretq

	.code32
ap_protected:
	mov $SEL_DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov ap_number, %ebp
	jmp enter_long

	/* Copied to TRAMPOLINE, where a start-up IPI enters it in real mode. */
	.code16
	.globl trampoline, trampoline_end
trampoline:
	cli
	cld
	xor %ax, %ax
	mov %ax, %ds
	lgdtl TRAMPOLINE + (1f - trampoline)
	mov %cr0, %eax
	or $CR0_PE, %eax
	mov %eax, %cr0
	ljmpl $SEL_CODE32, $ap_protected
1:	.word gdt_end - gdt - 1
	.long gdt
trampoline_end:

	.data
	.balign 4096
	.globl pdpt
pml4:	.quad pdpt + PTE_TABLE
	.fill 511, 8, 0
pdpt:	.quad pd + PTE_TABLE, pd + 4096 + PTE_TABLE
	.quad pd + 8192 + PTE_TABLE, pd + 12288 + PTE_TABLE
	.fill 508, 8, 0
pd: /* the first 4 GiB, identity */
	.set page, 0
	.rept 2048
	.quad (page << 21) | PTE_PAGE_2M
	.set page, page + 1
	.endr

	.balign 16
	.globl gdt
gdt:	.quad 0
	.quad 0x00af9b000000ffff /* SEL_CODE64 */
	.quad 0x00cf93000000ffff /* SEL_DATA */
	.quad 0x00cf9b000000ffff /* SEL_CODE32 */
	.quad 0
	.quad 0x00cff3000000ffff /* SEL_USER_DATA */
	.quad 0x00affb000000ffff /* SEL_USER_CODE */
	.quad 0
	.rept CPUS_MAX
	.quad 0x0000890000000fff, 0 /* SEL_TSS */
	.endr
gdt_end:
gdtr:	.word gdt_end - gdt - 1
	.quad gdt
idtr:	.word VECTORS * 16 - 1
	.quad idt

	.globl hvm_start, ap_number
hvm_start: .quad 0
ap_number: .long 0

	.bss
	.balign 4096
	.globl tss
tss:	.skip CPUS_MAX << TSS_SHIFT
kernel_stacks: .skip CPUS_MAX << KERNEL_STACK_SHIFT
user_stacks: .skip CPUS_MAX << USER_STACK_SHIFT

	.section .note.GNU-stack, "", @progbits
