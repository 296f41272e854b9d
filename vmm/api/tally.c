/* SPDX-License-Identifier: Apache-2.0 */
/* tally.c - count requests by their rows */
#include "vmm/api/tally.h"

#include <inttypes.h>

#include "vmm/api/resources.h"
#include "vmm/base/thread.h"

enum { DEPRECATED };

static struct metric metrics[] = {
	[DEPRECATED] = { "deprecated_requests",
		"requests for what is going away", 0 },
};

static struct histogram request_ns = {
	.name = "request_ns",
	.help = "from a whole request to its reply",
};

const struct metric_group api_metrics = {
	.name = "api",
	.metrics = metrics,
	.count = ARRAY_SIZE(metrics),
	.histograms = &request_ns,
	.histogram_count = 1,
};

#define US "duration of the last one, in microseconds: "

static struct metric latencies[] = {
	[LATENCY_FULL_SNAPSHOT] = { "full_snapshot_us", US "full snapshot", 0 },
	[LATENCY_DIFF_SNAPSHOT] = { "diff_snapshot_us", US "diff snapshot", 0 },
	[LATENCY_LOAD] = { "load_us", US "load of a snapshot", 0 },
	[LATENCY_PAUSE] = { "pause_us", US "pause", 0 },
	[LATENCY_RESUME] = { "resume_us", US "resume", 0 },
};

const struct metric_group latency_metrics = {
	.name = "latency",
	.metrics = latencies,
	.count = ARRAY_SIZE(latencies),
	.gauges = true,
};

enum { STARTUP_US, STARTUP_CPU_US };

static struct metric startup[] = {
	[STARTUP_US] = { "startup_us", "from the start until it served", 0 },
	[STARTUP_CPU_US] = { "startup_cpu_us", "CPU time that this took", 0 },
};

const struct metric_group process_metrics = {
	.name = "process",
	.metrics = startup,
	.count = ARRAY_SIZE(startup),
	.gauges = true,
};

void tally_latency(enum latency what, uint64_t began_ns)
{
	metric_set(&latencies[what], (now_ns() - began_ns) / 1000);
}

void tally_startup(uint64_t us, uint64_t cpu_us)
{
	metric_set(&startup[STARTUP_US], us);
	metric_set(&startup[STARTUP_CPU_US], cpu_us);
}

void tally_add(struct tally *tally, const struct route *route, bool failed)
{
	size_t i = (size_t)(route - routes);

	if (i >= TALLY_ROUTES_MAX)
		return;
	tally->route[i].requests++;
	tally->route[i].fails += failed;
}

void tally_time(uint64_t began_ns, bool deprecated)
{
	histogram_add(&request_ns, now_ns() - began_ns);
	metric_add(&metrics[DEPRECATED], deprecated);
}

static void print_rows(struct buf *out, const struct tally *tally,
	const char *name, const char *help, bool fails)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s counter\n", name, help, name);
	for (unsigned i = 0; i < MIN(routes_count, TALLY_ROUTES_MAX); i++)
		buf_printf(out, "%s{method=\"%s\",path=\"%s\"} %" PRIu64 "\n",
			name, api_method_names[routes[i].method],
			routes[i].path,
			fails ? tally->route[i].fails
			      : tally->route[i].requests);
}

void tally_print_text(struct buf *out, const struct tally *tally)
{
	print_rows(out, tally, "muster_api_requests_total",
		"requests that the API understood", false);
	print_rows(out, tally, "muster_api_request_failures_total",
		"of these, answered with a fault", true);
}
