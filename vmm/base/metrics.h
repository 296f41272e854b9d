/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - counters that any thread may bump, printed as one JSON object
 *
 * A module keeps its counters in a static array and hands it to whoever prints;
 * the groups that exist are listed once, where the VM is assembled.
 */
#ifndef MUSTER_BASE_METRICS_H
#define MUSTER_BASE_METRICS_H

#include <stdatomic.h>

#include "vmm/base/buf.h"
#include "vmm/base/util.h"

struct metric {
	const char *name; /* lower case, words joined by _, unit last */
	const char *help;
	_Atomic uint64_t value;
};

struct metric_group {
	const char *name;
	struct metric *metrics;
	unsigned count;
};

static inline void metric_add(struct metric *m, uint64_t n)
{
	atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

static inline uint64_t metric_get(const struct metric *m)
{
	return atomic_load_explicit(&m->value, memory_order_relaxed);
}

/* Append {"version":1,"GROUP":{"NAME":N,…},…} and a newline. */
void metrics_print_json(
	struct buf *out, const struct metric_group *const *groups, unsigned n);

#endif
