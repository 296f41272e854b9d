/* SPDX-License-Identifier: Apache-2.0 */
/* openapi.h - the table of the API as an OpenAPI document */
#ifndef MUSTER_API_OPENAPI_H
#define MUSTER_API_OPENAPI_H

#include <jansson.h>

/* Every row that this version has.  NULL without memory. */
json_t *openapi_document(void);

#endif
