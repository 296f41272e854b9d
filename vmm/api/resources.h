/* SPDX-License-Identifier: Apache-2.0 */
/* resources.h - the table of the API, which resources.c has and routes.c reads */
#ifndef MUSTER_API_RESOURCES_H
#define MUSTER_API_RESOURCES_H

#include "vmm/api/routes.h"
#include "vmm/config_field.h"

struct route {
	enum api_method method;
	const char *path;
	unsigned states;                  /* BIT(enum vm_state) of all */
	const struct config_object *body; /* NULL: the request has none */
	/* 0, or -errno with a sentence. */
	int (*handle)(
		const struct api *api, const void *body, struct reply *reply);
};

/* Room for any row's body. */
#define ROUTE_BODY_BYTES 64

extern const struct route routes[];
extern const unsigned routes_count;

#endif
