/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - GET /metrics: everything that is counted, as Prometheus reads it */
#include "vmm/api/resources.h"
#include "vmm/metric_groups.h"

const struct shape metrics_shape = {
	.name = "metrics",
	.media = "text/plain; version=0.0.4; charset=utf-8",
};

int get_metrics(struct api *api, struct call *call, struct reply *reply)
{
	(void)call;
	reply->status = STATUS_FINE;
	reply->type = metrics_shape.media;
	for (unsigned i = 0; i < metric_groups_count; i++)
		metrics_print_text(&reply->body, metric_groups[i]);
	metrics_print_text(&reply->body, &api_metrics);
	tally_print_text(&reply->body, &api->tally);
	return 0;
}
