/* SPDX-License-Identifier: Apache-2.0 */
/* firmware.c - ACPI and MP tables as a guest finds them: checksums and entries */
#include "tests/unit/tables.h"

#include <errno.h>

#include "vmm/base/err.h"

static void rsdp_is_where_a_bios_would_have_it(void **state)
{
	const uint8_t *rsdp;
	struct fixture f;

	(void)state;
	start(&f, 1, 0);
	assert_int_equal(f.rsdp.v, 0xe0000);
	rsdp = guest(&f, f.rsdp.v, 36);
	assert_memory_equal(rsdp, "RSD PTR ", 8);
	assert_int_equal(rsdp[15], 2);
	sums_to_zero(rsdp, 20);
	sums_to_zero(rsdp, 36);
	mem_fini(&f.mem);
}

static void fadt_describes_a_hardware_reduced_machine(void **state)
{
	const uint8_t *fadt;
	struct fixture f;

	(void)state;
	start(&f, 1, 0);
	fadt = find_table(&f, "FACP");
	assert_int_equal(get(fadt + 4, 4), 276);
	assert_int_equal(fadt[8], 6);
	assert_int_equal(get(fadt + 109, 2), 0x26);
	assert_int_equal(
		get(fadt + 112, 4) & (BIT(20) | BIT(10)), BIT(20) | BIT(10));
	/* I/O space, 8 bits wide, accessed as a byte. */
	assert_int_equal(get(fadt + 116, 4), 0x01000801);
	assert_int_equal(get(fadt + 120, 8), MACHINE_RESET_PORT);
	assert_int_equal(fadt[128], MACHINE_RESET_VALUE);
	assert_int_equal(get(fadt + 244, 4), 0x01000801);
	assert_int_equal(get(fadt + 248, 8), MACHINE_SLEEP_PORT);
	assert_int_equal(get(fadt + 260, 8), MACHINE_SLEEP_PORT + 1);
	assert_memory_equal(checked_table(&f, get(fadt + 140, 8)), "DSDT", 4);
	mem_fini(&f.mem);
}

static void madt_lists(unsigned cpus)
{
	unsigned lapics = 0, ioapics = 0, nmis = 0;
	const uint8_t *madt, *e;
	struct fixture f;

	start(&f, cpus, 0);
	madt = find_table(&f, "APIC");
	assert_int_equal(get(madt + 36, 4), MACHINE_LAPIC_GPA);
	assert_int_equal(get(madt + 40, 4), 0);
	for (e = madt + 44; e < madt + get(madt + 4, 4); e += e[1]) {
		switch (e[0]) {
		case 0:
			assert_int_equal(e[1], 8);
			assert_int_equal(e[2], lapics);
			assert_int_equal(e[3], lapics++);
			assert_int_equal(get(e + 4, 4), 1);
			break;
		case 1:
			assert_int_equal(e[1], 12);
			assert_int_equal(e[2], cpus);
			assert_int_equal(get(e + 4, 4), MACHINE_IOAPIC_GPA);
			assert_int_equal(get(e + 8, 4), 0);
			ioapics++;
			break;
		case 4:
			assert_int_equal(e[1], 6);
			assert_int_equal(e[2], 0xff);
			assert_int_equal(e[5], 1);
			nmis++;
			break;
		default:
			fail_msg("entry of type %u", e[0]);
		}
	}
	assert_ptr_equal(e, madt + get(madt + 4, 4));
	assert_int_equal(lapics, cpus);
	assert_int_equal(ioapics, 1);
	assert_int_equal(nmis, 1);
	mem_fini(&f.mem);
}

static void madt_lists_every_cpu(void **state)
{
	(void)state;
	madt_lists(1);
	madt_lists(4);
	madt_lists(MACHINE_CPUS_MAX);
}

/* ---- MP table ---- */

static void mptable_lists(unsigned cpus)
{
	static const uint8_t sizes[] = { 20, 8, 8, 8, 8 };
	unsigned seen[ARRAY_SIZE(sizes)] = { 0 };
	const uint8_t *floating, *table, *e;
	struct fixture f;
	uint64_t len;

	start(&f, cpus, 0);
	floating = guest(&f, 0xf0000, 16);
	assert_memory_equal(floating, "_MP_", 4);
	sums_to_zero(floating, 16);
	table = guest(&f, get(floating + 4, 4), 44);
	assert_memory_equal(table, "PCMP", 4);
	len = get(table + 4, 2);
	sums_to_zero(guest(&f, get(floating + 4, 4), len), len);
	for (e = table + 44; e < table + len; e += sizes[e[0]]) {
		assert_in_range(e[0], 0, ARRAY_SIZE(sizes) - 1);
		if (e[0] == 0) {
			assert_int_equal(e[1], seen[0]);
			assert_int_equal(e[3], seen[0] ? 1 : 3);
		} else if (e[0] == 2) {
			assert_int_equal(e[1], cpus);
			assert_int_equal(get(e + 4, 4), MACHINE_IOAPIC_GPA);
		} else if (e[0] == 3) {
			assert_int_equal(e[5], seen[3]);
			assert_int_equal(e[6], cpus);
			assert_int_equal(e[7], seen[3]);
		}
		seen[e[0]]++;
	}
	assert_ptr_equal(e, table + len);
	assert_int_equal(seen[0], cpus);
	assert_int_equal(seen[1], 1);
	assert_int_equal(seen[2], 1);
	assert_int_equal(seen[3], MACHINE_IOAPIC_PINS);
	assert_int_equal(seen[4], 2);
	assert_int_equal(get(table + 34, 2),
		seen[0] + seen[1] + seen[2] + seen[3] + seen[4]);
	mem_fini(&f.mem);
}

static void mptable_lists_every_cpu_and_input(void **state)
{
	(void)state;
	mptable_lists(1);
	mptable_lists(MACHINE_CPUS_MAX);
}

static void warm_reset_writes_the_reset_port(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, MACHINE_CPUS_MAX, MACHINE_VIRTIO_MAX);
	assert_memory_equal(
		guest(&f, 0xffff0, 7), "\xb0\xfe\xe6\x64\xf4\xeb\xfd", 7);
	mem_fini(&f.mem);
}

static void memory_below_a_mib_is_refused(void **state)
{
	struct mem mem;
	struct machine machine = { .mem = &mem, .cpus = 1 };
	gpa_t rsdp;

	(void)state;
	assert_int_equal(mem_init(&mem, 64 * KIB), 0);
	assert_int_equal(firmware_install(&machine, &rsdp), -ENOSPC);
	assert_non_null(strstr(err_text(), "--memory: 64 KiB"));
	mem_fini(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rsdp_is_where_a_bios_would_have_it),
		cmocka_unit_test(fadt_describes_a_hardware_reduced_machine),
		cmocka_unit_test(madt_lists_every_cpu),
		cmocka_unit_test(mptable_lists_every_cpu_and_input),
		cmocka_unit_test(warm_reset_writes_the_reset_port),
		cmocka_unit_test(memory_below_a_mib_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
