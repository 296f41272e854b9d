/* SPDX-License-Identifier: Apache-2.0 */
/* vmx_enter.S - the way into the guest and back, and the guest */
#include "tests/guests/rt/layout.h"

#define FIELD_HOST_RSP 0x6c14
#define FIELD_HOST_RIP 0x6c16

#define FAIL_INVALID 1 /* enum vmx_outcome */
#define FAIL_VALID   2

	.text
	/*
	 * enum vmx_outcome vmx_enter(struct vmx_registers *guest,
	 *	enum vmx_entry how)
	 */
	.globl vmx_enter
vmx_enter:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdi
	mov $FIELD_HOST_RSP, %eax
	vmwrite %rsp, %rax
	mov $FIELD_HOST_RIP, %eax
	mov $3f, %ecx
	vmwrite %rcx, %rax

	test %esi, %esi
	mov (%rdi), %rax
	mov 8(%rdi), %rbx
	mov 16(%rdi), %rcx
	mov 24(%rdi), %rdx
	jnz 1f
	vmlaunch
	jmp 2f
1:	vmresume
2:	mov $FAIL_INVALID, %eax /* no VM entry: the flags say why */
	jc 4f
	mov $FAIL_VALID, %eax
	jmp 4f

3:	mov (%rsp), %rdi /* a VM exit */
	mov %rax, (%rdi)
	mov %rbx, 8(%rdi)
	mov %rcx, 16(%rdi)
	mov %rdx, 24(%rdi)
	/* The exit has left the TSS at 67H bytes, without the I/O bitmap (27.5.2). */
	andb $~2, gdt + SEL_TSS + 5
	mov $SEL_TSS, %eax
	ltr %ax
	xor %eax, %eax

4:	pop %rdi
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

	/* The guest: CPUID with the leaf that RAX and RCX have, then HLT. */
	.globl vmx_guest
vmx_guest:
	cpuid
	hlt
	jmp vmx_guest

	.section .note.GNU-stack, "", @progbits
