/* SPDX-License-Identifier: Apache-2.0 */
/* routes.h - requests to a VM: what each path and method does */
#ifndef MUSTER_API_ROUTES_H
#define MUSTER_API_ROUTES_H

#include "vmm/api/draft.h"
#include "vmm/api/http.h"
#include "vmm/api/observe.h"
#include "vmm/api/reply.h"
#include "vmm/api/tally.h"
#include "vmm/vm_ops.h"

/* The instance that is controlled, borrowed, and what was told of it. */
struct api {
	const char *id;
	const struct vm_ops *ops;
	struct instance *instance;
	bool boot_timer;   /* for guests that boot */
	struct loop *loop; /* that serves; NULL: none does */
	struct events *events;
	struct draft draft;
	struct observe observe;
	struct tally tally;
};

/* Draft what the VM was made from, or nothing if there is none.  0 or -ENOMEM. */
int api_describe(struct api *api);

/*
 * Describe and start a VM by the text of a JSON object with the keys of GET
 * /vm/config.  0 or -errno with a sentence; then part of it may be described.
 */
int api_start_from(struct api *api, const char *text);

/* Do what is asked: 0 and *reply, or -errno with a sentence. */
int routes_ask(struct api *api, const struct http_message *request,
	struct reply *reply);

/*
 * Do what is asked and say so in *reply: 200 with JSON for a GET, 204 for a
 * change, 400 with {"fault_message": …} for anything that is wrong.  `api` is a
 * struct api.
 */
void routes_handle(
	void *api, const struct http_message *request, struct reply *reply);

#endif
