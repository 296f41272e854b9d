/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acpi.c - RSDP, XSDT, FADT and MADT of a hardware-reduced machine
 *
 * Hardware-reduced (ACPI 6.4, 3.11.1) means: no PM timer, no fixed events, no
 * SMI, no 8259 and no 8254 as far as the OS is concerned.  Power-off and reset
 * are one register each, and every interrupt is an I/O APIC input.
 */
#include "firmware/acpi.h"

#include <string.h>

#define OEM_ID       "MUSTER"
#define OEM_TABLE_ID "MUSTERVM"
#define CREATOR_ID   "MSTR"
#define TABLE_ALIGN  16

#define PACKED       __attribute__((packed))

struct table_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} PACKED;

_Static_assert(sizeof(struct table_header) == 36, "ACPI 6.4, table 5.4");

static uint8_t checksum(const uint8_t *data, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + data[i]);
	return (uint8_t)-sum;
}

/* Append a table's header on the next boundary; returns where it is. */
static size_t table_open(
	struct buf *out, const char signature[4], uint8_t revision)
{
	struct table_header header = {
		.revision = revision,
		.oem_id = OEM_ID,
		.oem_revision = 1,
		.creator_revision = 1,
	};
	size_t at;

	memcpy(header.signature, signature, sizeof(header.signature));
	memcpy(header.oem_table_id, OEM_TABLE_ID, sizeof(header.oem_table_id));
	memcpy(header.creator_id, CREATOR_ID, sizeof(header.creator_id));
	buf_fill(out, 0, align_up(out->len, TABLE_ALIGN) - out->len);
	at = out->len;
	buf_append(out, &header, sizeof(header));
	return at;
}

/* What was appended since is the table: fill in its length and checksum. */
static void table_close(struct buf *out, size_t at)
{
	uint32_t length = (uint32_t)(out->len - at);
	uint8_t sum;

	buf_patch(out, at + offsetof(struct table_header, length), &length,
		sizeof(length));
	if (out->failed)
		return;
	sum = checksum(out->data + at, length);
	buf_patch(out, at + offsetof(struct table_header, checksum), &sum,
		sizeof(sum));
}

/* ---- FADT (5.2.9) ---- */

#define FADT_REVISION        6
#define FADT_MINOR           4

/* IA-PC boot architecture flags (5.2.9.3).  Clear: LEGACY_DEVICES. */
#define BOOT_8042            BIT(1)
#define BOOT_VGA_NOT_PRESENT BIT(2)
#define BOOT_CMOS_RTC_ABSENT BIT(5)

#define FADT_WBINVD          BIT(0)
#define FADT_PROC_C1         BIT(2)
#define FADT_NO_POWER_BUTTON BIT(4)
#define FADT_NO_SLEEP_BUTTON BIT(5)
#define FADT_RESET_REG_SUP   BIT(10)
#define FADT_HW_REDUCED      BIT(20)

#define GAS_SYSTEM_IO        1
#define GAS_BYTE_ACCESS      1

struct generic_address {
	uint8_t space;
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t access_size;
	uint64_t address;
} PACKED;

/* What follows the header.  The gaps are fixed hardware that is not there. */
struct fadt {
	uint32_t facs;
	uint32_t dsdt;
	uint8_t fixed_hardware[65];
	uint16_t boot_flags;
	uint8_t reserved;
	uint32_t flags;
	struct generic_address reset_register;
	uint8_t reset_value;
	uint16_t arm_boot_flags;
	uint8_t minor_version;
	uint64_t x_facs;
	uint64_t x_dsdt;
	struct generic_address fixed_blocks[8];
	struct generic_address sleep_control;
	struct generic_address sleep_status;
	uint64_t hypervisor_vendor;
} PACKED;

#define FADT_OFFSET(field) \
	(sizeof(struct table_header) + offsetof(struct fadt, field))

_Static_assert(FADT_OFFSET(boot_flags) == 109, "ACPI 6.4, table 5.9");
_Static_assert(FADT_OFFSET(x_dsdt) == 140, "ACPI 6.4, table 5.9");
_Static_assert(FADT_OFFSET(sleep_control) == 244, "ACPI 6.4, table 5.9");
_Static_assert(sizeof(struct table_header) + sizeof(struct fadt) == 276,
	"ACPI 6.4, table 5.9");

static struct generic_address io_byte(uint16_t port)
{
	return (struct generic_address){ GAS_SYSTEM_IO, 8, 0, GAS_BYTE_ACCESS,
		port };
}

static size_t add_fadt(struct buf *out, uint64_t dsdt)
{
	const struct fadt fadt = {
		.dsdt = (uint32_t)dsdt,
		.boot_flags = BOOT_8042 | BOOT_VGA_NOT_PRESENT |
			      BOOT_CMOS_RTC_ABSENT,
		.flags = FADT_WBINVD | FADT_PROC_C1 | FADT_NO_POWER_BUTTON |
			 FADT_NO_SLEEP_BUTTON | FADT_RESET_REG_SUP |
			 FADT_HW_REDUCED,
		.reset_register = io_byte(MACHINE_RESET_PORT),
		.reset_value = MACHINE_RESET_VALUE,
		.minor_version = FADT_MINOR,
		.x_dsdt = dsdt,
		.sleep_control = io_byte(MACHINE_SLEEP_PORT),
		.sleep_status = io_byte(MACHINE_SLEEP_PORT + 1),
	};
	size_t at = table_open(out, "FACP", FADT_REVISION);

	buf_append(out, &fadt, sizeof(fadt));
	table_close(out, at);
	return at;
}

/* ---- MADT (5.2.12) ---- */

#define MADT_REVISION 5
#define MADT_ALL_CPUS 0xff
#define MADT_NMI_LINT 1 /* where a PC has its NMI */

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_LAPIC_NMI = 4 };

struct madt_lapic {
	uint8_t type, length;
	uint8_t processor_uid;
	uint8_t apic_id;
	uint32_t enabled;
} PACKED;

struct madt_ioapic {
	uint8_t type, length;
	uint8_t id;
	uint8_t reserved;
	uint32_t address;
	uint32_t gsi_base;
} PACKED;

struct madt_lapic_nmi {
	uint8_t type, length;
	uint8_t processor_uid;
	uint16_t flags; /* 0: as the bus has it */
	uint8_t lint;
} PACKED;

static size_t add_madt(struct buf *out, const struct machine *machine)
{
	const struct madt_ioapic ioapic = {
		.type = MADT_IOAPIC,
		.length = sizeof(ioapic),
		.id = (uint8_t)machine->cpus,
		.address = MACHINE_IOAPIC_GPA,
	};
	const struct madt_lapic_nmi nmi = {
		.type = MADT_LAPIC_NMI,
		.length = sizeof(nmi),
		.processor_uid = MADT_ALL_CPUS,
		.lint = MADT_NMI_LINT,
	};
	size_t at = table_open(out, "APIC", MADT_REVISION);

	buf_u32(out, MACHINE_LAPIC_GPA);
	buf_u32(out, 0); /* flags: no dual 8259 */
	for (unsigned i = 0; i < machine->cpus; i++) {
		const struct madt_lapic lapic = {
			.type = MADT_LAPIC,
			.length = sizeof(lapic),
			.processor_uid = (uint8_t)i,
			.apic_id = (uint8_t)i,
			.enabled = 1,
		};

		buf_append(out, &lapic, sizeof(lapic));
	}
	buf_append(out, &ioapic, sizeof(ioapic));
	buf_append(out, &nmi, sizeof(nmi));
	table_close(out, at);
	return at;
}

/* ---- the rest ---- */

#define DSDT_REVISION 2 /* integers have 64 bits */
#define XSDT_REVISION 1
#define RSDP_REVISION 2

struct rsdp {
	char signature[8];
	uint8_t checksum; /* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} PACKED;

_Static_assert(sizeof(struct rsdp) == 36, "ACPI 6.4, table 5.3");

static size_t add_dsdt(struct buf *out, const struct machine *machine)
{
	size_t at = table_open(out, "DSDT", DSDT_REVISION);

	dsdt_build(out, machine);
	table_close(out, at);
	return at;
}

static void patch_rsdp(struct buf *out, uint64_t xsdt)
{
	struct rsdp rsdp = {
		.oem_id = OEM_ID,
		.revision = RSDP_REVISION,
		.length = sizeof(rsdp),
		.xsdt = xsdt,
	};
	const uint8_t *bytes = (const uint8_t *)&rsdp;

	memcpy(rsdp.signature, "RSD PTR ", sizeof(rsdp.signature));
	rsdp.checksum = checksum(bytes, offsetof(struct rsdp, length));
	rsdp.extended_checksum = checksum(bytes, sizeof(rsdp));
	buf_patch(out, 0, &rsdp, sizeof(rsdp));
}

void acpi_build(struct buf *out, const struct machine *machine, gpa_t base)
{
	size_t dsdt, fadt, madt, xsdt;

	buf_fill(out, 0, sizeof(struct rsdp));
	dsdt = add_dsdt(out, machine);
	fadt = add_fadt(out, base.v + dsdt);
	madt = add_madt(out, machine);
	xsdt = table_open(out, "XSDT", XSDT_REVISION);
	buf_u64(out, base.v + fadt);
	buf_u64(out, base.v + madt);
	table_close(out, xsdt);
	patch_rsdp(out, base.v + xsdt);
}
