/* SPDX-License-Identifier: Apache-2.0 */
/* outfile.c - open a file that a run writes for its user */
#include "vmm/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

/* Whatever a VM reads is locked, under whatever name (disk.h, vm_build.c). */
static bool is_locked(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

int outfile_open(const char *label, const char *path, int *ret_fd)
{
	int flags = O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | flags, 0644);

	/* A FIFO that nobody reads yet: hold its other end, and go on. */
	if (fd < 0 && errno == ENXIO)
		fd = open(path, O_RDWR | flags, 0644);
	if (fd < 0)
		return err_set(-errno,
			"%s%s: cannot open for writing: %s; give a file in a "
			"folder where you may write",
			label, path, strerror(errno));
	if (is_locked(fd))
		return err_set(-EBUSY,
			"%s%s: a VM has it as its disk, kernel or initrd; give "
			"another file",
			label, path);
	*ret_fd = steal_fd(&fd);
	return 0;
}
