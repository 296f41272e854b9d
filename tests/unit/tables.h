/* SPDX-License-Identifier: Apache-2.0 */
/* tables.h - install the firmware's tables, and find them as a guest does */
#ifndef MUSTER_TESTS_UNIT_TABLES_H
#define MUSTER_TESTS_UNIT_TABLES_H

#include "tests/unit/unit.h"

#include "firmware/tables.h"

#define VIRTIO_AT   0xd0000000u
#define VIRTIO_STEP 0x1000u

struct fixture {
	struct mem mem;
	struct machine machine;
	gpa_t rsdp;
};

static inline void start(struct fixture *f, unsigned cpus, unsigned devices)
{
	*f = (struct fixture){ 0 };
	assert_int_equal(mem_init(&f->mem, 2 * MIB), 0);
	f->machine = (struct machine){
		.mem = &f->mem, .cpus = cpus, .virtio_count = devices
	};
	for (unsigned i = 0; i < devices; i++)
		f->machine.virtio[i] = (struct machine_virtio){
			GPA(VIRTIO_AT + i * VIRTIO_STEP), VIRTIO_STEP, 8 + i
		};
	assert_int_equal(firmware_install(&f->machine, &f->rsdp), 0);
}

static inline const uint8_t *guest(
	const struct fixture *f, uint64_t at, uint64_t len)
{
	const uint8_t *p = mem_ptr(&f->mem, GPA(at), len);

	assert_non_null(p);
	return p;
}

static inline uint64_t get(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, p, bytes);
	return v;
}

static inline void sums_to_zero(const uint8_t *p, uint64_t len)
{
	uint8_t sum = 0;

	for (uint64_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	assert_int_equal(sum, 0);
}

/* ---- ACPI: from the RSDP to a table ---- */

static inline const uint8_t *checked_table(const struct fixture *f, uint64_t at)
{
	uint64_t len = get(guest(f, at, 36) + 4, 4);

	assert_in_range(at, LOWMEM_ACPI, LOWMEM_ACPI_END - 1);
	assert_in_range(at + len, LOWMEM_ACPI, LOWMEM_ACPI_END);
	sums_to_zero(guest(f, at, len), len);
	return guest(f, at, len);
}

static inline const uint8_t *find_table(
	const struct fixture *f, const char *signature)
{
	const uint8_t *rsdp = guest(f, f->rsdp.v, 36);
	const uint8_t *xsdt = checked_table(f, get(rsdp + 24, 8));

	assert_memory_equal(xsdt, "XSDT", 4);
	for (uint64_t at = 36; at < get(xsdt + 4, 4); at += 8) {
		const uint8_t *table = checked_table(f, get(xsdt + at, 8));

		if (memcmp(table, signature, 4) == 0)
			return table;
	}
	fail_msg("no %s", signature);
	return NULL;
}

#endif
