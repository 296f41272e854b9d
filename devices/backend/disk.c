/* SPDX-License-Identifier: Apache-2.0 */
/* disk.c - a raw disk image or block device, served by a loop */
#include "devices/backend/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"

/* Where the kernel does not tell (before Linux 6.1): what every device takes. */
#define DIRECT_ALIGN_FALLBACK 4096

struct disk {
	int fd;
	/*
	 * With direct=on, requests that O_DIRECT would refuse (a buffer or an
	 * offset that is not aligned) go through this one; else -1.
	 */
	int buffered_fd;
	uint32_t memory_align;
	uint32_t offset_align;
	bool readonly;
	uint64_t sectors;
	char *path;
};

static const char *const verb_name[] = {
	[DISK_READ] = "read",
	[DISK_WRITE] = "write",
	[DISK_FLUSH] = "flush",
	[DISK_DISCARD] = "discard",
	[DISK_ZERO] = "write of zeroes",
};

/* ---- opening ---- */

static int explain_open(const struct disk_options *o, int error)
{
	if (error == ENOENT)
		return err_set(-error,
			"%s%s: no such file; make one with "
			"truncate -s 1G %s",
			o->label, o->path, o->path);
	if (error == EISDIR)
		return err_set(-error,
			"%s%s: a directory; give a disk image or a "
			"block device",
			o->label, o->path);
	if (error == EACCES && o->readonly)
		return err_set(-error,
			"%s%s: cannot open for reading: %s; change "
			"its permissions",
			o->label, o->path, strerror(error));
	if ((error == EACCES || error == EROFS) && !o->readonly)
		return err_set(-error,
			"%s%s: cannot open for writing: %s; change "
			"its permissions or add readonly=on",
			o->label, o->path, strerror(error));
	if (error == EINVAL && o->direct)
		return err_set(-error,
			"%s%s: its filesystem has no O_DIRECT; use "
			"direct=off",
			o->label, o->path);
	return err_set(-error, "%s%s: cannot open: %s", o->label, o->path,
		strerror(error));
}

static int open_file(const struct disk_options *o, const char *path,
	bool direct, int *ret_fd)
{
	int flags = (o->readonly ? O_RDONLY : O_RDWR) | (direct ? O_DIRECT : 0);
	/* A FIFO without a writer must not keep us here. */
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return explain_open(o, errno);
	*ret_fd = fd;
	/* Left on, io_uring would not hand to a worker what has to wait. */
	if (fcntl(fd, F_SETFL, flags))
		return explain_open(o, errno);
	return 0;
}

/* The file that is open and locked, whatever its path names by now. */
static int open_buffered(struct disk *disk, const struct disk_options *o)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", disk->fd);
	return open_file(o, path, false, &disk->buffered_fd);
}

static int find_size(const struct disk_options *o, int fd, uint64_t *ret_bytes)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_set(
			-errno, "%s%s: %s", o->label, o->path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return explain_open(o, EISDIR);
	if (S_ISREG(st.st_mode)) {
		*ret_bytes = (uint64_t)st.st_size;
		return 0;
	}
	if (!S_ISBLK(st.st_mode) || ioctl(fd, BLKGETSIZE64, ret_bytes))
		return err_set(-EINVAL,
			"%s%s: neither a file nor a block device", o->label,
			o->path);
	return 0;
}

/* The file that is replaced is open with a lock that this one then has too. */
static int share_same(struct disk *disk, const struct disk *other)
{
	struct stat mine, its;

	if (fstat(disk->fd, &mine) || fstat(other->fd, &its) ||
		mine.st_dev != its.st_dev || mine.st_ino != its.st_ino)
		return 0;
	close_fd(disk->fd);
	disk->fd = fcntl(other->fd, F_DUPFD_CLOEXEC, 0);
	return disk->fd < 0 ? -errno : 0;
}

static int lock_file(const struct disk_options *o, int fd)
{
	struct flock lock = {
		.l_type = o->readonly ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return err_set(-EBUSY,
			"%s%s: in use by another process, or by "
			"another --disk; stop that, or use readonly=on in both",
			o->label, o->path);
	return err_set(-errno, "%s%s: cannot lock: %s", o->label, o->path,
		strerror(errno));
}

static void find_alignment(struct disk *disk)
{
	struct statx sx = { 0 };

	disk->memory_align = DIRECT_ALIGN_FALLBACK;
	disk->offset_align = DIRECT_ALIGN_FALLBACK;
	if (statx(disk->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx) ||
		!(sx.stx_mask & STATX_DIOALIGN) || !sx.stx_dio_offset_align)
		return;
	disk->memory_align = sx.stx_dio_mem_align;
	disk->offset_align = sx.stx_dio_offset_align;
}

static int open_all(struct disk *disk, const struct disk_options *o)
{
	uint64_t bytes;
	int rc = open_file(o, o->path, o->direct, &disk->fd);

	if (!rc && o->instead_of)
		rc = share_same(disk, o->instead_of);
	if (!rc)
		rc = find_size(o, disk->fd, &bytes);
	if (!rc)
		rc = lock_file(o, disk->fd);
	if (!rc && o->direct) {
		rc = open_buffered(disk, o);
		find_alignment(disk);
	}
	if (rc)
		return rc;
	disk->sectors = bytes / DISK_SECTOR_BYTES;
	if (!disk->sectors)
		return err_set(-EINVAL,
			"%s%s: %llu bytes, less than one sector; "
			"grow it with truncate -s",
			o->label, o->path, (unsigned long long)bytes);
	if (bytes % DISK_SECTOR_BYTES)
		log_warn("%s%s: the last %llu bytes are less than a "
			 "sector and not shown to the guest",
			o->label, o->path,
			(unsigned long long)bytes % DISK_SECTOR_BYTES);
	return 0;
}

int disk_open(const struct disk_options *given, struct disk **ret)
{
	struct disk *disk = malloc(sizeof(*disk));
	struct disk_options options = *given;
	int rc;

	if (!disk)
		return err_set(-ENOMEM, "--disk: no memory");
	if (!options.label)
		options.label = "--disk path=";
	*disk = (struct disk){
		.fd = -1,
		.buffered_fd = -1,
		.readonly = options.readonly,
		.path = strdup(options.path),
	};
	rc = disk->path ? open_all(disk, &options)
			: err_set(-ENOMEM, "--disk: no memory");
	if (rc) {
		disk_close(disk);
		return rc;
	}
	*ret = disk;
	return 0;
}

struct disk *disk_close(struct disk *disk)
{
	if (!disk)
		return NULL;
	close_fd(disk->fd);
	close_fd(disk->buffered_fd);
	free(disk->path);
	free(disk);
	return NULL;
}

uint64_t disk_sectors(const struct disk *disk)
{
	return disk->sectors;
}

bool disk_is_readonly(const struct disk *disk)
{
	return disk->readonly;
}

/* ---- requests ---- */

static bool direct_takes(
	const struct disk *disk, const struct disk_request *request)
{
	if (request->offset % disk->offset_align)
		return false;
	for (unsigned i = 0; i < request->data.count; i++) {
		const struct iovec *iov = &request->data.iov[i];

		if ((uintptr_t)iov->iov_base % disk->memory_align ||
			iov->iov_len % disk->offset_align)
			return false;
	}
	return true;
}

static int transfer_fd(
	const struct disk *disk, const struct disk_request *request)
{
	if (disk->buffered_fd >= 0 && !direct_takes(disk, request))
		return disk->buffered_fd;
	return disk->fd;
}

static void start(struct disk_request *request) ON_LOOP;

static void finish(struct disk_request *request, int rc) ON_LOOP
{
	if (rc && rc != -EOPNOTSUPP)
		log_limited(LOG_WARN, "disk %s: %s at offset %llu: %s",
			request->disk->path, verb_name[request->verb],
			(unsigned long long)request->offset, strerror(-rc));
	request->done(request, rc);
}

/* A file that was truncated under us gives 0 bytes: an error, not an endless loop. */
static void transferred(struct loop_op *op, int res)
{
	struct disk_request *request = container_of(
		op, struct disk_request, op);

	claim_loop_thread();
	if (res == 0)
		res = -EIO;
	if (res < 0) {
		finish(request, res);
		return;
	}
	iov_skip(&request->data, (uint64_t)res);
	request->offset += (uint64_t)res;
	if (request->data.count)
		start(request);
	else
		finish(request, 0);
}

/*
 * Filesystems without FALLOC_FL_ZERO_RANGE (tmpfs) punch a hole instead: it reads
 * the same, and the guest asked for zeroes before it asked for blocks.
 */
static bool retry_as_hole(struct disk_request *request, int res) ON_LOOP
{
	if (res != -EOPNOTSUPP || request->verb != DISK_ZERO)
		return false;
	request->verb = DISK_DISCARD;
	start(request);
	return true;
}

/* fallocate() takes no RWF_DSYNC: a range that is to be durable is flushed next. */
static bool flush_range(struct disk_request *request, int res) ON_LOOP
{
	if (res < 0 || !request->durable || request->verb == DISK_FLUSH)
		return false;
	request->verb = DISK_FLUSH;
	start(request);
	return true;
}

static void changed(struct loop_op *op, int res)
{
	struct disk_request *request = container_of(
		op, struct disk_request, op);

	claim_loop_thread();
	if (!retry_as_hole(request, res) && !flush_range(request, res))
		finish(request, res);
}

static void start(struct disk_request *request)
{
	struct disk *disk = request->disk;
	struct loop_op *op = &request->op;

	*op = (struct loop_op){
		.fd = disk->fd,
		.offset = request->offset,
		.done = changed,
	};
	switch (request->verb) {
	case DISK_READ:
	case DISK_WRITE:
		op->code = request->verb == DISK_READ ? LOOP_READV
						      : LOOP_WRITEV;
		op->fd = transfer_fd(disk, request);
		op->flags = request->durable ? RWF_DSYNC : 0;
		op->iov = request->data.iov;
		op->iov_count = request->data.count;
		op->done = transferred;
		break;
	case DISK_FLUSH:
		op->code = LOOP_FDATASYNC;
		break;
	case DISK_DISCARD:
	case DISK_ZERO:
		op->code = LOOP_FALLOCATE;
		op->flags = FALLOC_FL_KEEP_SIZE |
			    (request->verb == DISK_ZERO ? FALLOC_FL_ZERO_RANGE
							: FALLOC_FL_PUNCH_HOLE);
		op->len = request->len;
		break;
	}
	loop_submit(request->loop, op);
}

void disk_submit(
	struct disk *disk, struct loop *loop, struct disk_request *request)
{
	request->disk = disk;
	request->loop = loop;
	start(request);
}
