/* SPDX-License-Identifier: Apache-2.0 */
/* resources.h - the table of the API, which resources.c has and routes.c reads */
#ifndef MUSTER_API_RESOURCES_H
#define MUSTER_API_RESOURCES_H

#include "vmm/api/routes.h"
#include "vmm/api/shape.h"
#include "vmm/config_field.h"

/* A request, as its row's handler gets it: everything is checked. */
struct call {
	const struct http_message *request;
	const char *id; /* what stands for {id} in the path */
	void *body;     /* what a row's table describes; it may be taken over */
};

struct route {
	enum api_method method;
	const char *path; /* its last part may be ROUTE_ID */
	unsigned states;  /* BIT(enum vm_state) of all */
	enum {
		NO_BODY,
		BODY,       /* an object of `object` */
		PATCH_BODY, /* some of its members; the handler reads them */
		RAW_BODY,   /* an object; the handler looks at it */
	} body;
	const struct config_object *object;
	const struct shape *sent;  /* of a RAW_BODY; NULL: any object */
	const struct shape *shape; /* what is told: 200; NULL: nothing, 204 */
	/*
	 * 0, or -errno with a sentence: then nothing has changed.  NULL: this
	 * version lacks it.
	 */
	int (*handle)(struct api *api, struct call *call, struct reply *reply);
};

#define ROUTE_ID         "{id}"
#define ROUTE_ID_MAX     64

/* Room for any row's body. */
#define ROUTE_BODY_BYTES 512

#define STATES_STARTED   (BIT(VM_RUNNING) | BIT(VM_PAUSED))
#define STATES_BEFORE    BIT(VM_NOT_STARTED)
#define STATES_ANY       (STATES_BEFORE | STATES_STARTED)

extern const struct route routes[];
extern const unsigned routes_count;

/* ---- openapi.c ---- */

extern const struct shape openapi_shape;

int get_openapi(struct api *api, struct call *call, struct reply *reply);

/* ---- machine.c: what there is before and after the start ---- */

extern const struct shape instance_shape, version_shape, vm_shape, cpu_shape;
extern const struct config_object vm_body_object, snapshot_body_object;

int get_instance(struct api *api, struct call *call, struct reply *reply);
int get_version(struct api *api, struct call *call, struct reply *reply);
int get_cpu(struct api *api, struct call *call, struct reply *reply);
int get_vm(struct api *api, struct call *call, struct reply *reply);
int patch_vm(struct api *api, struct call *call, struct reply *reply);
int put_snapshot(struct api *api, struct call *call, struct reply *reply);

/* ---- events.c ---- */

extern const struct shape events_shape;

int get_events(struct api *api, struct call *call, struct reply *reply);

/* ---- setup.c: what configures a VM, and starts it ---- */

extern const struct shape machine_shape, config_shape;

int get_machine(struct api *api, struct call *call, struct reply *reply);
int put_machine(struct api *api, struct call *call, struct reply *reply);
int patch_machine(struct api *api, struct call *call, struct reply *reply);
int put_boot(struct api *api, struct call *call, struct reply *reply);
int put_entropy(struct api *api, struct call *call, struct reply *reply);
int put_serial(struct api *api, struct call *call, struct reply *reply);
int put_cpu(struct api *api, struct call *call, struct reply *reply);
int put_action(struct api *api, struct call *call, struct reply *reply);
int get_config(struct api *api, struct call *call, struct reply *reply);

/* That a file cannot be read is said when it is named, not when the VM starts. */
int api_check_file(const char *field, const char *path, int flags);

/* Start a VM that boots, whoever described it, and all that goes along. */
int api_start(struct api *api, struct vm_config *config);

/* ---- drives.c ---- */

int put_drive(struct api *api, struct call *call, struct reply *reply);
int patch_drive(struct api *api, struct call *call, struct reply *reply);
int delete_drive(struct api *api, struct call *call, struct reply *reply);

/* ---- logger.c, metrics.c: what tells of the process ---- */

extern const struct shape metrics_shape;

int get_metrics(struct api *api, struct call *call, struct reply *reply);
int put_metrics(struct api *api, struct call *call, struct reply *reply);
int put_logger(struct api *api, struct call *call, struct reply *reply);

/* ---- config_file.c ---- */

int put_config(struct api *api, struct call *call, struct reply *reply);

/* ---- load.c ---- */

extern const struct config_object load_body_object;

int put_load(struct api *api, struct call *call, struct reply *reply);

/* ---- microcode.c: policies; a late load of the host, vmm/microcode.h ---- */

int put_microcode(struct api *api, struct call *call, struct reply *reply);

extern const struct shape microcode_shape;

extern const struct config_object prepare_body_object, hold_body_object,
	release_body_object;

int put_prepare(struct api *api, struct call *call, struct reply *reply);
int put_hold(struct api *api, struct call *call, struct reply *reply);
int put_release(struct api *api, struct call *call, struct reply *reply);

#endif
