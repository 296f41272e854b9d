/* SPDX-License-Identifier: Apache-2.0 */
/* tally.h - how many requests came for each row of the table, and how they fared */
#ifndef MUSTER_API_TALLY_H
#define MUSTER_API_TALLY_H

#include "vmm/base/metrics.h"

struct route;

#define TALLY_ROUTES_MAX 128

struct tally {
	struct {
		uint64_t requests;
		uint64_t fails; /* of these */
	} route[TALLY_ROUTES_MAX];
};

/* How long the last one took that succeeded, in microseconds. */
enum latency {
	LATENCY_FULL_SNAPSHOT,
	LATENCY_DIFF_SNAPSHOT,
	LATENCY_LOAD,
	LATENCY_PAUSE,
	LATENCY_RESUME,
};

/* deprecated_requests, request_ns; one for each latency; startup_us, … */
extern const struct metric_group api_metrics, latency_metrics, process_metrics;

/* These and those of other files here. */
extern const struct metric_group *const api_metric_groups[];
extern const unsigned api_metric_groups_count;

/* One request is done. */
void tally_add(struct tally *tally, const struct route *route, bool failed);
void tally_time(uint64_t began_ns, bool deprecated);
void tally_latency(enum latency what, uint64_t began_ns);

/* From the process's start until it served: by the clock, and of the CPU. */
void tally_startup(uint64_t us, uint64_t cpu_us);

/* Append the numbers of each row, as Prometheus' text has them. */
void tally_print_text(struct buf *out, const struct tally *tally);

#endif
