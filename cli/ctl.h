/* SPDX-License-Identifier: Apache-2.0 */
/* ctl.h - what the commands of `muster ctl` share */
#ifndef MUSTER_CLI_CTL_H
#define MUSTER_CLI_CTL_H

#include "cli/verb.h"
#include "vmm/api/client.h"
#include "vmm/config.h"

#define CTL_REFUSED 1 /* exit status: the VM says why */

/* The field `socket` of every command's options. */
#define CTL_SOCKET(object)                                               \
	{                                                                \
		.name = "socket", .type = CONFIG_PATH, .required = true, \
		.offset = CONFIG_AT(object, socket, char *), .min = 1,   \
		.max = CONFIG_SOCKET_MAX, .metavar = "SOCKET",           \
		.help = "the socket that the VM was started with",       \
	}

/* Ask and wait; the exit status.  What a GET tells is printed. */
int ctl_ask(const char *socket, enum api_method method, const char *target,
	const char *body);

extern const struct verb ctl_snapshot;

#endif
