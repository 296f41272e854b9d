/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devkit.h - the devices of a whole machine, which move through a snapshot's file to
 * another machine over the same memory; and a driver of its disk
 */
#ifndef MUSTER_TESTS_UNIT_DEVKIT_H
#define MUSTER_TESTS_UNIT_DEVKIT_H

#include "tests/unit/guest.h"
#include "tests/unit/image.h"
#include "vmm/devices.h"

#define DEVKIT_DISK_GSI 5 /* of the first window */

struct devkit {
	struct mem mem;
	struct vm_config config; /* of the next machine to be powered on */
	struct machine machine;
	struct devices devices;
	struct bus ports, mmio;
	struct loop *loop;
	struct ring ring; /* the disk's first, on devkit_start_disk() */
};

/* For cmocka: a disk and an entropy device, powered on. */
extern struct devkit devkit;
int devkit_setup(void **state);
int devkit_teardown(void **state);

int devkit_power_on(void);
void devkit_power_off(void);

/* A file of all devices; into the devices that are there. */
struct buf devkit_save(void);
int devkit_load(const struct buf *b);

/* Save, power off, power on what is in devkit.config now, load. */
int devkit_move(void);

/* A driver sets the disk up, asks for a sector, and has got what it asked for. */
void devkit_start_disk(void);
void devkit_offer_read(uint64_t sector);
void devkit_assert_read(uint64_t sector);

#endif
