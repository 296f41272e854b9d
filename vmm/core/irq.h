/* SPDX-License-Identifier: Apache-2.0 */
/*
 * irq.h - interrupt lines into the guest and doorbells out of it
 *
 * An irq_line is an eventfd that KVM turns into an edge on a GSI (KVM_IRQFD); a
 * doorbell is an eventfd that KVM signals when the guest writes to an
 * address (KVM_IOEVENTFD), without an exit to user space.
 */
#ifndef MUSTER_CORE_IRQ_H
#define MUSTER_CORE_IRQ_H

#include "vmm/core/mem.h"

struct irq_line {
	int fd; /* eventfd, owned; -1 when not set up */
};

/* Route the I/O APIC's pins and the PIC's inputs one to one (KVM_SET_GSI_ROUTING). */
int irq_set_default_routes(int vm_fd);

/* 0 or -errno with a sentence. */
int irq_line_init(struct irq_line *line, int vm_fd, uint32_t gsi);
void irq_line_fini(struct irq_line *line);

/* Raise an edge.  Any thread; never blocks; one system call. */
void irq_line_raise(const struct irq_line *line);

/*
 * An edge that is in the interrupt controllers on return; a line's is brought
 * there by a work queue of KVM.  Any thread.  0 or -errno with a sentence.
 */
int irq_pulse(int vm_fd, uint32_t gsi);

/*
 * Signal `event_fd` when the guest writes to `gpa`, whatever it writes: one
 * doorbell serves all queues of a device, so that a machine with hundreds of queues
 * needs few descriptors.  The caller owns the descriptor and keeps it open for
 * the VM's life.
 */
int irq_doorbell(int vm_fd, int event_fd, gpa_t gpa);

#endif
