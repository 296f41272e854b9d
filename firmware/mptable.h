/* SPDX-License-Identifier: Apache-2.0 */
/* mptable.h - the MP table, for kernels without ACPI (Intel MP specification 1.4) */
#ifndef MUSTER_FIRMWARE_MPTABLE_H
#define MUSTER_FIRMWARE_MPTABLE_H

#include "vmm/base/buf.h"
#include "vmm/core/machine.h"

/*
 * Append the floating pointer and the configuration table to the empty `out`, as
 * they are to lie from `base` on.  Errors show in out->failed.
 */
void mptable_build(struct buf *out, const struct machine *machine, gpa_t base);

#endif
