/* SPDX-License-Identifier: Apache-2.0 */
/* config_json.h - objects as trees of JSON */
#ifndef MUSTER_VMM_CONFIG_JSON_H
#define MUSTER_VMM_CONFIG_JSON_H

#include <jansson.h>

#include "vmm/config_field.h"

/* The text of one JSON object.  0; -EINVAL with a sentence that says what is wrong. */
int config_load_json(const char *text, size_t len, json_t **ret);

/*
 * What config_parse_json() makes the same object from; texts that are not there
 * and members that are never there are null.  NULL without memory.
 */
json_t *config_to_json(const struct config_object *object, const void *base);

#endif
