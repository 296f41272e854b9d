/* SPDX-License-Identifier: Apache-2.0 */
/* handed.c - --api-fd, --ready-fd, and systemd's LISTEN_FDS (sd_listen_fds(3)) */
#include "cli/handed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/readiness.h"

#define SYSTEMD_FD 3 /* the first one, and here the only one */

/* The number that a variable of the environment has; -1 for anything else. */
static long number_of(const char *variable)
{
	const char *text = getenv(variable);
	char *end;
	long n;

	if (!text || !*text)
		return -1;
	n = strtol(text, &end, 10);
	return *end ? -1 : n;
}

/* The descriptor, or 0: none is meant for this process. */
static int of_systemd(void)
{
	const char *count = getenv("LISTEN_FDS");

	if (!count || number_of("LISTEN_PID") != getpid())
		return 0;
	if (number_of("LISTEN_FDS") == 1)
		return SYSTEMD_FD;
	return err_set(-EINVAL,
		"LISTEN_FDS=%s: one socket is served; give the unit one "
		"ListenStream=",
		text_shown(count).s);
}

int handed_take(const struct handed *handed, const char *option,
	const char *path, struct vm_service *service)
{
	int rc = handed->ready_fd ? readiness_check((int)handed->ready_fd) : 0;
	int fd = handed->api_fd ? (int)handed->api_fd : of_systemd();

	if (!rc && fd < 0)
		rc = fd;
	service->ready_fd = (int)handed->ready_fd;
	service->path = path;
	service->label = option;
	if (rc || !fd)
		return rc;
	service->listen_fd = fd;
	service->label = handed->api_fd ? "--api-fd "
					: "LISTEN_FDS, descriptor ";
	if (path)
		return err_set(-EINVAL,
			"%s%d: there is %s%s too; give one of them",
			service->label, fd, option, text_shown(path).s);
	return 0;
}
