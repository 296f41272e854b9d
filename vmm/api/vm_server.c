/* SPDX-License-Identifier: Apache-2.0 */
/* vm_server.c - routes and server, put together for one VM */
#include "vmm/api/vm_server.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "vmm/api/routes.h"
#include "vmm/api/server.h"
#include "vmm/base/err.h"
#include "vmm/base/thread.h"

struct served {
	struct api api;
	struct server *server;
};

static void stop(void *arg)
{
	struct served *served = arg;

	if (!served)
		return;
	server_free(served->server);
	draft_fini(&served->api.draft);
	observe_fini(&served->api.observe);
	free(served);
}

static void tell_startup(const struct vm_service *service)
{
	struct timespec cpu;
	uint64_t cpu_us;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	cpu_us = (uint64_t)cpu.tv_sec * 1000000 + (uint64_t)cpu.tv_nsec / 1000;
	tally_startup(now_ns() / 1000 - service->began_us,
		cpu_us - service->began_cpu_us + service->parent_cpu_us);
}

static int start(const struct vm_service *service, void **ret)
{
	struct served *served = calloc(1, sizeof(*served));
	struct server_options options = {
		.path = service->path,
		.fd = service->listen_fd,
		.label = service->label,
		.body_max = service->body_max,
		.handle = routes_handle,
	};
	int rc;

	if (!served)
		return err_set(-ENOMEM, "%sno memory", service->label);
	served->api = (struct api){
		.id = service->id,
		.ops = service->ops,
		.instance = service->instance,
		.boot_timer = service->boot_timer,
		.loop = service->loop,
		.events = service->events,
	};
	options.owner = &served->api;
	rc = api_describe(&served->api);
	if (!rc)
		rc = server_new(service->loop, &options, &served->server);
	if (!rc && service->logger)
		rc = logger_set(&served->api, service->logger, "--log-path ");
	if (!rc && service->metrics)
		rc = metrics_set(
			&served->api, service->metrics, "--metrics-path ");
	tell_startup(service);
	if (!rc && service->config)
		rc = api_start_from(&served->api, service->config);
	if (rc)
		stop(served);
	else
		*ret = served;
	return rc;
}

const struct vm_server vm_server = { .start = start, .stop = stop };
