/* SPDX-License-Identifier: Apache-2.0 */
/* observe.c - what was told of the log and the metrics, and the life of both */
#include "vmm/api/observe.h"

#include "vmm/api/metrics_file.h"
#include "vmm/config_json.h"

void observe_fini(struct observe *observe)
{
	config_fini(&logger_body_object, &observe->logger);
	observe->metrics = metrics_file_free(observe->metrics);
	observe->logs = false;
}

void observe_started(struct observe *observe)
{
	if (observe->metrics)
		metrics_file_start(observe->metrics);
}

int observe_flush(struct observe *observe)
{
	return observe->metrics ? metrics_file_flush(observe->metrics) : 0;
}

void observe_tell(const struct observe *observe, json_t *root)
{
	if (observe->logs)
		json_object_set_new(root, "logger",
			config_to_json(&logger_body_object, &observe->logger));
	if (observe->metrics)
		json_object_set_new(root, "metrics",
			config_to_json(
				&metrics_body_object, &observe->metrics->body));
}
