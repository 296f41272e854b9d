/* SPDX-License-Identifier: Apache-2.0 */
/* dsdt.c - the devices that a guest cannot discover, and how to power off */
#include <stdio.h>

#include "firmware/acpi.h"
#include "firmware/aml.h"

#define SERIAL_PORTS   8
#define PVPANIC_PORTS  1

/* Linux's virtio-mmio driver matches this id (Linaro's registration). */
#define VIRTIO_MMIO_ID "LNRO0005"
#define PVPANIC_ID     "QEMU0001"
#define SERIAL_ID      "PNP0501" /* a 16550A */

static void add_serial(struct buf *out)
{
	size_t template, device = aml_device(out, "COM1");

	aml_name(out, "_HID");
	aml_eisa_id(out, SERIAL_ID);
	aml_name(out, "_UID");
	aml_integer(out, 0);
	aml_name(out, "_CRS");
	template = aml_template(out);
	aml_io(out, MACHINE_SERIAL_PORT, SERIAL_PORTS);
	aml_interrupt(out, MACHINE_SERIAL_GSI);
	aml_template_close(out, template);
	aml_close(out, device);
}

static void add_pvpanic(struct buf *out)
{
	size_t template, device = aml_device(out, "PVPC");

	aml_name(out, "_HID");
	aml_string(out, PVPANIC_ID);
	aml_name(out, "_CRS");
	template = aml_template(out);
	aml_io(out, MACHINE_PVPANIC_PORT, PVPANIC_PORTS);
	aml_template_close(out, template);
	aml_close(out, device);
}

static void add_virtio(
	struct buf *out, const struct machine_virtio *window, unsigned index)
{
	size_t template, device;
	char name[5];

	snprintf(name, sizeof(name), "VR%02X", index & 0xff);
	device = aml_device(out, name);
	aml_name(out, "_HID");
	aml_string(out, VIRTIO_MMIO_ID);
	aml_name(out, "_UID");
	aml_integer(out, index);
	aml_name(out, "_CRS");
	template = aml_template(out);
	aml_memory32_fixed(out, (uint32_t)window->gpa.v, window->size_bytes);
	aml_interrupt(out, window->gsi);
	aml_template_close(out, template);
	aml_close(out, device);
}

/* \_S5: what to write to the sleep control register's SLP_TYP to power off. */
static void add_power_off(struct buf *out)
{
	size_t package;

	aml_name(out, "\\_S5");
	package = aml_package(out, 4);
	aml_integer(out, MACHINE_SLEEP_TYPE_S5);
	aml_integer(out, MACHINE_SLEEP_TYPE_S5);
	aml_integer(out, 0);
	aml_integer(out, 0);
	aml_close(out, package);
}

void dsdt_build(struct buf *out, const struct machine *machine)
{
	size_t scope = aml_scope(out, "\\_SB");

	add_serial(out);
	add_pvpanic(out);
	for (unsigned i = 0; i < machine->virtio_count; i++)
		add_virtio(out, &machine->virtio[i], i);
	aml_close(out, scope);
	add_power_off(out);
}
