/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - tables as JSON schemas, in the dialect of OpenAPI 3.0 */
#ifndef MUSTER_API_SCHEMA_H
#define MUSTER_API_SCHEMA_H

#include <jansson.h>

#include "vmm/api/shape.h"

enum schema_use {
	SCHEMA_WHOLE, /* members that are required must be there */
	SCHEMA_PATCH, /* any member may be left out, or null */
};

/* What config_parse_json() and config_patch_json() take, and config_to_json() makes. */
json_t *schema_of_object(
	const struct config_object *object, enum schema_use use);

json_t *schema_of_shape(const struct shape *shape, enum schema_use use);

#endif
