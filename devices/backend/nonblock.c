/* SPDX-License-Identifier: Apache-2.0 */
/* nonblock.c - find out how a descriptor can be kept from blocking, then do it */
#include "devices/backend/nonblock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

/* Opening a pty master again would make a new pty. */
static bool is_pty_master(int fd)
{
	unsigned number;

	return ioctl(fd, TIOCGPTN, &number) == 0;
}

static enum nonblock_how classify(int fd, mode_t mode)
{
	if (S_ISSOCK(mode))
		return NONBLOCK_SOCKET;
	if (S_ISFIFO(mode))
		return NONBLOCK_OWN;
	if (!S_ISCHR(mode) || !isatty(fd))
		return NONBLOCK_PLAIN;
	return is_pty_master(fd) ? NONBLOCK_SHARED : NONBLOCK_OWN;
}

static int open_again(int fd, int access)
{
	char path[sizeof("/proc/self/fd/") + 10];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int nonblock_open(struct nonblock *nb, int fd, int access)
{
	struct stat st;

	nb->fd = -1;
	if (fstat(fd, &st) < 0)
		return err_set(-errno,
			"descriptor %d is not open; redirect it to a file or "
			"to /dev/null",
			fd);
	nb->how = classify(fd, st.st_mode);
	/*
	 * poll() promises a pipe's writer PIPE_BUF bytes (pipe(7)), a
	 * terminal's only one.
	 */
	nb->write_max = S_ISFIFO(st.st_mode) ? PIPE_BUF : 1;
	if (nb->how == NONBLOCK_OWN)
		nb->fd = open_again(fd, access);
	if (nb->fd >= 0)
		return 0;
	if (nb->how == NONBLOCK_OWN)
		nb->how = NONBLOCK_SHARED;
	nb->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (nb->fd < 0)
		return err_set(-errno, "cannot duplicate descriptor %d: %s", fd,
			strerror(errno));
	return 0;
}

void nonblock_close(struct nonblock *nb)
{
	close_fd(nb->fd);
	nb->fd = -1;
}

/* An error or a hang-up counts as ready: the transfer then says which. */
static bool is_ready(const struct nonblock *nb, short events)
{
	struct pollfd p = { .fd = nb->fd, .events = events };

	return poll(&p, 1, 0) == 1;
}

static ssize_t read_once(const struct nonblock *nb, void *to, size_t len)
{
	if (nb->how == NONBLOCK_SOCKET)
		return recv(nb->fd, to, len, MSG_DONTWAIT);
	if (nb->how == NONBLOCK_SHARED && !is_ready(nb, POLLIN)) {
		errno = EAGAIN;
		return -1;
	}
	return read(nb->fd, to, len);
}

static ssize_t write_once(
	const struct nonblock *nb, const void *from, size_t len)
{
	if (nb->how == NONBLOCK_SOCKET)
		return send(nb->fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (nb->how != NONBLOCK_SHARED)
		return write(nb->fd, from, len);
	if (!is_ready(nb, POLLOUT)) {
		errno = EAGAIN;
		return -1;
	}
	return write(nb->fd, from, MIN(len, nb->write_max));
}

ssize_t nonblock_read(const struct nonblock *nb, void *to, size_t len)
{
	ssize_t n;

	do {
		n = read_once(nb, to, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t nonblock_write(const struct nonblock *nb, const void *from, size_t len)
{
	ssize_t n;

	do {
		n = write_once(nb, from, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}
