/* SPDX-License-Identifier: Apache-2.0 */
/* newfile.c - a file that takes the place of another whole, or not at all */
#include "vmm/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"

/* Much for one request of a disk, little for what is held back. */
#define START_SYNC_BYTES (8 * MIB)

static int not_written(const struct newfile *file, int error)
{
	return err_set(-error, "%s%s: not written: %s%s", file->label,
		file->path, strerror(error),
		file->old >= 0 ? "; the old file is whole" : "");
}

static int fail(struct newfile *file, int error)
{
	int rc = not_written(file, error);

	newfile_fini(file);
	return rc;
}

static int refuse_type(const struct newfile *file, const char *path)
{
	return err_set(-EINVAL,
		"%s%s: not a regular file; remove it or give another name",
		file->label, path);
}

/* 1: there, 0: not there; -errno with a sentence if it is no file to replace. */
static int look(struct newfile *file, const char *path)
{
	struct stat st;

	if (!lstat(path, &st))
		return S_ISREG(st.st_mode) ? 1 : refuse_type(file, path);
	return errno == ENOENT ? 0 : fail(file, errno);
}

/*
 * For writing it is held until the file has its name, so that two runs never write
 * into one; readers, such as a VM that was restored from PATH.new, do not matter.
 */
static int lock(int fd, short type)
{
	struct flock whole = { .l_type = type, .l_whence = SEEK_SET };

	if (!fcntl(fd, F_OFD_SETLK, &whole))
		return 0;
	/* A filesystem without locks will do. */
	return errno == EAGAIN || errno == EACCES ? -EBUSY : 0;
}

/* What a killed run left; one that is being written is locked. */
static int remove_stale(struct newfile *file)
{
	int there = look(file, file->temporary);
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	CLEANUP_CLOSE int fd = -1;

	if (there <= 0)
		return there;
	fd = open(file->temporary, flags);
	if (fd < 0)
		return fail(file, errno);
	if (lock(fd, F_RDLCK))
		return err_set(-EBUSY,
			"%s%s: another process is writing it; wait for its "
			"end or give another name",
			file->label, file->temporary);
	return unlink(file->temporary) ? fail(file, errno) : 0;
}

static int open_temporary(struct newfile *file)
{
	int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	file->fd = open(file->temporary, flags, 0600);
	if (file->fd < 0)
		return fail(file, errno);
	(void)lock(file->fd, F_WRLCK);
	return 0;
}

static int set_names(struct newfile *file, const char *label, const char *path)
{
	*file = (struct newfile){
		.label = label, .path = path, .fd = -1, .old = -1
	};
	if (snprintf(file->temporary, sizeof(file->temporary),
		    "%s" NEWFILE_SUFFIX, path) >= (int)sizeof(file->temporary))
		return fail(file, ENAMETOOLONG);
	return 0;
}

int newfile_create(struct newfile *file, const char *label, const char *path)
{
	int rc = set_names(file, label, path);

	if (!rc)
		rc = look(file, path);
	if (rc < 0)
		return rc;
	if (rc)
		file->old = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	rc = remove_stale(file);
	return rc ? rc : open_temporary(file);
}

/* Have the disk work while we go on, so that newfile_sync() finds little left. */
static void start_sync(struct newfile *file, uint64_t end)
{
	if (end < file->started + START_SYNC_BYTES)
		return;
	/* Advice: an error that counts comes again from fsync(). */
	(void)sync_file_range(file->fd, (off_t)file->started,
		(off_t)(end - file->started), SYNC_FILE_RANGE_WRITE);
	file->started = end;
}

int newfile_write(struct newfile *file, struct iov_list list, uint64_t offset)
{
	while (list.count) {
		ssize_t n = pwritev(
			file->fd, list.iov, (int)list.count, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(file, n ? errno : EIO);
		iov_skip(&list, (uint64_t)n);
		offset += (uint64_t)n;
	}
	start_sync(file, offset);
	return 0;
}

int newfile_truncate(struct newfile *file, uint64_t size)
{
	return ftruncate(file->fd, (off_t)size) ? fail(file, errno) : 0;
}

int newfile_sync(struct newfile *file)
{
	return fsync(file->fd) ? fail(file, errno) : 0;
}

/* The name itself is on the disk once its folder is. */
static int sync_folder(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) + 1 : 0;
	CLEANUP_CLOSE int fd = -1;

	snprintf(folder, sizeof(folder), "%.*s", (int)len, len ? path : "");
	fd = open(len ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* A filesystem that cannot, such as some of FUSE, has no more to give. */
	return fsync(fd) && errno != EINVAL ? -errno : 0;
}

int newfile_commit(struct newfile *file)
{
	int rc;

	if (rename(file->temporary, file->path))
		return not_written(file, errno);
	/* What was written is on the disk (newfile_sync). */
	close_fd(steal_fd(&file->fd));
	rc = sync_folder(file->path);
	if (!rc)
		return 0;
	log_warn("%s%s: written, but its folder is not synced: %s; a power "
		 "loss may bring the old file back",
		file->label, file->path, strerror(-rc));
	return 1;
}

int newfile_finish(const char *label, const char *path)
{
	struct newfile file;
	int rc = set_names(&file, label, path);

	return rc ? rc : newfile_commit(&file);
}

void newfile_keep(struct newfile *file)
{
	close_fd(steal_fd(&file->fd));
}

void newfile_fini(struct newfile *file)
{
	if (file->fd >= 0)
		(void)unlink(file->temporary);
	close_fd(steal_fd(&file->fd));
	close_fd(steal_fd(&file->old));
}
