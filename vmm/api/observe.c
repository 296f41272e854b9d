/* SPDX-License-Identifier: Apache-2.0 */
/* observe.c - what was told of the log and the metrics, told again */
#include "vmm/api/observe.h"

#include "vmm/config_json.h"

void observe_fini(struct observe *observe)
{
	config_fini(&logger_body_object, &observe->logger);
	observe->logs = false;
}

void observe_tell(const struct observe *observe, json_t *root)
{
	if (observe->logs)
		json_object_set_new(root, "logger",
			config_to_json(&logger_body_object, &observe->logger));
}
