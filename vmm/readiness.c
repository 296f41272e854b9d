/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readiness.c - by a descriptor, as s6 has it, and by systemd's protocol
 *
 * Both are a few bytes, the same for both: s6 waits for the newline, systemd reads
 * lines of NAME=VALUE (sd_notify(3)).
 */
#include "vmm/readiness.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/base/text.h"

static const char ready[] = "READY=1\n";

#define READY_BYTES (sizeof(ready) - 1)

int readiness_check(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return err_set(-errno,
			"--ready-fd %d: not an open descriptor; hand one down "
			"that can be written",
			fd);
	if ((flags & O_ACCMODE) == O_RDONLY)
		return err_set(-EBADF,
			"--ready-fd %d: only open for reading; hand down the "
			"end that can be written",
			fd);
	return 0;
}

static void tell_descriptor(int fd)
{
	if (write(fd, ready, READY_BYTES) != (ssize_t)READY_BYTES)
		log_warn("--ready-fd %d: cannot be written: %s", fd,
			strerror(errno));
	close_fd(fd);
}

/* A path, or '@' and an abstract name; the length, or 0 for anything else. */
static socklen_t read_address(const char *text, struct sockaddr_un *ret)
{
	size_t len = strlen(text);

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if ((text[0] != '/' && text[0] != '@') || len < 2 ||
		len >= sizeof(ret->sun_path))
		return 0;
	memcpy(ret->sun_path, text, len);
	if (text[0] == '/')
		return sizeof(*ret);
	ret->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static void tell_manager(const char *name)
{
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	socklen_t len = read_address(name, &address);

	if (!len)
		log_warn("NOTIFY_SOCKET=%s: neither a path nor @NAME",
			text_shown(name).s);
	else if (sendto(fd, ready, READY_BYTES, MSG_NOSIGNAL,
			 (const void *)&address, len) < 0)
		log_warn("NOTIFY_SOCKET=%s: cannot be told: %s",
			text_shown(name).s, strerror(errno));
}

void readiness_tell(int fd)
{
	const char *manager = getenv("NOTIFY_SOCKET");

	if (fd)
		tell_descriptor(fd);
	if (manager && *manager)
		tell_manager(manager);
}
