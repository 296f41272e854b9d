/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - between the loader and the formats: the file being read, and what a
 * format found in it
 *
 * A format's load function checks the file, copies the kernel into guest memory
 * and fills a boot_image.  Guest memory is fresh: what is not copied is zero.
 */
#ifndef MUSTER_BOOT_IMAGE_H
#define MUSTER_BOOT_IMAGE_H

#include <asm/bootparam.h>

#include "vmm/core/machine.h"

struct boot_file {
	int fd;             /* borrowed */
	const char *option; /* "--kernel", for the sentences */
	const char *path;
	uint64_t size_bytes;
};

/* A regular file that is not empty, or -errno with a sentence. */
int boot_file_init(
	struct boot_file *file, int fd, const char *option, const char *path);

/* `rc`, with a sentence that starts with the option and the path. */
int boot_file_err(const struct boot_file *file, int rc, const char *fmt, ...)
	PRINTF(3, 4);

/* All of [offset, offset + len), or an error: never a fault, never a part. */
int boot_file_read(
	const struct boot_file *file, uint64_t offset, void *to, uint64_t len);

/* The same into guest memory, which the caller has checked to be there. */
int boot_file_load(const struct boot_file *file, uint64_t offset, uint64_t len,
	const struct mem *mem, gpa_t gpa);

/* May the kernel occupy [start, start + len)?  0, or -errno with a sentence. */
int boot_file_fits(const struct boot_file *file, const struct mem *mem,
	uint64_t start, uint64_t len);

struct boot_image {
	enum boot_mode mode;
	gpa_t entry;
	uint64_t end;              /* after the kernel, bss included */
	uint64_t initrd_limit;     /* the initrd ends here or below */
	uint64_t cmdline_max;      /* bytes, without the NUL */
	struct setup_header setup; /* a bzImage's own, else zero */
};

bool bzimage_detect(const struct boot_file *file);
int bzimage_load(const struct boot_file *file, const struct mem *mem,
	struct boot_image *ret);

bool elf_detect(const struct boot_file *file);
int elf_load(const struct boot_file *file, const struct mem *mem,
	struct boot_image *ret);

/* What goes with the kernel, already in guest memory. */
struct boot_extras {
	gpa_t initrd;
	uint64_t initrd_bytes; /* 0: none */
	gpa_t cmdline;
	gpa_t rsdp;
};

/*
 * boot/$(ARCH)/: write what the kernel is handed (*ret_arg) and the tables that
 * its entry mode needs.  -EFAULT if low memory is not RAM.
 */
int boot_params_write(const struct machine *machine,
	const struct boot_image *image, const struct boot_extras *extras,
	gpa_t *ret_arg);

#endif
