/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - counters and histograms that any thread may bump, printed as JSON
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

/* Bucket 0 counts zeroes, bucket n from 2^(n-1) to below 2^n, the last all above. */
#define HISTOGRAM_BUCKETS 48

struct histogram {
	const char *name; /* as a metric's */
	const char *help;
	_Atomic uint64_t count, sum, max;
	_Atomic uint64_t bucket[HISTOGRAM_BUCKETS];
};

struct metric_group {
	const char *name;
	struct metric *metrics;
	unsigned count;
	struct histogram *histograms;
	unsigned histogram_count;
	bool gauges; /* the metrics are: they may fall, and have no _total */
};

static inline void metric_add(struct metric *m, uint64_t n)
{
	atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

static inline void metric_set(struct metric *m, uint64_t n)
{
	atomic_store_explicit(&m->value, n, memory_order_relaxed);
}

static inline uint64_t metric_get(const struct metric *m)
{
	return atomic_load_explicit(&m->value, memory_order_relaxed);
}

void histogram_add(struct histogram *h, uint64_t value);

/*
 * Append {"version":1,"GROUP":{"NAME":N,…},…} and a newline; a histogram is
 * {"count":N,"sum":N,"max":N,"buckets":[N,…]}, up to its last bucket that is not 0.
 */
void metrics_print_json(
	struct buf *out, const struct metric_group *const *groups, unsigned n);

/*
 * Append every metric of a group as Prometheus' text has it: muster_GROUP_NAME_total
 * for a counter, muster_GROUP_NAME for a gauge, and the cumulated buckets of a
 * histogram.
 */
void metrics_print_text(struct buf *out, const struct metric_group *group);

#endif
