/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traps.S - interrupts, faults, and the door from ring 3 into ring 0
 *
 * An interrupt counts itself, ends itself at the local APIC and returns.  A fault
 * goes on at fault_resume, once, where a payload has expected it, else in
 * fault_report().  ring0_call() enters ring 0 by the one #UD that is no fault:
 * neither INT n nor SYSCALL works under every KVM backend.
 */
#include "tests/guests/rt/layout.h"

#define VECTOR_UD  6
#define STUB_BYTES 16

/* Double fault, #TS, #NP, #SS, #GP, #PF, #AC push an error code. */
#define HAS_ERROR_CODE 0x27d00

	.text
	.balign STUB_BYTES
	.globl trap_stubs
trap_stubs:
	.set vector, 0
	.rept VECTORS
	.balign STUB_BYTES
	.if vector < VECTOR_IRQ
	.if !(HAS_ERROR_CODE & (1 << vector))
	push $0
	.endif
	push $vector
	jmp exception
	.else
	incl irq_count + 4 * vector
	jmp end_of_interrupt
	.endif
	.set vector, vector + 1
	.endr

end_of_interrupt:
	push %rax
	mov $LAPIC + LAPIC_EOI, %eax
	movl $0, (%rax)
	pop %rax
	iretq

exception: /* vector, error code, rip, cs, rflags, rsp, ss */
	cmpl $VECTOR_UD, (%rsp)
	jne 1f
	cmpq $ring0_door, 16(%rsp)
	jne 1f
	add $16, %rsp
	addq $2, (%rsp) /* go on behind the ud2 */
	call *%rax
	iretq
1:	pop fault_vector
	pop fault_error
	pop fault_rip
	mov %cr2, %rax
	mov %rax, fault_address
	cmpq $0, fault_resume
	jne 2f
	push $fault_report
	iretq
2:	push fault_resume
	movq $0, fault_resume
	iretq

	/* long ring0_call(long (*fn)(long), long arg) */
	.globl ring0_call
ring0_call:
	mov %rdi, %rax
	mov %rsi, %rdi
ring0_door:
	ud2
	ret

	/* For ring0_call(): wait for the next interrupt. */
	.globl ring0_wait
ring0_wait:
	sti
	hlt
	ret

	/* For ring0_call(): sleep for ever. */
	.globl ring0_halt
ring0_halt:
	cli
	hlt
	jmp ring0_halt

	/* For ring0_call(): a fault that no handler can be found for. */
	.globl ring0_triple_fault
ring0_triple_fault:
	lidt no_idt
	ud2

	.data
	.balign 8
no_idt:	.word 0
	.quad 0
	.globl fault_vector, fault_error, fault_rip, fault_address
fault_vector: .quad 0
fault_error: .quad 0
fault_rip: .quad 0
fault_address: .quad 0
	.globl fault_resume
fault_resume: .quad 0

	.section .note.GNU-stack, "", @progbits
