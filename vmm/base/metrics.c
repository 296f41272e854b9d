/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - fill histograms, print everything */
#include "vmm/base/metrics.h"

#include <inttypes.h>
#include <stdio.h>

#define METRICS_VERSION 1

/* ---- histograms ---- */

static unsigned bucket_of(uint64_t value)
{
	unsigned bits = value ? 64 - (unsigned)__builtin_clzll(value) : 0;

	return MIN(bits, HISTOGRAM_BUCKETS - 1);
}

void histogram_add(struct histogram *h, uint64_t value)
{
	uint64_t max = atomic_load_explicit(&h->max, memory_order_relaxed);

	while (value > max &&
		!atomic_compare_exchange_weak_explicit(&h->max, &max, value,
			memory_order_relaxed, memory_order_relaxed))
		;
	atomic_fetch_add_explicit(&h->sum, value, memory_order_relaxed);
	atomic_fetch_add_explicit(
		&h->bucket[bucket_of(value)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void print_histogram(struct buf *out, const struct histogram *h)
{
	unsigned used = HISTOGRAM_BUCKETS;

	while (used && !get(&h->bucket[used - 1]))
		used--;
	buf_printf(out,
		"\"%s\":{\"count\":%" PRIu64 ",\"sum\":%" PRIu64
		",\"max\":%" PRIu64 ",\"buckets\":[",
		h->name, get(&h->count), get(&h->sum), get(&h->max));
	for (unsigned i = 0; i < used; i++)
		buf_printf(out, "%s%" PRIu64, i ? "," : "", get(&h->bucket[i]));
	buf_printf(out, "]}");
}

/* ---- as JSON ---- */

static void print_group(struct buf *out, const struct metric_group *g)
{
	buf_printf(out, ",\"%s\":{", g->name);
	for (unsigned i = 0; i < g->count; i++)
		buf_printf(out, "%s\"%s\":%" PRIu64, i ? "," : "",
			g->metrics[i].name, metric_get(&g->metrics[i]));
	for (unsigned i = 0; i < g->histogram_count; i++) {
		buf_printf(out, "%s", g->count || i ? "," : "");
		print_histogram(out, &g->histograms[i]);
	}
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

/* ---- as Prometheus has it ---- */

static void print_heading(struct buf *out, const struct metric_group *g,
	const char *name, const char *suffix, const char *help,
	const char *type)
{
	buf_printf(
		out, "# HELP muster_%s_%s%s %s\n", g->name, name, suffix, help);
	buf_printf(
		out, "# TYPE muster_%s_%s%s %s\n", g->name, name, suffix, type);
}

static void print_metric(
	struct buf *out, const struct metric_group *g, const struct metric *m)
{
	const char *suffix = g->gauges ? "" : "_total";

	print_heading(out, g, m->name, suffix, m->help,
		g->gauges ? "gauge" : "counter");
	buf_printf(out, "muster_%s_%s%s %" PRIu64 "\n", g->name, m->name,
		suffix, metric_get(m));
}

/* The count is that of the buckets: another thread may be adding meanwhile. */
static void print_buckets(struct buf *out, const struct metric_group *g,
	const struct histogram *h)
{
	uint64_t count = 0;

	print_heading(out, g, h->name, "", h->help, "histogram");
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		char bound[24] = "+Inf";

		count += get(&h->bucket[i]);
		if (i < HISTOGRAM_BUCKETS - 1)
			snprintf(bound, sizeof(bound), "%llu", BIT64(i) - 1);
		buf_printf(out, "muster_%s_%s_bucket{le=\"%s\"} %" PRIu64 "\n",
			g->name, h->name, bound, count);
	}
	buf_printf(out, "muster_%s_%s_sum %" PRIu64 "\n", g->name, h->name,
		get(&h->sum));
	buf_printf(out, "muster_%s_%s_count %" PRIu64 "\n", g->name, h->name,
		count);
}

void metrics_print_text(struct buf *out, const struct metric_group *group)
{
	for (unsigned i = 0; i < group->count; i++)
		print_metric(out, group, &group->metrics[i]);
	for (unsigned i = 0; i < group->histogram_count; i++)
		print_buckets(out, group, &group->histograms[i]);
}
