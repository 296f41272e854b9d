/* SPDX-License-Identifier: Apache-2.0 */
/* park.c - a generation-counted barrier; see park.h */
#include "vmm/park.h"

#include "vmm/base/futex.h"
#include "vmm/base/thread.h"

/* ---- the requester ---- */

/* The count is there before the gate says so, for the first to arrive. */
void park_close(struct park *park, unsigned threads)
{
	uint32_t closed = atomic_load(&park->gate) + 1;

	if (!threads)
		atomic_store(&park->all_in, closed);
	atomic_store(&park->missing, (uint64_t)closed << 32 | threads);
	atomic_store(&park->gate, closed);
}

bool park_wait(struct park *park, uint64_t until_ns)
{
	uint32_t gate = atomic_load(&park->gate), in;

	while ((in = atomic_load(&park->all_in)) != gate)
		if (!futex_wait(&park->all_in, in, until_ns))
			return atomic_load(&park->all_in) == gate;
	return true;
}

bool park_has(const struct park *park, const struct parker *parker)
{
	return atomic_load(&parker->arrived) == atomic_load(&park->gate);
}

/* An open gate moves by a whole generation, to be open still. */
void park_open(struct park *park)
{
	uint32_t gate = atomic_load(&park->gate);

	atomic_store(&park->opened_ns, now_ns());
	atomic_store(&park->gate, gate + (gate & 1 ? 1 : 2));
	futex_wake(&park->gate, FUTEX_ALL);
}

void park_end(struct park *park)
{
	atomic_store(&park->over, true);
	park_open(park);
}

/* ---- the threads ---- */

bool park_over(const struct park *park)
{
	return atomic_load(&park->over);
}

bool park_closed(const struct park *park)
{
	return atomic_load(&park->gate) & 1;
}

/* True if it was the last that was missing in this generation. */
static bool take_one(struct park *park, uint32_t gate)
{
	uint64_t missing = atomic_load(&park->missing);

	do {
		if (missing >> 32 != gate || !(uint32_t)missing)
			return false;
	} while (!atomic_compare_exchange_weak(
		&park->missing, &missing, missing - 1));
	return (uint32_t)missing == 1;
}

static void arrive(struct park *park, struct parker *parker, uint32_t gate)
{
	if (atomic_load(&parker->arrived) == gate)
		return;
	atomic_store(&parker->arrived, gate);
	if (!take_one(park, gate))
		return;
	atomic_store(&park->all_in, gate);
	futex_wake(&park->all_in, 1);
}

/* Arrive if the gate is closed, and sleep until it has moved from `gate`. */
static void sleep_at(struct park *park, struct parker *parker, uint32_t gate)
{
	if (gate & 1)
		arrive(park, parker, gate);
	futex_wait(&park->gate, gate, FUTEX_FOREVER);
}

uint64_t park_here(struct park *park, struct parker *parker)
{
	uint32_t gate = atomic_load(&park->gate);
	uint64_t opened_ns;

	if (!(gate & 1))
		return 0;
	do {
		sleep_at(park, parker, gate);
		gate = atomic_load(&park->gate);
	} while (gate & 1);
	opened_ns = atomic_exchange(&park->opened_ns, 0);
	return opened_ns ? now_ns() - opened_ns : 0;
}

/* The gate is looked at before `over` is: it moves after that was set. */
void park_rest(struct park *park, struct parker *parker)
{
	uint32_t gate;

	while (gate = atomic_load(&park->gate), !park_over(park))
		sleep_at(park, parker, gate);
}
