/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handed.h - descriptors that whoever starts a process hands down to it: the
 * socket to serve, and where to say that it is served
 */
#ifndef MUSTER_CLI_HANDED_H
#define MUSTER_CLI_HANDED_H

#include "vmm/vm_ops.h"

struct handed {
	unsigned api_fd; /* each 0: none */
	unsigned ready_fd;
};

#define HANDED_FD_MAX (1 << 20) /* the kernel's own limit, fs.nr_open */

/* The rows of both, for a verb's options, which have a `struct handed handed`. */
#define HANDED_FD(options, option, member, text)                              \
	{                                                                     \
		.name = (option), .type = CONFIG_UNSIGNED,                    \
		.offset = CONFIG_AT(struct options, handed.member, unsigned), \
		.min = 3, .max = HANDED_FD_MAX, .metavar = "N", .help = text, \
	}
#define HANDED_FIELDS(options)                                              \
	HANDED_FD(options, "api-fd", api_fd,                                \
		"serve this listening Unix socket, which was handed down, " \
		"and make none; LISTEN_FDS of systemd does the same"),      \
		HANDED_FD(options, "ready-fd", ready_fd,                    \
			"write a line to this descriptor, and close it, "   \
			"when clients are answered and the VM of "          \
			"--config-file runs; NOTIFY_SOCKET of systemd is "  \
			"told too")

/*
 * Have `service` serve what was handed down or else `path`, which `option` gave, or
 * NULL; its path is NULL if there is neither.  0 or -EINVAL with a sentence.
 */
int handed_take(const struct handed *handed, const char *option,
	const char *path, struct vm_service *service);

#endif
