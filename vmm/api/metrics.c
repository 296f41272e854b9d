/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - GET /metrics, as Prometheus reads it; PUT /metrics, into a file */
#include <errno.h>
#include <limits.h>

#include "vmm/api/metrics_file.h"
#include "vmm/api/resources.h"
#include "vmm/base/err.h"
#include "vmm/metric_groups.h"

/* ---- what is counted ---- */

const struct metric_group *const api_metric_groups[] = {
	&api_metrics,
	&latency_metrics,
	&metrics_file_metrics,
	&process_metrics,
};

const unsigned api_metric_groups_count = ARRAY_SIZE(api_metric_groups);

/* ---- GET ---- */

const struct shape metrics_shape = {
	.name = "metrics-text",
	.media = "text/plain; version=0.0.4; charset=utf-8",
};

int get_metrics(struct api *api, struct call *call, struct reply *reply)
{
	(void)call;
	reply->status = STATUS_FINE;
	reply->type = metrics_shape.media;
	for (unsigned i = 0; i < metric_groups_count; i++)
		metrics_print_text(&reply->body, metric_groups[i]);
	for (unsigned i = 0; i < api_metric_groups_count; i++)
		metrics_print_text(&reply->body, api_metric_groups[i]);
	tally_print_text(&reply->body, &api->tally);
	return 0;
}

/* ---- PUT ---- */

static const struct config_field metrics_fields[] = {
	{
		.name = "metrics_path",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct metrics_body, metrics_path, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.help = "the file or FIFO to append lines of metrics to",
	},
	{
		.name = "emit_id",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct metrics_body, emit_id, bool),
		.fallback = "off",
		.help = "say the instance's id in each line",
	},
	{
		.name = "properties",
		.type = CONFIG_TEXTS,
		.offset = CONFIG_AT(struct metrics_body, properties, char *),
		.max = 16 * KIB,
		.help = "strings of the client's own, said in each line",
	},
};

const struct config_object metrics_body_object = {
	.name = "metrics",
	.fields = metrics_fields,
	.count = ARRAY_SIZE(metrics_fields),
	.size_bytes = sizeof(struct metrics_body),
};

int metrics_set(struct api *api, struct metrics_body *body, const char *label)
{
	struct observe *observe = &api->observe;

	if (observe->metrics)
		return err_set(-EBUSY,
			"metrics_path: it is %s already; that cannot change",
			observe->metrics->body.metrics_path);
	return metrics_file_new(api, body, label, api->loop, &observe->metrics);
}

int put_metrics(struct api *api, struct call *call, struct reply *reply)
{
	(void)reply;
	return metrics_set(api, call->body, "metrics_path ");
}
