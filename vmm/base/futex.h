/* SPDX-License-Identifier: Apache-2.0 */
/*
 * futex.h - sleep until a word changes
 *
 * The word says what happened; the futex only wakes.  So every wait is in a loop
 * that looks at the word again, and a wake-up too many is harmless.
 */
#ifndef MUSTER_BASE_FUTEX_H
#define MUSTER_BASE_FUTEX_H

#include <limits.h>
#include <stdatomic.h>

#include "vmm/base/util.h"

#define FUTEX_FOREVER UINT64_MAX
#define FUTEX_ALL     INT_MAX

/*
 * Sleep while *word is `seen`, until `until_ns` (as now_ns() has it) at the latest:
 * false only when that has passed.
 */
bool futex_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t until_ns);

/* Wake up to `threads` of those who wait. */
void futex_wake(_Atomic uint32_t *word, int threads);

#endif
