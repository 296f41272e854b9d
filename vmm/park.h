/* SPDX-License-Identifier: Apache-2.0 */
/*
 * park.h - threads stop at a gate, together, and go on together
 *
 * Theory of operation: `gate` counts generations and is closed while it is odd.
 * Closing it says how many threads have to come; each that finds it closed
 * arrives, once in a generation, and sleeps until the gate moves.  The last one
 * to arrive wakes the requester, and nobody else wakes anybody.
 *
 * A thread that was late for a generation which has been given up must not be
 * counted in the next: the count bears its generation, and only an arrival in the
 * same one takes from it.
 *
 * One thread, the requester, closes, waits and opens.
 */
#ifndef MUSTER_VMM_PARK_H
#define MUSTER_VMM_PARK_H

#include <stdatomic.h>

#include "vmm/base/util.h"

/* All zero is an open gate. */
struct park {
	_Atomic uint32_t gate;      /* threads sleep here */
	_Atomic uint64_t missing;   /* generation << 32 | threads to come */
	_Atomic uint32_t all_in;    /* the last complete generation */
	_Atomic uint64_t opened_ns; /* until the first has left */
	atomic_bool over;
};

/* One for each thread: the generation in which it last arrived. */
struct parker {
	_Atomic uint32_t arrived;
};

/* ---- the requester ---- */

/* Close the gate for `threads`, who must then be made to look. */
void park_close(struct park *park, unsigned threads);

/* True when all have arrived, false if not by `until_ns`. */
bool park_wait(struct park *park, uint64_t until_ns);

/* Has this one arrived?  While the gate is closed. */
bool park_has(const struct park *park, const struct parker *parker);

/* Let all go. */
void park_open(struct park *park);

/* Let all go, for good: park_over() is true before any of them sees it. */
void park_end(struct park *park);

/* ---- the threads ---- */

bool park_over(const struct park *park);

bool park_closed(const struct park *park);

/*
 * Arrive and sleep, while the gate is closed.  The first to leave is told how long
 * ago the gate was opened, in ns; others get 0.
 */
uint64_t park_here(struct park *park, struct parker *parker);

/* For one that has nothing more to do: arrive whenever others do, until the end. */
void park_rest(struct park *park, struct parker *parker);

#endif
