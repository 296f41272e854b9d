/* SPDX-License-Identifier: Apache-2.0 */
/* routes.h - requests to a VM: what each path and method does */
#ifndef MUSTER_API_ROUTES_H
#define MUSTER_API_ROUTES_H

#include "vmm/api/draft.h"
#include "vmm/api/http.h"
#include "vmm/api/reply.h"
#include "vmm/vm_ops.h"

/* The instance that is controlled, borrowed, and what was told of it. */
struct api {
	const char *id;
	const struct vm_ops *ops;
	struct instance *instance;
	struct draft draft;
};

/* Draft what the VM was made from, or nothing if there is none.  0 or -ENOMEM. */
int api_describe(struct api *api);

/*
 * Do what is asked and say so in *reply: 200 with JSON for a GET, 204 for a
 * change, 400 with {"fault_message": …} for anything that is wrong.  `api` is a
 * struct api.
 */
void routes_handle(
	void *api, const struct http_message *request, struct reply *reply);

#endif
