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

/* deprecated_requests; request_ns */
extern const struct metric_group api_metrics;

/* One request is done. */
void tally_add(struct tally *tally, const struct route *route, bool failed);
void tally_time(uint64_t began_ns, bool deprecated);

/* Append the numbers of each row, as Prometheus' text has them. */
void tally_print_text(struct buf *out, const struct tally *tally);

#endif
