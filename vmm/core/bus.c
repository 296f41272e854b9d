/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus.c - a sorted table of ranges, searched by halving
 *
 * All comparisons are made on offsets (`addr - start < size`), never on a sum:
 * a range may end at 2^64, and an address comes from the guest.
 */
#include "vmm/core/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vmm/base/err.h"

/* How many ranges start at or below `addr`; the last of them may hold it. */
static unsigned ranges_up_to(const struct bus *bus, uint64_t addr)
{
	unsigned low = 0, high = bus->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (bus->range[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool overlaps(
	const struct bus *bus, unsigned at, uint64_t start, uint64_t size)
{
	const struct bus_range *before = at ? &bus->range[at - 1] : NULL;
	const struct bus_range *after = at < bus->count ? &bus->range[at]
							: NULL;

	return (before && start - before->start < before->size) ||
	       (after && after->start - start < size);
}

int bus_add(struct bus *bus, uint64_t start, uint64_t size,
	const struct bus_ops *ops, void *dev)
{
	unsigned at = ranges_up_to(bus, start);

	if (size == 0 || size - 1 > UINT64_MAX - start)
		return err_set(-EINVAL,
			"bus range %#" PRIx64 " of %#" PRIx64
			" bytes is empty or wraps around",
			start, size);
	if (bus->count == BUS_RANGES_MAX)
		return err_set(
			-ENOSPC, "bus holds at most %d ranges", BUS_RANGES_MAX);
	if (overlaps(bus, at, start, size))
		return err_set(-EEXIST,
			"bus range %#" PRIx64 " of %#" PRIx64
			" bytes overlaps another",
			start, size);
	memmove(&bus->range[at + 1], &bus->range[at],
		(bus->count - at) * sizeof(bus->range[0]));
	bus->range[at] = (struct bus_range){ start, size, ops, dev };
	bus->count++;
	return 0;
}

/* The range that holds all of the access: one that straddles an end has none. */
static const struct bus_range *find(
	const struct bus *bus, uint64_t addr, unsigned len)
{
	unsigned n = ranges_up_to(bus, addr);
	const struct bus_range *range;
	uint64_t offset;

	if (n == 0)
		return NULL;
	range = &bus->range[n - 1];
	offset = addr - range->start;
	return offset < range->size && len <= range->size - offset ? range
								   : NULL;
}

bool bus_read(const struct bus *bus, uint64_t addr, void *data, unsigned len)
{
	const struct bus_range *range = find(bus, addr, len);

	if (!range) {
		memset(data, 0xff, len);
		return false;
	}
	range->ops->read(range->dev, addr - range->start, data, len);
	return true;
}

bool bus_write(
	const struct bus *bus, uint64_t addr, const void *data, unsigned len)
{
	const struct bus_range *range = find(bus, addr, len);

	if (!range)
		return false;
	range->ops->write(range->dev, addr - range->start, data, len);
	return true;
}
