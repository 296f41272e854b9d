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
#define KEYBOARD_ID    "PNP0303" /* at a PC's controller */
#define MOUSE_ID       "PNP0F13" /* at the same */
#define GED_ID         "ACPI0013"
/* What Linux's driver knows it by, and what the specification wants. */
#define VMGENID_ID     "VMGENCTR"
#define VMGENID_CID    "VM_Gen_Counter"
#define VMGENID_NAME   "VGEN"
#define VMGENID_CHANGE 0x80

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

static void add_keyboard(struct buf *out)
{
	size_t template, device = aml_device(out, "KBD");

	aml_name(out, "_HID");
	aml_eisa_id(out, KEYBOARD_ID);
	aml_name(out, "_CRS");
	template = aml_template(out);
	aml_io(out, MACHINE_KEYBOARD_PORT, 1);
	aml_io(out, MACHINE_RESET_PORT, 1);
	aml_interrupt(out, MACHINE_KEYBOARD_GSI);
	aml_template_close(out, template);
	aml_close(out, device);
}

/*
 * There is no mouse, which a guest finds out at once.  Linux warns of a controller
 * without a port for one, and of a remedy that would cost it the keyboard.
 */
static void add_mouse(struct buf *out)
{
	size_t template, device = aml_device(out, "MOU");

	aml_name(out, "_HID");
	aml_eisa_id(out, MOUSE_ID);
	aml_name(out, "_CRS");
	template = aml_template(out);
	aml_interrupt(out, MACHINE_MOUSE_GSI);
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

static void add_vmgenid(struct buf *out)
{
	size_t package, device = aml_device(out, VMGENID_NAME);

	aml_name(out, "_HID");
	aml_string(out, VMGENID_ID);
	aml_name(out, "_CID");
	aml_string(out, VMGENID_CID);
	aml_name(out, "_DDN");
	aml_string(out, VMGENID_CID);
	aml_name(out, "ADDR");
	package = aml_package(out, 2);
	aml_integer(out, LOWMEM_VMGENID);
	aml_integer(out, 0); /* bits 63 to 32 */
	aml_close(out, package);
	aml_close(out, device);
}

/*
 * The Generic Event Device (ACPI 6.4, 5.6.9): the OS calls _EVT when one of the
 * interrupts in its _CRS comes, with the GSI for argument; there is only one.
 */
static void add_events(struct buf *out)
{
	size_t template, method, device = aml_device(out, "GED");

	aml_name(out, "_HID");
	aml_string(out, GED_ID);
	aml_name(out, "_CRS");
	template = aml_template(out);
	aml_interrupt(out, MACHINE_VMGENID_GSI);
	aml_template_close(out, template);
	method = aml_method(out, "_EVT", 1);
	aml_notify(out, VMGENID_NAME, VMGENID_CHANGE);
	aml_close(out, method);
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
	add_keyboard(out);
	add_mouse(out);
	add_pvpanic(out);
	add_vmgenid(out);
	add_events(out);
	for (unsigned i = 0; i < machine->virtio_count; i++)
		add_virtio(out, &machine->virtio[i], i);
	aml_close(out, scope);
	add_power_off(out);
}
