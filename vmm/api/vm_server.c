/* SPDX-License-Identifier: Apache-2.0 */
/* vm_server.c - routes and server, put together for one VM */
#include "vmm/api/vm_server.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm/api/routes.h"
#include "vmm/api/server.h"
#include "vmm/base/err.h"

struct served {
	struct api api;
	struct server *server;
};

static int start(const char *path, struct loop *loop, const struct vm_ops *ops,
	struct vm *vm, void **ret)
{
	struct served *served = malloc(sizeof(*served));
	struct server_options options = {
		.path = path,
		.label = "--control ",
		.handle = routes_handle,
	};
	int rc;

	if (!served)
		return err_set(-ENOMEM, "--control: no memory");
	served->api = (struct api){ .ops = ops, .vm = vm };
	options.owner = &served->api;
	rc = server_new(loop, &options, &served->server);
	if (rc) {
		free(served);
		return rc;
	}
	*ret = served;
	return 0;
}

static void stop(void *arg)
{
	struct served *served = arg;

	if (served)
		server_free(served->server);
	free(served);
}

const struct vm_server vm_server = { .start = start, .stop = stop };
