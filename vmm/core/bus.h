/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus.h - who decodes a port or an MMIO address
 *
 * Filled while the VM is built, then read by every vCPU thread without a lock.
 * Handlers run on the vCPU thread that made the access; several may run at once.
 */
#ifndef MUSTER_CORE_BUS_H
#define MUSTER_CORE_BUS_H

#include "vmm/base/util.h"

#define BUS_RANGES_MAX 32

/* `offset` is from the range's start; `len` is 1, 2, 4 or 8 bytes and in range. */
struct bus_ops {
	void (*read)(void *dev, uint64_t offset, void *data, unsigned len);
	void (*write)(
		void *dev, uint64_t offset, const void *data, unsigned len);
};

struct bus_range {
	uint64_t start;
	uint64_t size;
	const struct bus_ops *ops;
	void *dev; /* borrowed */
};

struct bus {
	unsigned count;
	struct bus_range range[BUS_RANGES_MAX]; /* ascending, disjoint */
};

/* -EEXIST if the range overlaps another, -ENOSPC if the table is full. */
int bus_add(struct bus *bus, uint64_t start, uint64_t size,
	const struct bus_ops *ops, void *dev);

/*
 * Perform one access.  What nobody decodes reads as all ones and swallows
 * writes, as on real hardware; then the result is false.
 */
bool bus_read(const struct bus *bus, uint64_t addr, void *data, unsigned len);
bool bus_write(
	const struct bus *bus, uint64_t addr, const void *data, unsigned len);

#endif
