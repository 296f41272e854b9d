/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - what the commands that serve the API share */
#ifndef MUSTER_CLI_API_H
#define MUSTER_CLI_API_H

#include "vmm/vm.h"
#include "vmm/vm_ops.h"

#define INSTANCE_ID_DEFAULT "anonymous-instance"
#define INSTANCE_ID_MAX     64

/* Letters, digits and '-'; 0 or -EINVAL with a sentence. */
int api_check_id(const char *id);

/*
 * vm_serve() with this API, and with the VM that the file describes if it is not
 * NULL.
 */
int api_serve(struct vm_service *service, const char *config_file,
	struct vm_result *ret);

#endif
