/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - print counters */
#include "vmm/base/metrics.h"

#include <inttypes.h>

#define METRICS_VERSION 1

static void print_group(struct buf *out, const struct metric_group *g)
{
	buf_printf(out, ",\"%s\":{", g->name);
	for (unsigned i = 0; i < g->count; i++)
		buf_printf(out, "%s\"%s\":%" PRIu64, i ? "," : "",
			g->metrics[i].name, metric_get(&g->metrics[i]));
	buf_printf(out, "}");
}

void metrics_print_json(
	struct buf *out, const struct metric_group *const *groups, unsigned n)
{
	buf_printf(out, "{\"version\":%d", METRICS_VERSION);
	for (unsigned i = 0; i < n; i++)
		print_group(out, groups[i]);
	buf_printf(out, "}\n");
}
