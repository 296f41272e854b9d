/* SPDX-License-Identifier: Apache-2.0 */
/* acpi.h - build the ACPI tables (ACPI 6.4, chapter 5) */
#ifndef MUSTER_FIRMWARE_ACPI_H
#define MUSTER_FIRMWARE_ACPI_H

#include "vmm/base/buf.h"
#include "vmm/core/machine.h"

/*
 * Append RSDP, DSDT, FADT, MADT and XSDT to the empty `out`, as they are to lie
 * from `base` on; the RSDP comes first.  Errors show in out->failed.
 */
void acpi_build(struct buf *out, const struct machine *machine, gpa_t base);

/* Append the DSDT's AML, without the table's header. */
void dsdt_build(struct buf *out, const struct machine *machine);

#endif
