/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c - read a kernel or an initrd, and say where a kernel may lie
 *
 * Files are read with pread(), not mapped: one that shrinks under us is then an
 * error and not a SIGBUS.
 */
#include "boot/image.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/err.h"

int boot_file_err(const struct boot_file *file, int rc, const char *fmt, ...)
{
	char what[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(rc, "%s %s: %s", file->option, file->path, what);
}

int boot_file_init(
	struct boot_file *file, int fd, const char *option, const char *path)
{
	struct stat st;

	*file = (struct boot_file){ .fd = fd, .option = option, .path = path };
	if (fstat(fd, &st) < 0) {
		int rc = -errno;

		return boot_file_err(file, rc, "%s", strerror(-rc));
	}
	if (S_ISDIR(st.st_mode))
		return boot_file_err(
			file, -EISDIR, "a directory; give the path of a file");
	if (!S_ISREG(st.st_mode))
		return boot_file_err(file, -EINVAL,
			"not a regular file; copy it into one first");
	if (!st.st_size)
		return boot_file_err(file, -EBADMSG,
			"the file is empty; was its download cut off?");
	file->size_bytes = (uint64_t)st.st_size;
	return 0;
}

int boot_file_read(
	const struct boot_file *file, uint64_t offset, void *to, uint64_t len)
{
	uint8_t *at = to;

	if (offset > file->size_bytes || len > file->size_bytes - offset)
		return boot_file_err(file, -EBADMSG,
			"truncated: it has %llu bytes, its headers name 0x%llx "
			"at 0x%llx; fetch it again",
			(unsigned long long)file->size_bytes,
			(unsigned long long)len, (unsigned long long)offset);
	while (len) {
		ssize_t n = pread(file->fd, at, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int rc = -errno;

			return boot_file_err(
				file, rc, "cannot read it: %s", strerror(-rc));
		}
		if (n == 0)
			return boot_file_err(file, -EBADMSG,
				"it shrank while it was being read; try again");
		at += n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

int boot_file_load(const struct boot_file *file, uint64_t offset, uint64_t len,
	const struct mem *mem, gpa_t gpa)
{
	void *to;

	if (!len)
		return 0;
	to = mem_ptr(mem, gpa, len);
	if (!to)
		return boot_file_err(file, -EFAULT,
			"0x%llx is not guest memory",
			(unsigned long long)gpa.v);
	return boot_file_read(file, offset, to, len);
}

int boot_file_fits(const struct boot_file *file, const struct mem *mem,
	uint64_t start, uint64_t len)
{
	uint64_t low_ram = mem->region[0].size_bytes;

	if (start < LOWMEM_END)
		return boot_file_err(file, -ENOEXEC,
			"wants to be loaded at 0x%llx, but the first MiB is "
			"the firmware's; link it at 1 MiB or above",
			(unsigned long long)start);
	if (start >= MEM_GAP_START || len > MEM_GAP_START - start)
		return boot_file_err(file, -ENOEXEC,
			"wants 0x%llx bytes at 0x%llx, but kernels are loaded "
			"below 3 GiB only",
			(unsigned long long)len, (unsigned long long)start);
	if (start + len > low_ram)
		return boot_file_err(file, -ENOMEM,
			"needs %llu MiB of memory, the guest has %llu MiB; "
			"raise --memory",
			(unsigned long long)(align_up(start + len, MIB) / MIB),
			(unsigned long long)(low_ram / MIB));
	return 0;
}
