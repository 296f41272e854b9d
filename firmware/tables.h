/* SPDX-License-Identifier: Apache-2.0 */
/* tables.h - what the firmware leaves in memory, where a BIOS would have it */
#ifndef MUSTER_FIRMWARE_TABLES_H
#define MUSTER_FIRMWARE_TABLES_H

#include "vmm/core/machine.h"

/*
 * Write RSDP, XSDT, FADT, MADT and DSDT from LOWMEM_ACPI, the MP table from
 * LOWMEM_MPTABLE and real-mode code that resets the machine at LOWMEM_RESET.
 * *ret_rsdp is where the RSDP lies.  -ENOSPC with a sentence if they do not fit.
 */
int firmware_install(const struct machine *machine, gpa_t *ret_rsdp);

#endif
