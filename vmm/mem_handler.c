/* SPDX-License-Identifier: Apache-2.0 */
/* mem_handler.c - hand the pages of guest memory to another process */
#include "vmm/mem_handler.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define CONNECT_SECONDS 5

/* ---- the userfaultfd ---- */

/*
 * The device (Linux 6.1) is for whom its permissions say; the system call is for
 * root, CAP_SYS_PTRACE, or all by sysctl.  Faults that KVM takes for a vCPU are
 * the kernel's, so that the mode for user faults only, which is free, is no use.
 */
static int open_uffd(void)
{
	CLEANUP_CLOSE int dev = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	int flags = O_CLOEXEC | O_NONBLOCK;
	int fd = dev < 0 ? -1 : ioctl(dev, USERFAULTFD_IOC_NEW, flags);

	if (fd < 0)
		fd = (int)syscall(SYS_userfaultfd, flags);
	if (fd >= 0)
		return fd;
	if (errno == EPERM || errno == EACCES)
		return err_set(-errno,
			"userfaultfd is not permitted here; give this user "
			"access to /dev/userfaultfd or CAP_SYS_PTRACE, or set "
			"sysctl vm.unprivileged_userfaultfd=1");
	if (errno == ENOSYS)
		return err_set(-ENOSYS,
			"this kernel has no userfaultfd; restore from the "
			"memory file");
	return err_set(-errno, "userfaultfd: %s", strerror(errno));
}

/* Bits that a newer kernel adds to its answers are nothing to us. */
static int register_region(int uffd, const struct mem_region *region)
{
	const uint64_t need = BIT64(_UFFDIO_COPY) | BIT64(_UFFDIO_ZEROPAGE);
	struct uffdio_register arg = {
		.range = { (uintptr_t)region->hva, region->size_bytes },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (ioctl(uffd, UFFDIO_REGISTER, &arg))
		return err_set(-errno, "userfaultfd cannot watch memory: %s",
			strerror(errno));
	if ((arg.ioctls & need) != need)
		return err_set(-ENOTSUP,
			"userfaultfd here cannot provide pages (%#llx)",
			(unsigned long long)arg.ioctls);
	return 0;
}

static int watch_memory(int uffd, const struct mem *mem)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_EVENT_REMOVE,
	};
	int rc = 0;

	if (ioctl(uffd, UFFDIO_API, &api))
		return err_set(-errno,
			"userfaultfd here is too old; use Linux 4.13 or newer");
	for (unsigned i = 0; !rc && i < mem->count; i++)
		rc = register_region(uffd, &mem->region[i]);
	return rc;
}

/* ---- the handshake ---- */

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = CONNECT_SECONDS };
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(-errno, "socket: %s", strerror(errno));
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(-ENAMETOOLONG,
			"longer than the %zu bytes that a socket's path may "
			"have",
			sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return err_set(-errno,
			"cannot connect: %s; start the handler first",
			strerror(errno));
	return steal_fd(&fd);
}

static void describe(const struct mem *mem, struct buf *out)
{
	uint64_t offset = 0;

	for (unsigned i = 0; i < mem->count; i++) {
		const struct mem_region *region = &mem->region[i];

		buf_printf(out,
			"%s{\"base_host_virt_addr\":%llu,\"size\":%llu,"
			"\"offset\":%llu,\"page_size\":%llu,"
			"\"page_size_kib\":%llu}",
			i ? "," : "[",
			(unsigned long long)(uintptr_t)region->hva,
			(unsigned long long)region->size_bytes,
			(unsigned long long)offset, MEM_PAGE_SIZE,
			MEM_PAGE_SIZE);
		offset += region->size_bytes;
	}
	buf_printf(out, "]");
}

/* In one message: a handler reads once, and gets the descriptor with it. */
static int send_regions(int socket, int uffd, const struct mem *mem)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov;
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	ssize_t n;

	describe(mem, &text);
	if (text.failed)
		return err_set(-ENOMEM, "no memory for the regions");
	iov = (struct iovec){ text.data, text.len };
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(uffd));
	memcpy(CMSG_DATA(c), &uffd, sizeof(uffd));
	n = sendmsg(socket, &message, MSG_NOSIGNAL);
	if (n == (ssize_t)text.len)
		return 0;
	return err_set(n < 0 ? -errno : -EIO,
		"the handler does not take the memory: %s",
		n < 0 ? strerror(errno) : "it reads only part of it");
}

static int hand_over(
	const char *path, const struct mem *mem, struct mem_handler *handler)
{
	int rc;

	handler->uffd = open_uffd();
	if (handler->uffd < 0)
		return handler->uffd;
	/* Nothing is watched yet if nobody is there to answer. */
	handler->socket = connect_to(path);
	if (handler->socket < 0)
		return handler->socket;
	rc = watch_memory(handler->uffd, mem);
	return rc ? rc : send_regions(handler->socket, handler->uffd, mem);
}

int mem_handler_connect(const char *label, const char *path, struct mem *mem,
	struct mem_handler *ret)
{
	struct mem_handler handler = MEM_HANDLER_INIT;
	int rc = hand_over(path, mem, &handler);

	if (rc < 0) {
		mem_handler_fini(&handler);
		return err_wrap(rc, "%s%s", label, path);
	}
	mem->backing = MEM_HANDLER;
	*ret = handler;
	return 0;
}

void mem_handler_fini(struct mem_handler *handler)
{
	close_fd(steal_fd(&handler->uffd));
	close_fd(steal_fd(&handler->socket));
}
