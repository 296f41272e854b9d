/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.h - give an input to boot_load() as a kernel, and check its verdict */
#ifndef MUSTER_TESTS_FUZZ_KERNEL_H
#define MUSTER_TESTS_FUZZ_KERNEL_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot/loader.h"
#include "vmm/base/err.h"

#define KERNEL_RAM_BYTES (64 * MIB)

static inline void must(bool holds)
{
	if (!holds)
		abort();
}

/* A file with `data` in it, its bytes from `at` on replaced by `magic`. */
static inline int kernel_file(const uint8_t *data, size_t len, size_t at,
	const void *magic, size_t magic_len)
{
	int fd = memfd_create("kernel", MFD_CLOEXEC);

	must(fd >= 0);
	must(pwrite(fd, data, len, 0) == (ssize_t)len);
	if (len >= at + magic_len)
		must(pwrite(fd, magic, magic_len, (off_t)at) ==
			(ssize_t)magic_len);
	return fd;
}

/*
 * Accepted: the first instruction and the parameters are in RAM.  Refused: a
 * sentence says why.  Memory is kept from one input to the next, as no verdict
 * depends on what it holds.
 */
static inline void kernel_load(int fd)
{
	static struct mem mem;
	const struct boot_files files = {
		.kernel_fd = fd,
		.kernel_path = "kernel",
		.initrd_fd = fd, /* any file will do */
		.initrd_path = "initrd",
		.cmdline = BOOT_CMDLINE_DEFAULT,
	};
	const struct machine machine = { .mem = &mem, .cpus = 1 };
	struct boot_entry entry;
	int rc;

	if (!mem.count)
		must(mem_init(&mem, KERNEL_RAM_BYTES) == 0);
	err_clear();
	rc = boot_load(&files, &machine, GPA(LOWMEM_ACPI), &entry);
	must(rc <= 0);
	if (rc < 0) {
		must(err_text()[0] == '-');
	} else {
		must(entry.entry.v >= LOWMEM_END);
		must(mem_ptr(&mem, entry.entry, 1));
		must(mem_ptr(&mem, entry.arg, 1));
	}
	close(fd);
}

#endif
