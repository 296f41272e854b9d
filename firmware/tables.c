/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c - build what the firmware leaves in memory, and put it there */
#include "firmware/tables.h"

#include <errno.h>

#include "firmware/acpi.h"
#include "firmware/mptable.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

/*
 * F000:FFF0, where a PC's BIOS starts.  Linux on hardware-reduced ACPI takes EFI
 * for granted; where there is none its default way to reboot is to jump here.
 */
static void reset_build(
	struct buf *out, const struct machine *machine, gpa_t base)
{
	static const uint8_t code[] = {
		0xb0, MACHINE_RESET_VALUE, /* mov $VALUE, %al */
		0xe6, MACHINE_RESET_PORT,  /* out %al, $PORT */
		0xf4,                      /* 1: hlt */
		0xeb, 0xfd,                /* jmp 1b */
	};

	(void)machine;
	(void)base;
	buf_append(out, code, sizeof(code));
}

static const struct place {
	const char *what;
	void (*build)(
		struct buf *out, const struct machine *machine, gpa_t base);
	uint64_t start, end;
} places[] = {
	{ "ACPI tables", acpi_build, LOWMEM_ACPI, LOWMEM_ACPI_END },
	{ "MP table", mptable_build, LOWMEM_MPTABLE, LOWMEM_MPTABLE_END },
	{ "reset code", reset_build, LOWMEM_RESET, LOWMEM_END },
};

static int install(const struct place *place, const struct machine *machine)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	place->build(&b, machine, GPA(place->start));
	if (b.failed)
		return err_set(
			-ENOMEM, "no memory to build the %s", place->what);
	if (b.len > place->end - place->start)
		return err_set(-ENOSPC, "the %s take %zu bytes, %llu fit",
			place->what, b.len,
			(unsigned long long)(place->end - place->start));
	if (mem_write(machine->mem, GPA(place->start), b.data, b.len) < 0)
		return err_set(-ENOSPC,
			"--memory: %llu KiB do not even hold the %s; give "
			"more than a MiB",
			(unsigned long long)(machine->mem->size_bytes / KIB),
			place->what);
	return 0;
}

int firmware_install(const struct machine *machine, gpa_t *ret_rsdp)
{
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		int rc = install(&places[i], machine);

		if (rc < 0)
			return rc;
	}
	*ret_rsdp = GPA(LOWMEM_ACPI);
	return 0;
}
