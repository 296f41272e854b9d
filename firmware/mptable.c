/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mptable.c - the MP table (MP 1.4, chapter 4)
 *
 * Every I/O APIC input is described as an interrupt of one ISA bus, edge and
 * active high, with the same number on both sides: Linux then lets a device use
 * GSI n by the name of IRQ n, those past 15 included.
 */
#include "firmware/mptable.h"

#include <string.h>

#define MP_SPEC_1_4    4
#define LAPIC_VERSION  0x14 /* integrated */
#define IOAPIC_VERSION 0x11 /* 82093AA */
#define ISA_BUS        0
#define ALL_LAPICS     0xff

/* Entry types and what they say (4.3). */
enum { MP_PROCESSOR, MP_BUS, MP_IOAPIC, MP_INTERRUPT, MP_LOCAL_INTERRUPT };
enum { MP_INT = 0, MP_NMI = 1, MP_EXTINT = 3 };

#define CPU_ENABLED    BIT(0)
#define CPU_BOOTSTRAP  BIT(1)
#define IOAPIC_ENABLED BIT(0)

/* CPUID is what counts; this says "a P6 with FPU and APIC". */
#define CPU_SIGNATURE  0x600
#define CPU_FEATURES   (BIT(0) | BIT(9))

#define PACKED         __attribute__((packed))

struct mp_floating {
	char signature[4];
	uint32_t table;
	uint8_t length; /* in units of 16 bytes */
	uint8_t spec;
	uint8_t checksum;
	uint8_t feature[5]; /* 0: there is a table; virtual wire, no IMCR */
} PACKED;

struct mp_table {
	char signature[4];
	uint16_t length;
	uint8_t spec;
	uint8_t checksum;
	char oem_id[8];
	char product_id[12];
	uint32_t oem_table;
	uint16_t oem_size;
	uint16_t entries;
	uint32_t lapic;
	uint32_t extended;
} PACKED;

struct mp_processor {
	uint8_t type;
	uint8_t apic_id;
	uint8_t apic_version;
	uint8_t flags;
	uint32_t signature;
	uint32_t features;
	uint32_t reserved[2];
} PACKED;

struct mp_bus {
	uint8_t type;
	uint8_t id;
	char name[6];
} PACKED;

struct mp_ioapic {
	uint8_t type;
	uint8_t id;
	uint8_t version;
	uint8_t flags;
	uint32_t address;
} PACKED;

/* Also the local interrupt entry, whose destination is a LINT pin. */
struct mp_interrupt {
	uint8_t type;
	uint8_t kind;
	uint16_t flags; /* 0: as the bus has it */
	uint8_t bus;
	uint8_t bus_irq;
	uint8_t apic_id;
	uint8_t pin;
} PACKED;

_Static_assert(sizeof(struct mp_floating) == 16, "MP 1.4, 4.1");
_Static_assert(sizeof(struct mp_table) == 44, "MP 1.4, 4.2");
_Static_assert(sizeof(struct mp_processor) == 20, "MP 1.4, 4.3.1");
_Static_assert(sizeof(struct mp_interrupt) == 8, "MP 1.4, 4.3.4");

static uint8_t checksum(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)-sum;
}

static void add_processors(struct buf *out, unsigned cpus)
{
	for (unsigned i = 0; i < cpus; i++) {
		const struct mp_processor cpu = {
			.type = MP_PROCESSOR,
			.apic_id = (uint8_t)i,
			.apic_version = LAPIC_VERSION,
			.flags = CPU_ENABLED | (i ? 0 : CPU_BOOTSTRAP),
			.signature = CPU_SIGNATURE,
			.features = CPU_FEATURES,
		};

		buf_append(out, &cpu, sizeof(cpu));
	}
}

static void add_bus_and_ioapic(struct buf *out, uint8_t ioapic_id)
{
	struct mp_bus isa = { .type = MP_BUS, .id = ISA_BUS };
	const struct mp_ioapic ioapic = {
		.type = MP_IOAPIC,
		.id = ioapic_id,
		.version = IOAPIC_VERSION,
		.flags = IOAPIC_ENABLED,
		.address = MACHINE_IOAPIC_GPA,
	};

	memcpy(isa.name, "ISA   ", sizeof(isa.name));
	buf_append(out, &isa, sizeof(isa));
	buf_append(out, &ioapic, sizeof(ioapic));
}

static void add_interrupts(struct buf *out, uint8_t ioapic_id)
{
	const struct mp_interrupt lint[] = {
		{ MP_LOCAL_INTERRUPT, MP_EXTINT, 0, ISA_BUS, 0, 0, 0 },
		{ MP_LOCAL_INTERRUPT, MP_NMI, 0, ISA_BUS, 0, ALL_LAPICS, 1 },
	};

	for (uint8_t pin = 0; pin < MACHINE_IOAPIC_PINS; pin++) {
		const struct mp_interrupt input = { MP_INTERRUPT, MP_INT, 0,
			ISA_BUS, pin, ioapic_id, pin };

		buf_append(out, &input, sizeof(input));
	}
	buf_append(out, lint, sizeof(lint));
}

static void patch_headers(struct buf *out, gpa_t base, unsigned cpus)
{
	struct mp_floating floating = {
		.table = (uint32_t)base.v + sizeof(floating),
		.length = sizeof(floating) / 16,
		.spec = MP_SPEC_1_4,
	};
	struct mp_table table = {
		.length = (uint16_t)(out->len - sizeof(floating)),
		.spec = MP_SPEC_1_4,
		.entries = (uint16_t)(cpus + 2 + MACHINE_IOAPIC_PINS + 2),
		.lapic = MACHINE_LAPIC_GPA,
	};

	memcpy(floating.signature, "_MP_", sizeof(floating.signature));
	floating.checksum = checksum(&floating, sizeof(floating));
	buf_patch(out, 0, &floating, sizeof(floating));
	memcpy(table.signature, "PCMP", sizeof(table.signature));
	memcpy(table.oem_id, "MUSTER  ", sizeof(table.oem_id));
	memcpy(table.product_id, "MICROVM     ", sizeof(table.product_id));
	buf_patch(out, sizeof(floating), &table, sizeof(table));
	if (out->failed)
		return;
	table.checksum = checksum(out->data + sizeof(floating), table.length);
	buf_patch(out, sizeof(floating), &table, sizeof(table));
}

void mptable_build(struct buf *out, const struct machine *machine, gpa_t base)
{
	const uint8_t ioapic_id = (uint8_t)machine->cpus;

	buf_fill(out, 0, sizeof(struct mp_floating) + sizeof(struct mp_table));
	add_processors(out, machine->cpus);
	add_bus_and_ioapic(out, ioapic_id);
	add_interrupts(out, ioapic_id);
	patch_headers(out, base, machine->cpus);
}
