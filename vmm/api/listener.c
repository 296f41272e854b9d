/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.c - make, replace and remove the file of a Unix socket
 *
 * Theory of operation: whether a socket is a dead one is seen by connecting to
 * it.  Between that and its replacement, and between bind() and listen(), another
 * process could come to the wrong conclusion; so each holds a lock on the folder
 * meanwhile.
 */
#include "vmm/api/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/config.h"

#define BACKLOG       128
#define LOCK_TRIES    100
#define LOCK_DELAY_US 10000

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

/*
 * The lock, to be closed; -1 where there is none to be had.  A folder that cannot
 * be read cannot be locked, and who keeps it locked must not keep us from starting.
 */
static int lock_folder(const char *path)
{
	char copy[CONFIG_SOCKET_MAX + 1];
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return fd;
		usleep(LOCK_DELAY_US);
	}
	log_debug("%s: its folder is not locked", path);
	return fd;
}

/* 0: nobody listens at this socket. */
static int check_dead(const char *label, const char *path)
{
	CLEANUP_CLOSE int fd = socket(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const struct sockaddr_un address = address_of(path);

	if (fd < 0)
		return err_set(-errno, "socket: %s", strerror(errno));
	if (connect(fd, (const void *)&address, sizeof(address)) &&
		errno == ECONNREFUSED)
		return 0;
	return err_set(-EADDRINUSE,
		"%s%s: another process listens there; give another path", label,
		path);
}

/* Remove what bind() found in its way, if it is a socket without a process. */
static int remove_dead(const char *label, const char *path)
{
	struct stat st;
	int rc;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return err_set(-EEXIST,
			"%s%s: exists and is not a socket; give another path",
			label, path);
	rc = check_dead(label, path);
	if (!rc && unlink(path))
		rc = err_set(-errno,
			"%s%s: cannot replace a socket that "
			"nobody serves: %s",
			label, path, strerror(errno));
	return rc;
}

static int bind_to(int fd, const char *label, const char *path)
{
	const struct sockaddr_un address = address_of(path);

	/* The file takes over the descriptor's mode: it is never open to others. */
	if (fchmod(fd, 0600) ||
		bind(fd, (const void *)&address, sizeof(address)))
		return err_set(-errno, "%s%s: cannot make a socket: %s", label,
			path, strerror(errno));
	return 0;
}

static int open_locked(
	struct listener *listener, const char *label, const char *path)
{
	CLEANUP_CLOSE int fd = socket(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	int rc;

	if (fd < 0)
		return err_set(-errno, "socket: %s", strerror(errno));
	rc = bind_to(fd, label, path);
	if (rc == -EADDRINUSE) {
		rc = remove_dead(label, path);
		if (!rc)
			rc = bind_to(fd, label, path);
	}
	if (rc)
		return rc;
	if (lstat(path, &st) || listen(fd, BACKLOG)) {
		rc = err_set(-errno, "%s%s: cannot listen: %s", label, path,
			strerror(errno));
		unlink(path);
		return rc;
	}
	*listener = (struct listener){
		.fd = steal_fd(&fd),
		.path = path,
		.device = st.st_dev,
		.inode = st.st_ino,
	};
	return 0;
}

int listener_open(
	struct listener *listener, const char *label, const char *path)
{
	int lock = lock_folder(path);
	int rc = open_locked(listener, label, path);

	close_fd(lock);
	return rc;
}

/* An option of SOL_SOCKET, 0 where the descriptor has none. */
static int option_of(int fd, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) ? 0 : value;
}

int listener_adopt(struct listener *listener, const char *label, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return err_set(
			-errno, "%s%d: not an open descriptor", label, fd);
	if (option_of(fd, SO_DOMAIN) != AF_UNIX ||
		option_of(fd, SO_TYPE) != SOCK_STREAM ||
		!option_of(fd, SO_ACCEPTCONN))
		return err_set(-ENOTSOCK,
			"%s%d: not a Unix stream socket that listens", label,
			fd);
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) ||
		fcntl(fd, F_SETFD, FD_CLOEXEC))
		return err_set(-errno, "%s%d: %s", label, fd, strerror(errno));
	*listener = (struct listener){ .fd = fd };
	return 0;
}

/* Our inode is not given to another file while we have the socket open. */
static void remove_ours(const struct listener *listener)
{
	struct stat st;
	int lock = lock_folder(listener->path);

	if (!lstat(listener->path, &st) && st.st_dev == listener->device &&
		st.st_ino == listener->inode)
		unlink(listener->path);
	close_fd(lock);
}

void listener_close(struct listener *listener)
{
	if (listener->fd < 0)
		return;
	if (listener->path)
		remove_ours(listener);
	close_fd(steal_fd(&listener->fd));
}
