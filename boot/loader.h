/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader.h - put a kernel, its initrd and its command line into guest memory
 *
 * The format is detected from the file: a Linux bzImage (64-bit entry), or a
 * 64-bit x86 ELF with a PVH note (preferred when present) or without (Linux
 * 64-bit boot protocol).  The files are untrusted: every offset, size and
 * address is checked before it is used.
 */
#ifndef MUSTER_BOOT_LOADER_H
#define MUSTER_BOOT_LOADER_H

#include "vmm/core/machine.h"

/* What a Linux guest on muster's devices wants when the user says nothing. */
#define BOOT_CMDLINE_DEFAULT "console=ttyS0 panic=-1"

/*
 * Open files that the caller has checked to be readable; the paths are for the
 * sentences.  initrd_fd is -1 without an initrd.
 */
struct boot_files {
	int kernel_fd;
	const char *kernel_path;
	int initrd_fd;
	const char *initrd_path;
	const char *cmdline;
};

/*
 * Load everything and write the boot parameters (zero page or PVH start info)
 * with the memory map; `rsdp` goes into them.  0, or -errno with a sentence that
 * names the option (--kernel, --initrd, --cmdline), the file and the remedy.
 */
int boot_load(const struct boot_files *files, const struct machine *machine,
	gpa_t rsdp, struct boot_entry *ret);

#endif
