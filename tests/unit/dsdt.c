/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dsdt.c - the devices that a guest finds in the DSDT, decoded by a reader of our
 * own, so that no length in it goes unchecked
 */
#include "tests/unit/tables.h"

#define OTHER_DEVICES 6

struct device {
	char name[5];
	char hid[9];
	char cid[15];
	char notifies[5]; /* whom its _EVT notifies, with 0x80 */
	uint64_t address; /* ADDR's two halves */
	uint32_t eisa_id;
	uint32_t memory, memory_size;
	uint32_t gsi;
	uint32_t port;
};

struct dsdt {
	unsigned count;
	struct device device[MACHINE_VIRTIO_MAX + OTHER_DEVICES];
	unsigned s5;
};

/* The end of the package whose length is at *p; *p moves behind the length. */
static const uint8_t *package_end(const uint8_t **p, const uint8_t *end)
{
	const uint8_t *at = *p;
	unsigned more = at[0] >> 6;
	size_t len = more ? at[0] & 0xf : at[0];

	for (unsigned i = 0; i < more; i++)
		len |= (size_t)at[i + 1] << (4 + 8 * i);
	assert_true(len > more && len <= (size_t)(end - at));
	*p = at + 1 + more;
	return at + len;
}

static uint64_t read_integer(const uint8_t **p)
{
	static const uint8_t widths[][2] = { { 0x0a, 1 }, { 0x0b, 2 },
		{ 0x0c, 4 }, { 0x0e, 8 } };
	uint8_t op = *(*p)++;
	uint64_t v;

	if (op <= 1)
		return op;
	for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
		if (widths[i][0] != op)
			continue;
		v = get(*p, widths[i][1]);
		*p += widths[i][1];
		return v;
	}
	fail_msg("0x%02x is not an integer", op);
	return 0;
}

static void read_resources(
	const uint8_t *p, const uint8_t *end, struct device *d)
{
	while (*p != 0x79) {
		switch (*p) {
		case 0x86:
			d->memory = (uint32_t)get(p + 4, 4);
			d->memory_size = (uint32_t)get(p + 8, 4);
			break;
		case 0x89:
			assert_int_equal(p[3], 3);
			assert_int_equal(p[4], 1);
			d->gsi = (uint32_t)get(p + 5, 4);
			break;
		case 0x47:
			d->port = (uint32_t)get(p + 2, 2);
			break;
		default:
			fail_msg("resource 0x%02x", *p);
		}
		p += *p & 0x80 ? 3 + get(p + 1, 2) : 1 + (*p & 7u);
		assert_true(p < end);
	}
	assert_ptr_equal(p + 2, end);
}

static void read_string(const uint8_t *name, const char *text, struct device *d)
{
	if (memcmp(name, "_HID", 4) == 0)
		strncpy(d->hid, text, sizeof(d->hid) - 1);
	if (memcmp(name, "_CID", 4) == 0)
		strncpy(d->cid, text, sizeof(d->cid) - 1);
}

/* \_S5 or ADDR: integers from `p` to `end`. */
static void read_package(const uint8_t *name, const uint8_t *p,
	const uint8_t *end, struct dsdt *ret)
{
	uint64_t value[4] = { 0 };
	uint8_t count = *p++;

	assert_in_range(count, 1, ARRAY_SIZE(value));
	for (unsigned i = 0; i < count; i++)
		value[i] = read_integer(&p);
	assert_ptr_equal(p, end);
	if (memcmp(name, "ADDR", 4) == 0) {
		assert_int_equal(count, 2);
		ret->device[ret->count - 1].address = value[0] | value[1] << 32;
	} else {
		assert_memory_equal(name, "_S5_", 4);
		assert_int_equal(count, 4);
		ret->s5 = (unsigned)value[0];
	}
}

/* Method (_EVT, 1) { Notify (…, 0x80) }; `p` is behind the length. */
static void read_method(const uint8_t *p, const uint8_t *end, struct device *d)
{
	assert_memory_equal(p, "_EVT\x01\x86", 6);
	memcpy(d->notifies, p + 6, 4);
	p += 10;
	assert_int_equal(read_integer(&p), 0x80);
	assert_ptr_equal(p, end);
}

/* Name (…, value); returns what follows. */
static const uint8_t *read_name(
	const uint8_t *p, const uint8_t *end, struct dsdt *ret)
{
	struct device *d = &ret->device[ret->count - 1];
	const uint8_t *name = *p == '\\' ? p + 1 : p;
	const uint8_t *value = name + 4, *after;
	uint64_t integer;

	if (*value == 0x0d) {
		read_string(name, (const char *)value + 1, d);
		return value + strlen((const char *)value) + 1;
	}
	if (*value != 0x11 && *value != 0x12) {
		integer = read_integer(&value);
		if (memcmp(name, "_HID", 4) == 0)
			d->eisa_id = (uint32_t)integer;
		return value;
	}
	p = value + 1;
	after = package_end(&p, end);
	if (*value == 0x12) {
		read_package(name, p, after, ret);
		return after;
	}
	integer = read_integer(&p);
	assert_int_equal(integer, after - p);
	read_resources(p, after, d);
	return after;
}

static void read_terms(const uint8_t *p, const uint8_t *end, struct dsdt *ret)
{
	while (p < end) {
		const uint8_t op = *p, *after;

		if (op == 0x08) {
			p = read_name(p + 1, end, ret);
			continue;
		}
		p += op == 0x5b ? 2 : 1;
		after = package_end(&p, end);
		if (op == 0x10) {
			assert_memory_equal(p, "\\_SB_", 5);
			read_terms(p + 5, after, ret);
		} else if (op == 0x14) {
			read_method(p, after, &ret->device[ret->count - 1]);
		} else {
			assert_int_equal(op, 0x5b);
			assert_true(ret->count < ARRAY_SIZE(ret->device));
			memcpy(ret->device[ret->count++].name, p, 4);
			read_terms(p + 4, after, ret);
		}
		p = after;
	}
	assert_ptr_equal(p, end);
}

static struct dsdt read_dsdt(const struct fixture *f)
{
	const uint8_t *fadt = find_table(f, "FACP");
	const uint8_t *dsdt = checked_table(f, get(fadt + 140, 8));
	struct dsdt ret = { 0 };

	read_terms(dsdt + 36, dsdt + get(dsdt + 4, 4), &ret);
	return ret;
}

static const struct device *find_device(
	const struct dsdt *dsdt, const char *name)
{
	for (unsigned i = 0; i < dsdt->count; i++)
		if (strcmp(dsdt->device[i].name, name) == 0)
			return &dsdt->device[i];
	return NULL;
}

static void dsdt_has_the_virtio_windows(unsigned devices)
{
	struct fixture f;
	struct dsdt dsdt;

	start(&f, 2, devices);
	dsdt = read_dsdt(&f);
	assert_int_equal(dsdt.count, devices + OTHER_DEVICES);
	for (unsigned i = 0; i < devices; i++) {
		const struct device *d = &dsdt.device[i + OTHER_DEVICES];

		assert_string_equal(d->hid, "LNRO0005");
		assert_int_equal(d->memory, VIRTIO_AT + i * VIRTIO_STEP);
		assert_int_equal(d->memory_size, VIRTIO_STEP);
		assert_int_equal(d->gsi, 8 + i);
	}
	mem_fini(&f.mem);
}

static void dsdt_describes_every_virtio_window(void **state)
{
	(void)state;
	dsdt_has_the_virtio_windows(0);
	dsdt_has_the_virtio_windows(1);
	dsdt_has_the_virtio_windows(MACHINE_VIRTIO_MAX);
}

static void dsdt_describes_uart_panic_port_and_power_off(void **state)
{
	struct fixture f;
	struct dsdt dsdt;
	const struct device *d;

	(void)state;
	start(&f, 1, 1);
	dsdt = read_dsdt(&f);
	d = find_device(&dsdt, "COM1");
	assert_non_null(d);
	assert_int_equal(d->eisa_id, 0x0105d041); /* PNP0501 */
	assert_int_equal(d->port, MACHINE_SERIAL_PORT);
	assert_int_equal(d->gsi, MACHINE_SERIAL_GSI);
	d = find_device(&dsdt, "PVPC");
	assert_non_null(d);
	assert_string_equal(d->hid, "QEMU0001");
	assert_int_equal(d->port, MACHINE_PVPANIC_PORT);
	assert_int_equal(dsdt.s5, MACHINE_SLEEP_TYPE_S5);
	mem_fini(&f.mem);
}

static void dsdt_describes_a_keyboard_and_a_port_for_a_mouse(void **state)
{
	const struct device *d;
	struct fixture f;
	struct dsdt dsdt;

	(void)state;
	start(&f, 1, 1);
	dsdt = read_dsdt(&f);
	d = find_device(&dsdt, "KBD_");
	assert_non_null(d);
	assert_int_equal(d->eisa_id, 0x0303d041);      /* PNP0303 */
	assert_int_equal(d->port, MACHINE_RESET_PORT); /* the last of two */
	assert_int_equal(d->gsi, MACHINE_KEYBOARD_GSI);
	d = find_device(&dsdt, "MOU_");
	assert_non_null(d);
	assert_int_equal(d->eisa_id, 0x130fd041); /* PNP0F13 */
	assert_int_equal(d->gsi, MACHINE_MOUSE_GSI);
	mem_fini(&f.mem);
}

static void dsdt_says_where_the_generation_id_is(void **state)
{
	const struct device *d;
	struct fixture f;
	struct dsdt dsdt;

	(void)state;
	start(&f, 1, 1);
	dsdt = read_dsdt(&f);
	d = find_device(&dsdt, "VGEN");
	assert_non_null(d);
	assert_string_equal(d->hid, "VMGENCTR");
	assert_string_equal(d->cid, "VM_Gen_Counter");
	/* A page of its own in what the memory map calls reserved. */
	assert_int_equal(d->address, LOWMEM_VMGENID);
	assert_int_equal(d->address % MEM_PAGE_SIZE, 0);
	assert_int_equal(LOWMEM_VMGENID_END - LOWMEM_VMGENID, MEM_PAGE_SIZE);
	assert_in_range(d->address, LOWMEM_ACPI_END, LOWMEM_MPTABLE - 1);
	mem_fini(&f.mem);
}

static void an_interrupt_notifies_of_a_new_generation(void **state)
{
	const struct device *d;
	struct fixture f;
	struct dsdt dsdt;

	(void)state;
	start(&f, 1, 1);
	dsdt = read_dsdt(&f);
	d = find_device(&dsdt, "GED_");
	assert_non_null(d);
	assert_string_equal(d->hid, "ACPI0013");
	assert_int_equal(d->gsi, MACHINE_VMGENID_GSI);
	assert_string_equal(d->notifies, "VGEN");
	mem_fini(&f.mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dsdt_describes_every_virtio_window),
		cmocka_unit_test(dsdt_describes_uart_panic_port_and_power_off),
		cmocka_unit_test(
			dsdt_describes_a_keyboard_and_a_port_for_a_mouse),
		cmocka_unit_test(dsdt_says_where_the_generation_id_is),
		cmocka_unit_test(an_interrupt_notifies_of_a_new_generation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
