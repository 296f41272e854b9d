/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.h - plain data about the machine, for boot/ and firmware/ to read, and
 * the state in which boot/ wants the first vCPU to start, for cpu/ to load
 */
#ifndef MUSTER_CORE_MACHINE_H
#define MUSTER_CORE_MACHINE_H

#include "vmm/core/mem.h"

#define MACHINE_CPUS_MAX \
	254 /* xAPIC ids 0…253; 254 is the I/O APIC's, 255 all */
#define MACHINE_VIRTIO_MAX 16

/* One virtio-mmio window (virtio 1.2, 4.2) and its interrupt, edge-triggered. */
struct machine_virtio {
	gpa_t gpa;
	uint32_t size_bytes;
	uint32_t gsi;
};

/* Ports and interrupts that firmware/ describes and devices/ decode. */
#define MACHINE_KEYBOARD_PORT 0x60 /* data; its commands are the reset's */
#define MACHINE_KEYBOARD_GSI  1
#define MACHINE_MOUSE_GSI     12 /* never raised */
#define MACHINE_SERIAL_PORT   0x3f8
#define MACHINE_SERIAL_GSI    4
#define MACHINE_PVPANIC_PORT  0x505
#define MACHINE_SLEEP_PORT    0x600 /* ACPI sleep control; status is the next */
#define MACHINE_RESET_PORT    0x64
#define MACHINE_RESET_VALUE   0xfe
#define MACHINE_SLEEP_TYPE_S5 5

#define MACHINE_VMGENID_GSI   23

#define MACHINE_LAPIC_GPA     0xfee00000u
#define MACHINE_IOAPIC_GPA    0xfec00000u
#define MACHINE_IOAPIC_PINS   24

struct machine {
	const struct mem *mem;
	unsigned cpus; /* local APIC id == index */
	unsigned virtio_count;
	struct machine_virtio virtio[MACHINE_VIRTIO_MAX];
};

/*
 * Low memory that the VMM fills before the guest runs.  Everything from
 * LOWMEM_EBDA to 1 MiB is reserved in the guest's memory map.
 */
#define LOWMEM_GDT           0x500
#define LOWMEM_START_INFO    0x6000 /* PVH hvm_start_info and its tables */
#define LOWMEM_BOOT_PARAMS   0x7000 /* the "zero page" */
#define LOWMEM_PAGE_TABLES   0x9000 /* PML4, PDPT, 4 page directories */
#define LOWMEM_CMDLINE       0x20000
#define LOWMEM_CMDLINE_BYTES 0x10000
#define LOWMEM_EBDA          0x9fc00
#define LOWMEM_ACPI          0xe0000 /* RSDP first, where a BIOS would have it */
#define LOWMEM_ACPI_END      0xef000
#define LOWMEM_VMGENID       0xef000 /* a page: guests in snapshots know it */
#define LOWMEM_VMGENID_END   0xf0000
#define LOWMEM_MPTABLE       0xf0000 /* floating pointer first */
#define LOWMEM_MPTABLE_END   0xffff0
#define LOWMEM_RESET         0xffff0 /* where a warm reset starts */
#define LOWMEM_END           0x100000

enum boot_mode {
	BOOT_PROTECTED_32, /* PVH: flat 32-bit, paging off, ebx = arg */
	BOOT_LONG_64,      /* Linux 64-bit protocol: identity map, rsi = arg */
};

struct boot_entry {
	enum boot_mode mode;
	gpa_t entry;
	gpa_t arg;
};

#endif
