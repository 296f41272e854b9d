/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_irq.h - the lines and doorbells of vmm/core/irq.h without KVM
 *
 * A program that links fake_irq.o before libmuster.a has these.  A line counts its
 * edges; the number of a line is its GSI.
 */
#ifndef MUSTER_TESTS_UNIT_FAKE_IRQ_H
#define MUSTER_TESTS_UNIT_FAKE_IRQ_H

#include "vmm/core/irq.h"

#define FAKE_GSIS 24

/* The edges raised on `gsi` since the last look. */
unsigned fake_irq_edges(uint32_t gsi);

/*
 * Let the nth call from now on of irq_line_init(), irq_pulse() or irq_doorbell()
 * fail.
 */
void fake_irq_fail_at(unsigned nth);

#endif
