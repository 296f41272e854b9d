/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance.c - a process and its VM, from the start to the end
 *
 * A VM that the command line describes is started first and served then; one that
 * clients describe is started by them (vm_ops.c), on the loop that serves them.
 */
#include "vmm/instance.h"

#include <errno.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/vm_events.h"
#include "vmm/readiness.h"

static int serve(struct instance *in, const struct vm_service *how)
{
	struct vm_service service = *how;

	service.loop = in->control->loop;
	service.ops = &vm_ops;
	service.instance = in;
	service.events = &in->control->events;
	return in->server->start(&service, &in->served);
}

/* Clients first: what they ask for needs the VM. */
static void end(struct instance *in)
{
	if (in->served)
		in->server->stop(in->served);
	if (in->control)
		microcode_fini(in);
	in->vm = vm_free(in->vm);
	in->control = control_free(in->control);
	restore_fini(&in->restore);
	vm_config_fini(&in->own);
}

static int build(struct instance *in, struct vm_config *config,
	const struct restore *restore, enum outcome *ret_fault)
{
	in->config = config;
	in->vm = vm_new(config, in->control);
	if (!in->vm)
		return err_set(-ENOMEM, "no memory for a VM");
	in->vm->restore = restore;
	return vm_build(in->vm, ret_fault);
}

int instance_start(struct instance *in, struct vm_config *config)
{
	bool restores = config->restore.state;
	enum outcome fault;
	int rc = restores ? restore_open(config, &in->restore) : 0;

	in->own = *config;
	if (!rc)
		rc = build(
			in, &in->own, restores ? &in->restore : NULL, &fault);
	if (!rc)
		rc = microcode_start(in);
	if (!rc)
		rc = vm_start(in->vm);
	if (!rc) {
		*config = (struct vm_config){ 0 };
		return 0;
	}
	in->vm = vm_free(in->vm);
	in->own = (struct vm_config){ 0 };
	restore_fini(&in->restore);
	return rc;
}

/* ---- a VM of the command line ---- */

static int run(struct instance *in, struct vm_config *config,
	const struct restore *restore, enum outcome *ret_fault)
{
	const struct vm_service service = {
		.path = config->control_path,
		.label = "--control ",
		.id = "anonymous-instance",
	};
	int rc = build(in, config, restore, ret_fault);

	if (!rc && config->control_path) {
		*ret_fault = OUTCOME_BAD_CONFIG;
		rc = serve(in, &service);
	}
	if (rc)
		return rc;
	*ret_fault = OUTCOME_VMM_FAILED;
	return vm_start(in->vm);
}

/* Until something reports the end; the socket is gone when it is told. */
static int wait_and_end(
	struct instance *in, int rc, enum outcome fault, struct vm_result *ret)
{
	if (!rc)
		loop_run(in->control->loop);
	if (!rc)
		vm_tell_end(&in->control->events, &in->control->ending.result);
	*ret = rc ? (struct vm_result){ .outcome = fault, .status = (int)fault }
		  : in->control->ending.result;
	end(in);
	return rc;
}

static int run_to_the_end(struct vm_config *config,
	const struct restore *restore, const struct vm_server *server,
	struct vm_result *ret)
{
	struct instance in = {
		.control = control_new(),
		.server = server,
	};
	enum outcome fault = OUTCOME_VMM_FAILED;
	int rc = in.control ? run(&in, config, restore, &fault)
			    : err_set(-ENOMEM, "no memory for a VM");

	return wait_and_end(&in, rc, fault, ret);
}

int vm_run(struct vm_config *config, const struct vm_server *server,
	struct vm_result *ret)
{
	return run_to_the_end(config, NULL, server, ret);
}

int vm_restore(struct vm_config *config, const struct vm_server *server,
	struct vm_result *ret)
{
	CLEANUP(restore_fini) struct restore restore;
	int rc = restore_open(config, &restore);

	*ret = (struct vm_result){
		.outcome = OUTCOME_BAD_CONFIG,
		.status = OUTCOME_BAD_CONFIG,
	};
	return rc ? rc : run_to_the_end(config, &restore, server, ret);
}

/* ---- a VM of the clients ---- */

int vm_serve(const struct vm_service *service, const struct vm_server *server,
	struct vm_result *ret)
{
	struct instance in = {
		.control = control_new(),
		.server = server,
	};
	int rc = in.control ? control_open(in.control)
			    : err_set(-ENOMEM, "no memory for a socket");

	if (!rc) {
		in.control->status_of = service->status_of;
		rc = serve(&in, service);
	}
	if (!rc)
		readiness_tell(service->ready_fd);
	return wait_and_end(&in, rc, OUTCOME_BAD_CONFIG, ret);
}
