/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nonblock.h - read and write somebody else's descriptor without ever blocking
 *
 * O_NONBLOCK belongs to the open file description, and ours came from a shell
 * that shares it with other processes: setting the flag there would break them.
 * So a pipe or a terminal is opened once more through /proc, for a description
 * of our own.  Where that is refused, poll() is asked before each transfer.
 */
#ifndef MUSTER_DEVICES_BACKEND_NONBLOCK_H
#define MUSTER_DEVICES_BACKEND_NONBLOCK_H

#include <sys/types.h>

#include "vmm/base/util.h"

enum nonblock_how {
	NONBLOCK_OWN,    /* our own description, with O_NONBLOCK */
	NONBLOCK_SOCKET, /* MSG_DONTWAIT on each transfer */
	NONBLOCK_SHARED, /* poll() before each transfer */
	NONBLOCK_PLAIN,  /* a file, /dev/null: never waits for a peer */
};

struct nonblock {
	int fd; /* owned; -1 when not open */
	enum nonblock_how how;
	size_t write_max; /* NONBLOCK_SHARED: what surely fits after a poll() */
};

/*
 * `fd` is borrowed; `access` is O_RDONLY or O_WRONLY.  0, or -errno with a
 * sentence when the descriptor is not open.
 */
int nonblock_open(struct nonblock *nb, int fd, int access);
void nonblock_close(struct nonblock *nb);

/*
 * The byte count (0: end of input) or -errno; -EAGAIN when it would block.  The
 * process must ignore or block SIGPIPE.
 */
ssize_t nonblock_read(const struct nonblock *nb, void *to, size_t len);
ssize_t nonblock_write(const struct nonblock *nb, const void *from, size_t len);

#endif
