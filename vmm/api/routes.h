/* SPDX-License-Identifier: Apache-2.0 */
/* routes.h - requests to a VM: what each path and method does */
#ifndef MUSTER_API_ROUTES_H
#define MUSTER_API_ROUTES_H

#include "vmm/api/http.h"
#include "vmm/api/reply.h"
#include "vmm/vm_ops.h"

/* The machine that is controlled; both borrowed. */
struct api {
	const struct vm_ops *ops;
	struct vm *vm;
};

/*
 * Do what is asked and say so in *reply: 200 with JSON for a GET, 204 for a
 * change, 400 with {"fault_message": …} for anything that is wrong.  `api` is a
 * struct api.
 */
void routes_handle(
	void *api, const struct http_message *request, struct reply *reply);

#endif
