/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bzimage.c - Linux bzImage by its 64-bit entry (Linux, x86/boot.rst)
 *
 * The file is a boot sector, setup_sects sectors of real-mode code that a
 * 64-bit loader leaves alone, and the protected-mode part, which is loaded.  The
 * setup header lies across the first two sectors.
 */
#include "boot/image.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/err.h"

#define SECTOR_BYTES     512
#define SETUP_HEADER_AT  0x1f1
#define HEADER_MAGIC_AT  0x202
#define HEADER_MAGIC     0x53726448 /* "HdrS" */
#define BOOT_FLAG        0xaa55
#define SETUP_SECTS_IF_0 4
#define ENTRY_64         0x200  /* from the start of the protected-mode part */
#define PROTOCOL_MIN     0x020c /* 2.12 brought xloadflags, Linux 3.8 */
#define LOAD_IF_NO_PREF  (16 * MIB)
#define KERNEL_ALIGN_MAX GIB

static int read_setup(const struct boot_file *file, struct setup_header *ret)
{
	size_t len;
	int rc = boot_file_read(file, SETUP_HEADER_AT, ret, sizeof(*ret));

	if (rc < 0)
		return rc;
	/* The header ends where the short jump over it lands (its 2nd byte). */
	len = HEADER_MAGIC_AT + (ret->jump >> 8) - SETUP_HEADER_AT;
	if (len < sizeof(*ret))
		memset((uint8_t *)ret + len, 0, sizeof(*ret) - len);
	return 0;
}

bool bzimage_detect(const struct boot_file *file)
{
	struct setup_header setup;

	return boot_file_read(file, SETUP_HEADER_AT, &setup, sizeof(setup)) ==
		       0 &&
	       setup.boot_flag == BOOT_FLAG && setup.header == HEADER_MAGIC;
}

static int check_setup(
	const struct boot_file *file, const struct setup_header *setup)
{
	if (setup->version < PROTOCOL_MIN)
		return boot_file_err(file, -ENOEXEC,
			"boot protocol %u.%02u is too old; give a kernel of "
			"Linux 3.8 or newer",
			setup->version >> 8, setup->version & 0xff);
	if (!(setup->xloadflags & XLF_KERNEL_64))
		return boot_file_err(file, -ENOEXEC,
			"a 32-bit kernel; give one built for x86-64");
	return 0;
}

/*
 * Where the kernel goes, or 0 if its header gives no usable address.  It would
 * move itself up to pref_address if it were loaded lower, so that there is no
 * use in trying lower when memory is short.
 */
static uint64_t choose_start(const struct setup_header *setup)
{
	uint64_t align = setup->kernel_alignment;

	if (setup->pref_address >= LOWMEM_END)
		return setup->pref_address;
	if (!setup->relocatable_kernel || !is_power_of_two(align) ||
		align > KERNEL_ALIGN_MAX)
		return 0;
	return align_up(LOAD_IF_NO_PREF, align);
}

int bzimage_load(const struct boot_file *file, const struct mem *mem,
	struct boot_image *ret)
{
	struct setup_header setup;
	uint64_t offset, bytes, start;
	int rc = read_setup(file, &setup);

	if (rc < 0)
		return rc;
	rc = check_setup(file, &setup);
	if (rc < 0)
		return rc;
	offset = setup.setup_sects ? setup.setup_sects : SETUP_SECTS_IF_0;
	offset = (offset + 1) * SECTOR_BYTES;
	bytes = setup.syssize * 16ull;
	if (bytes <= ENTRY_64 || bytes > setup.init_size)
		return boot_file_err(file, -EBADMSG,
			"its header is corrupt: syssize is 0x%x, init_size "
			"0x%x",
			setup.syssize, setup.init_size);
	start = choose_start(&setup);
	if (!start)
		return boot_file_err(file, -ENOEXEC,
			"its header gives no usable load address (0x%llx)",
			(unsigned long long)setup.pref_address);
	rc = boot_file_fits(file, mem, start, setup.init_size);
	if (rc < 0)
		return rc;
	rc = boot_file_load(file, offset, bytes, mem, GPA(start));
	if (rc < 0)
		return rc;
	*ret = (struct boot_image){
		.mode = BOOT_LONG_64,
		.entry = GPA(start + ENTRY_64),
		.end = start + setup.init_size,
		.initrd_limit = setup.initrd_addr_max + 1ull,
		.cmdline_max = setup.cmdline_size,
		.setup = setup,
	};
	return 0;
}
