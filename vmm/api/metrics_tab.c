/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_tab.c - Firecracker's names of metrics, and ours
 *
 * What is not in the table is left out of the line: a key that were always 0 would
 * tell its reader something that is not so.
 */
#include "vmm/api/metrics_tab.h"

#include <assert.h>
#include <string.h>

#include "vmm/api/resources.h"
#include "vmm/metric_groups.h"

#define COUNT(o, k, g, n)                                            \
	{                                                            \
		.object = (o), .key = (k), .group = (g), .name = (n) \
	}
#define GAUGE(o, k, g, n)                                               \
	{                                                               \
		.object = (o), .key = (k), .gauge = true, .group = (g), \
		.name = (n)                                             \
	}
#define REQUESTS(o, k, m, p)                                                 \
	{                                                                    \
		.object = (o), .key = k "_count", .method = (m), .path = (p) \
	}
#define FAILS(o, k, m, p)                                                     \
	{                                                                     \
		.object = (o), .key = k "_fails", .method = (m), .path = (p), \
		.fails = true                                                 \
	}
#define BOTH(o, k, m, p) REQUESTS(o, k, m, p), FAILS(o, k, m, p)
#define GET(k, p)        REQUESTS("get_api_requests", k, API_GET, p)
#define PUT(k, p)        BOTH("put_api_requests", k, API_PUT, p)
#define PATCH(k, p)      BOTH("patch_api_requests", k, API_PATCH, p)

const struct metrics_row metrics_rows[] = {
	GAUGE("api_server", "process_startup_time_us", "process", "startup_us"),
	GAUGE("api_server", "process_startup_time_cpu_us", "process",
		"startup_cpu_us"),

	COUNT("block", "execute_fails", "blk", "errors"),
	COUNT("block", "invalid_reqs_count", "blk", "unsupported"),
	COUNT("block", "flush_count", "blk", "flushes"),
	COUNT("block", "rate_limiter_throttled_events", "blk", "throttled"),
	COUNT("block", "update_count", "blk", "replaced"),
	COUNT("block", "read_bytes", "blk", "read_bytes"),
	COUNT("block", "write_bytes", "blk", "write_bytes"),
	COUNT("block", "read_count", "blk", "reads"),
	COUNT("block", "write_count", "blk", "writes"),

	COUNT("deprecated_api", "deprecated_http_api_calls", "api",
		"deprecated_requests"),

	COUNT("entropy", "entropy_event_count", "rng", "requests"),
	COUNT("entropy", "entropy_bytes", "rng", "bytes"),
	COUNT("entropy", "entropy_rate_limiter_throttled", "rng", "throttled"),

	GET("instance_info", "/"),
	GET("machine_cfg", "/machine-config"),
	GET("mmds", "/mmds"),
	GET("vmm_version", "/version"),
	GET("hotplug_memory", "/hotplug/memory"),

	GAUGE("latencies_us", "full_create_snapshot", "latency",
		"full_snapshot_us"),
	GAUGE("latencies_us", "diff_create_snapshot", "latency",
		"diff_snapshot_us"),
	GAUGE("latencies_us", "load_snapshot", "latency", "load_us"),
	GAUGE("latencies_us", "pause_vm", "latency", "pause_us"),
	GAUGE("latencies_us", "resume_vm", "latency", "resume_us"),

	COUNT("logger", "missed_metrics_count", "metrics_file", "lines_missed"),
	COUNT("logger", "metrics_fails", "metrics_file", "lines_failed"),
	COUNT("logger", "missed_log_count", "logger", "lines_lost"),
	COUNT("logger", "rate_limited_log_count", "logger", "lines_limited"),

	PATCH("drive", "/drives/{id}"),
	PATCH("network", "/network-interfaces/{id}"),
	PATCH("machine_cfg", "/machine-config"),
	PATCH("mmds", "/mmds"),
	PATCH("hotplug_memory", "/hotplug/memory"),
	PATCH("pmem", "/pmem/{id}"),

	PUT("actions", "/actions"),
	PUT("boot_source", "/boot-source"),
	PUT("drive", "/drives/{id}"),
	PUT("logger", "/logger"),
	PUT("machine_cfg", "/machine-config"),
	PUT("cpu_cfg", "/cpu-config"),
	PUT("metrics", "/metrics"),
	PUT("network", "/network-interfaces/{id}"),
	PUT("mmds", "/mmds"),
	PUT("vsock", "/vsock"),
	PUT("pmem", "/pmem/{id}"),
	PUT("serial", "/serial"),
	PUT("hotplug_memory", "/hotplug/memory"),

	COUNT("uart", "write_count", "tty", "bytes_written"),
	COUNT("uart", "rate_limiter_dropped_bytes", "tty", "bytes_limited"),

	COUNT("vcpu", "exit_io_in", "vcpu", "exits_port_in"),
	COUNT("vcpu", "exit_io_out", "vcpu", "exits_port_out"),
	COUNT("vcpu", "exit_mmio_read", "vcpu", "exits_mmio_read"),
	COUNT("vcpu", "exit_mmio_write", "vcpu", "exits_mmio_write"),
};

static_assert(ARRAY_SIZE(metrics_rows) <= METRICS_ROWS_MAX, "there is room");

const unsigned metrics_rows_count = ARRAY_SIZE(metrics_rows);

static bool of_request(
	const struct tally *tally, const struct metrics_row *row, uint64_t *ret)
{
	for (unsigned i = 0; i < MIN(routes_count, TALLY_ROUTES_MAX); i++) {
		if (routes[i].method != row->method ||
			strcmp(routes[i].path, row->path))
			continue;
		*ret = row->fails ? tally->route[i].fails
				  : tally->route[i].requests;
		return true;
	}
	return false;
}

static bool of_group(const struct metric_group *group,
	const struct metrics_row *row, uint64_t *ret)
{
	if (strcmp(group->name, row->group))
		return false;
	for (unsigned i = 0; i < group->count; i++) {
		if (strcmp(group->metrics[i].name, row->name))
			continue;
		*ret = metric_get(&group->metrics[i]);
		return true;
	}
	return false;
}

bool metrics_row_value(
	const struct api *api, const struct metrics_row *row, uint64_t *ret)
{
	if (!row->group)
		return of_request(&api->tally, row, ret);
	for (unsigned i = 0; i < metric_groups_count; i++)
		if (of_group(metric_groups[i], row, ret))
			return true;
	for (unsigned i = 0; i < api_metric_groups_count; i++)
		if (of_group(api_metric_groups[i], row, ret))
			return true;
	return false;
}
