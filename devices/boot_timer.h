/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot_timer.h - where a guest says that it has booted, and the log says when
 *
 * Firecracker's: a byte of 123 at the first address above the RAM below 4 GiB.
 * It has no state, and is not in snapshots: what goes on does not boot.
 */
#ifndef MUSTER_DEVICES_BOOT_TIMER_H
#define MUSTER_DEVICES_BOOT_TIMER_H

#include "vmm/core/bus.h"

#define BOOT_TIMER_GPA   0xc0000000u
#define BOOT_TIMER_VALUE 123

struct boot_timer {
	uint64_t asked_ns;     /* when the start was asked for; 0: no timer */
	uint64_t asked_cpu_ns; /* the process's CPU time then */
};

/* The times of now. */
struct boot_timer boot_timer_start(void);

/* Put it on `mmio`, which borrows it.  0 or -errno. */
int boot_timer_init(struct boot_timer *timer, struct bus *mmio);

#endif
