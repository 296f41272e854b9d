/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader.c - detect the kernel's format, load it and what goes with it
 *
 * The kernel decides where it lies (1 MiB or above), the initrd goes as high as
 * it may, the command line and the parameters have fixed places in low memory.
 */
#include "boot/loader.h"

#include <errno.h>

#include "boot/cmdline.h"
#include "boot/image.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

static const struct format {
	bool (*detect)(const struct boot_file *file);
	int (*load)(const struct boot_file *file, const struct mem *mem,
		struct boot_image *ret);
} formats[] = {
	{ elf_detect, elf_load },
	{ bzimage_detect, bzimage_load },
};

static int load_kernel(const struct boot_files *files, const struct mem *mem,
	struct boot_image *ret)
{
	struct boot_file file;
	int rc = boot_file_init(
		&file, files->kernel_fd, "--kernel", files->kernel_path);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].detect(&file))
			return formats[i].load(&file, mem, ret);
	return boot_file_err(&file, -ENOEXEC,
		"neither a bzImage nor an ELF file; give a Linux kernel, "
		"uncompressed (vmlinux) or as a bzImage (vmlinuz)");
}

/* The initrd does not fit above `kernel_end`: say whether more memory would help. */
static int initrd_too_large(const struct boot_file *file, uint64_t kernel_end,
	uint64_t limit, const struct mem *mem)
{
	uint64_t need = align_up(file->size_bytes, MEM_PAGE_SIZE) + kernel_end;

	if (need > limit)
		return boot_file_err(file, -EFBIG,
			"%llu MiB are more than this kernel can take between "
			"its end and 0x%llx; give a smaller one",
			(unsigned long long)(align_up(file->size_bytes, MIB) /
					     MIB),
			(unsigned long long)limit);
	return boot_file_err(file, -ENOMEM,
		"with the kernel it needs %llu MiB of memory, the guest has "
		"%llu MiB; raise --memory",
		(unsigned long long)(align_up(need, MIB) / MIB),
		(unsigned long long)(mem->size_bytes / MIB));
}

/* As high as the kernel and RAM allow: it is in nobody's way there. */
static int load_initrd(const struct boot_files *files, const struct mem *mem,
	const struct boot_image *image, struct boot_extras *extras)
{
	uint64_t floor = align_up(image->end, MEM_PAGE_SIZE);
	uint64_t limit = MIN(image->initrd_limit, MEM_GAP_START);
	uint64_t top = MIN(limit, mem->region[0].size_bytes);
	struct boot_file file;
	uint64_t start;
	int rc;

	if (files->initrd_fd < 0)
		return 0;
	rc = boot_file_init(
		&file, files->initrd_fd, "--initrd", files->initrd_path);
	if (rc < 0)
		return rc;
	if (floor > top || file.size_bytes > top - floor)
		return initrd_too_large(&file, floor, limit, mem);
	start = align_down(top - file.size_bytes, MEM_PAGE_SIZE);
	extras->initrd = GPA(start);
	extras->initrd_bytes = file.size_bytes;
	return boot_file_load(&file, 0, file.size_bytes, mem, GPA(start));
}

static int load_cmdline(const struct boot_files *files,
	const struct machine *machine, uint64_t max, struct boot_extras *extras)
{
	CLEANUP(buf_fini) struct buf line = BUF_INIT;
	int rc = cmdline_build(&line, files->cmdline, machine,
		MIN(max, LOWMEM_CMDLINE_BYTES - 1));

	if (rc < 0)
		return rc;
	extras->cmdline = GPA(LOWMEM_CMDLINE);
	return mem_write(machine->mem, extras->cmdline, line.data, line.len);
}

int boot_load(const struct boot_files *files, const struct machine *machine,
	gpa_t rsdp, struct boot_entry *ret)
{
	struct boot_extras extras = { .rsdp = rsdp };
	struct boot_image image;
	gpa_t arg;
	int rc;

	err_clear();
	rc = load_kernel(files, machine->mem, &image);
	if (rc < 0)
		return rc;
	rc = load_initrd(files, machine->mem, &image, &extras);
	if (rc < 0)
		return rc;
	rc = load_cmdline(files, machine, image.cmdline_max, &extras);
	if (rc < 0)
		return rc;
	rc = boot_params_write(machine, &image, &extras, &arg);
	if (rc < 0)
		return rc;
	*ret = (struct boot_entry){ image.mode, image.entry, arg };
	return 0;
}
