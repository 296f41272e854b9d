/* SPDX-License-Identifier: Apache-2.0 */
/* listener.h - a Unix socket that listens, and the file that is its name */
#ifndef MUSTER_API_LISTENER_H
#define MUSTER_API_LISTENER_H

#include <sys/types.h>

struct listener {
	int fd;
	const char *path; /* borrowed; NULL: the file is another's */
	dev_t device;     /* of the file that we made */
	ino_t inode;
};

#define LISTENER_INIT    \
	{                \
		.fd = -1 \
	}

/*
 * Listen at `path`, of at most CONFIG_SOCKET_MAX bytes, for the user of this
 * process only (mode 0600).  A socket that a dead process left is replaced; any
 * other file, and a socket where somebody listens, is refused.  `label` stands in
 * front of the path in sentences: "--control ".  The descriptor does not block.
 */
int listener_open(
	struct listener *listener, const char *label, const char *path);

/*
 * Take a Unix socket that somebody else made, and made listen; its file stays his.
 * 0, or -errno with a sentence for any other descriptor.
 */
int listener_adopt(struct listener *listener, const char *label, int fd);

/* Remove the file, if it still is ours; LISTENER_INIT is fine. */
void listener_close(struct listener *listener);

#endif
