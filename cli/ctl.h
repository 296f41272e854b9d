/* SPDX-License-Identifier: Apache-2.0 */
/* ctl.h - what the commands of `muster ctl` share */
#ifndef MUSTER_CLI_CTL_H
#define MUSTER_CLI_CTL_H

#include "cli/verb.h"
#include "vmm/api/client.h"
#include "vmm/api/words.h"
#include "vmm/config.h"

#define CTL_REFUSED 1 /* exit status: the VM says why */

/* The fields `socket` and `timeout_ms` of every command's options. */
#define CTL_SOCKET(object)                                               \
	{                                                                \
		.name = "socket", .type = CONFIG_PATH, .required = true, \
		.offset = CONFIG_AT(object, socket, char *), .min = 1,   \
		.max = CONFIG_SOCKET_MAX, .metavar = "SOCKET",           \
		.help = "the socket that the VM was started with",       \
	}
#define CTL_TIMEOUT(object, time)                                            \
	{                                                                    \
		.name = "timeout", .type = CONFIG_DURATION,                  \
		.offset = CONFIG_AT(object, timeout_ms, uint64_t), .min = 1, \
		.max = 24ull * 3600 * 1000, .fallback = (time),              \
		.metavar = "TIME",                                           \
		.help = "give up when there is no answer after this "        \
			"long",                                              \
	}

struct ctl_request {
	const char *socket;
	uint64_t timeout_ms;
	enum api_method method;
	const char *target;
	const char *body; /* or NULL */
	const struct word
		*words; /* options that were given as fields; or NULL */
};

/* Ask and wait; the exit status.  What the VM tells is printed. */
int ctl_ask(const struct ctl_request *request);

extern const struct verb ctl_config, ctl_delete, ctl_get, ctl_patch, ctl_put,
	ctl_snapshot;

#endif
