/* SPDX-License-Identifier: Apache-2.0 */
/*
 * params.c - what the kernel is handed: Linux's "zero page" (x86/zero-page.rst),
 * or PVH's start info (Xen, public/arch-x86/hvm/start_info.h)
 */
#include <string.h>

#include "boot/image.h"
#include "boot/x86_64/entry.h"

/* A type of the e820 call; PVH uses the same numbers. */
enum { MAP_RAM = 1, MAP_RESERVED = 2 };

#define MAP_ENTRIES_MAX (MEM_REGIONS_MAX + 2)

struct map_entry {
	uint64_t start;
	uint64_t size;
	uint32_t type;
};

/* Low RAM, the firmware's area at the end of the first MiB, and the rest. */
static unsigned build_map(
	const struct mem *mem, struct map_entry map[MAP_ENTRIES_MAX])
{
	unsigned n = 0;

	map[n++] = (struct map_entry){ 0, LOWMEM_EBDA, MAP_RAM };
	map[n++] = (struct map_entry){ LOWMEM_EBDA, LOWMEM_END - LOWMEM_EBDA,
		MAP_RESERVED };
	for (unsigned i = 0; i < mem->count; i++) {
		uint64_t start = MAX(mem->region[i].gpa.v, LOWMEM_END);
		uint64_t end = mem->region[i].gpa.v + mem->region[i].size_bytes;

		if (start < end)
			map[n++] = (struct map_entry){ start, end - start,
				MAP_RAM };
	}
	return n;
}

/* ---- the zero page ---- */

#define BOOT_FLAG              0xaa55
#define HEADER_MAGIC           0x53726448 /* "HdrS" */
#define PROTOCOL_VERSION       0x020f     /* 2.15, the last that adds fields */
#define LOADER_TYPE_UNASSIGNED 0xff

_Static_assert(sizeof(struct boot_params) == 4096, "zero page");

static int write_zero_page(const struct machine *machine,
	const struct boot_image *image, const struct boot_extras *extras)
{
	struct map_entry map[MAP_ENTRIES_MAX];
	unsigned n = build_map(machine->mem, map);
	struct boot_params params = {
		.hdr = image->setup,
		.acpi_rsdp_addr = extras->rsdp.v,
		.e820_entries = (uint8_t)n,
	};

	/* A vmlinux brings no setup header: say what a boot loader would. */
	params.hdr.boot_flag = BOOT_FLAG;
	params.hdr.header = HEADER_MAGIC;
	if (!params.hdr.version)
		params.hdr.version = PROTOCOL_VERSION;
	params.hdr.type_of_loader = LOADER_TYPE_UNASSIGNED;
	params.hdr.loadflags |= LOADED_HIGH;
	params.hdr.cmd_line_ptr = (uint32_t)extras->cmdline.v;
	params.hdr.ramdisk_image = (uint32_t)extras->initrd.v;
	params.hdr.ramdisk_size = (uint32_t)extras->initrd_bytes;
	for (unsigned i = 0; i < n; i++)
		params.e820_table[i] = (struct boot_e820_entry){ map[i].start,
			map[i].size, map[i].type };
	return mem_write(
		machine->mem, GPA(LOWMEM_BOOT_PARAMS), &params, sizeof(params));
}

/* ---- PVH ---- */

#define START_INFO_MAGIC   0x336ec578
#define START_INFO_VERSION 1 /* the first with a memory map */

struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t modules_count;
	uint64_t modules_gpa;
	uint64_t cmdline_gpa;
	uint64_t rsdp_gpa;
	uint64_t map_gpa;
	uint32_t map_count;
	uint32_t reserved;
};

struct start_module {
	uint64_t gpa;
	uint64_t size;
	uint64_t cmdline_gpa;
	uint64_t reserved;
};

struct start_map_entry {
	uint64_t start;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

/* As it lies in guest memory: no padding anywhere. */
struct start_block {
	struct start_info info;
	struct start_module initrd;
	struct start_map_entry map[MAP_ENTRIES_MAX];
};

_Static_assert(sizeof(struct start_info) == 56, "hvm_start_info");
_Static_assert(
	LOWMEM_START_INFO + sizeof(struct start_block) <= LOWMEM_BOOT_PARAMS,
	"start info");

static uint64_t block_gpa(size_t offset)
{
	return LOWMEM_START_INFO + offset;
}

static int write_start_info(
	const struct machine *machine, const struct boot_extras *extras)
{
	struct map_entry map[MAP_ENTRIES_MAX];
	unsigned n = build_map(machine->mem, map);
	struct start_block block = {
		.info = {
			.magic = START_INFO_MAGIC,
			.version = START_INFO_VERSION,
			.modules_count = extras->initrd_bytes ? 1 : 0,
			.modules_gpa = block_gpa(
				offsetof(struct start_block, initrd)),
			.cmdline_gpa = extras->cmdline.v,
			.rsdp_gpa = extras->rsdp.v,
			.map_gpa = block_gpa(
				offsetof(struct start_block, map)),
			.map_count = n,
		},
		.initrd = {
			.gpa = extras->initrd.v,
			.size = extras->initrd_bytes,
		},
	};

	for (unsigned i = 0; i < n; i++)
		block.map[i] = (struct start_map_entry){ map[i].start,
			map[i].size, map[i].type, 0 };
	return mem_write(
		machine->mem, GPA(LOWMEM_START_INFO), &block, sizeof(block));
}

/* ---- both ---- */

int boot_params_write(const struct machine *machine,
	const struct boot_image *image, const struct boot_extras *extras,
	gpa_t *ret_arg)
{
	int rc;

	if (image->mode == BOOT_PROTECTED_32) {
		*ret_arg = GPA(LOWMEM_START_INFO);
		return write_start_info(machine, extras);
	}
	rc = entry_write_long_mode(machine->mem);
	if (rc < 0)
		return rc;
	*ret_arg = GPA(LOWMEM_BOOT_PARAMS);
	return write_zero_page(machine, image, extras);
}
