/* SPDX-License-Identifier: Apache-2.0 */
/*
 * platform.h - the ports by which a guest speaks of the machine as a whole
 *
 * Power-off (ACPI sleep control), panic (pvpanic), and, when asked for, the debug
 * exit.  None of them has state: each is one row of a table.
 */
#ifndef MUSTER_DEVICES_PLATFORM_H
#define MUSTER_DEVICES_PLATFORM_H

#include "devices/device.h"
#include "vmm/core/bus.h"

#define PLATFORM_PORTS_MAX       4
#define PLATFORM_DEBUG_EXIT_PORT 0xf4

struct platform;

struct platform_slot {
	const struct platform_port *port; /* the row */
	const struct platform *platform;
};

/* Not to be moved: the bus points into it. */
struct platform {
	machine_event_fn report;
	void *owner; /* borrowed */
	bool debug_exit;
	struct platform_slot slot[PLATFORM_PORTS_MAX];
};

/* Of a struct platform: which ports there are. */
extern const struct state_desc platform_state;

/*
 * Put the ports on `pio`; `report` is called as device.h says.  0 or -errno with
 * a sentence.
 */
int platform_init(struct platform *platform, struct bus *pio, bool debug_exit,
	machine_event_fn report, void *owner);

#endif
