/* SPDX-License-Identifier: Apache-2.0 */
/* platform.c - one table: what each port reads as, and which write is an event */
#include "devices/platform.h"

#include <misc/pvpanic.h>
#include <string.h>

#include "vmm/core/machine.h"

/* ACPI 6.5, 4.8.3.7: SLP_EN is bit 5, SLP_TYPx are bits 4 to 2. */
#define SLEEP_ENABLE  0x20
#define SLEEP_TYPE(n) ((n) << 2)
#define SLEEP_FIELDS  (SLEEP_ENABLE | SLEEP_TYPE(7))

/* No byte matches. */
#define NEVER         .mask = 0, .match = 1

struct platform_port {
	uint16_t start;
	uint8_t size;
	uint8_t reads_as;
	/* A write at `start` is the event if (value & mask) == match. */
	uint8_t mask, match;
	enum machine_event event;
	bool debug_only;
};

static const struct platform_port ports[PLATFORM_PORTS_MAX] = {
	/* A guest that has loaded a crash kernel goes on by itself. */
	{ .start = MACHINE_PVPANIC_PORT,
		.size = 1,
		.reads_as = PVPANIC_PANICKED | PVPANIC_CRASH_LOADED,
		.mask = PVPANIC_PANICKED,
		.match = PVPANIC_PANICKED,
		.event = MACHINE_PANIC },
	{ .start = MACHINE_SLEEP_PORT,
		.size = 1,
		.mask = SLEEP_FIELDS,
		.match = SLEEP_ENABLE | SLEEP_TYPE(MACHINE_SLEEP_TYPE_S5),
		.event = MACHINE_POWER_OFF },
	/* Sleep status: the wake bit is never set, nothing wakes us. */
	{ .start = MACHINE_SLEEP_PORT + 1, .size = 1, NEVER },
	/* Any byte; test programs like to write it as a 32-bit word. */
	{ .start = PLATFORM_DEBUG_EXIT_PORT,
		.size = 4,
		.event = MACHINE_DEBUG_EXIT,
		.debug_only = true },
};

static void platform_read(void *dev, uint64_t offset, void *data, unsigned len)
{
	const struct platform_slot *slot = dev;

	(void)offset;
	memset(data, 0, len);
	memcpy(data, &slot->port->reads_as, 1);
}

static void platform_write(
	void *dev, uint64_t offset, const void *data, unsigned len)
{
	const struct platform_slot *slot = dev;
	const struct platform_port *port = slot->port;
	uint8_t value = *(const uint8_t *)data;

	(void)len;
	if (offset == 0 && (value & port->mask) == port->match)
		slot->platform->report(
			slot->platform->owner, port->event, value);
}

static const struct bus_ops platform_bus_ops = { platform_read,
	platform_write };

int platform_init(struct platform *platform, struct bus *pio, bool debug_exit,
	machine_event_fn report, void *owner)
{
	platform->report = report;
	platform->owner = owner;
	platform->debug_exit = debug_exit;
	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
		const struct platform_port *port = &ports[i];
		struct platform_slot *slot = &platform->slot[i];
		int rc;

		if (port->debug_only && !debug_exit)
			continue;
		*slot = (struct platform_slot){ port, platform };
		rc = bus_add(
			pio, port->start, port->size, &platform_bus_ops, slot);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static const struct state_field fields[] = {
	STATE_BOOL(struct platform, debug_exit, .same = true),
};

const struct state_desc platform_state = STATE_DESC(
	"platform", 1, struct platform, fields);
