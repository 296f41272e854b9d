/* SPDX-License-Identifier: Apache-2.0 */
/* loop_ring.c - make an io_uring, or say why this host refuses one */
#include "vmm/core/loop_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/util.h"

#define PROBE_OPS 256 /* as many as an opcode can number */

/* What the kernel offers beyond the bare ring, newest first. */
static const unsigned setup_steps[] = {
	/* 6.1 */
	IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
		IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	/* 6.0 */
	IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	/* 5.19 */
	IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |
		IORING_SETUP_TASKRUN_FLAG,
	/* 5.13 */
	0,
};

static const int needed_opcodes[] = {
	IORING_OP_READV,
	IORING_OP_WRITEV,
	IORING_OP_FSYNC,
	IORING_OP_FALLOCATE,
	IORING_OP_POLL_ADD,
	IORING_OP_ASYNC_CANCEL,
};

/* The value of sysctl kernel.io_uring_disabled (Linux 6.6), 0 where absent. */
static int sysctl_disabled(void)
{
	CLEANUP_CLOSE int fd = open(
		"/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
	char digit = '0';

	if (fd < 0 || read(fd, &digit, 1) != 1)
		return 0;
	return digit - '0';
}

static int refused_by_policy(int rc)
{
	switch (sysctl_disabled()) {
	case 2:
		return err_set(rc,
			"kernel.io_uring_disabled=2 forbids io_uring: set that "
			"sysctl to 0, or use --loop-engine epoll");
	case 1:
		return err_set(rc,
			"kernel.io_uring_disabled=1 forbids io_uring to this "
			"user: join the group in kernel.io_uring_group, set "
			"the sysctl to 0, or use --loop-engine epoll");
	default:
		return err_set(rc,
			"a seccomp filter (of a container?) forbids io_uring: "
			"allow io_uring_setup, io_uring_enter and "
			"io_uring_register, or use --loop-engine epoll");
	}
}

static int refused(int rc)
{
	switch (rc) {
	case -EPERM:
	case -EACCES:
		return refused_by_policy(rc);
	case -ENOSYS:
		return err_set(rc,
			"the kernel has no io_uring, or a seccomp filter hides "
			"it: use --loop-engine epoll");
	case -ENOMEM:
		return err_set(rc,
			"no memory for an io_uring: raise the limit on locked "
			"memory (ulimit -l), or use --loop-engine epoll");
	case -EINVAL:
		return err_set(-EOPNOTSUPP,
			"the kernel's io_uring lacks what the loop needs: use "
			"Linux 5.13 or newer, or --loop-engine epoll");
	default:
		return err_set(rc,
			"cannot make an io_uring: %s: use --loop-engine epoll",
			strerror(-rc));
	}
}

static int make_ring(struct io_uring *ring, unsigned entries)
{
	int rc = -EINVAL;

	for (unsigned i = 0; i < ARRAY_SIZE(setup_steps) && rc == -EINVAL;
		i++) {
		struct io_uring_params params = {
			.flags = IORING_SETUP_R_DISABLED | setup_steps[i],
		};

		rc = io_uring_queue_init_params(entries, ring, &params);
	}
	return rc;
}

static bool has_needed_opcodes(const struct io_uring_probe *probe)
{
	for (unsigned i = 0; i < ARRAY_SIZE(needed_opcodes); i++)
		if (!io_uring_opcode_supported(probe, needed_opcodes[i]))
			return false;
	return true;
}

static int check_ring(struct io_uring *ring)
{
	CLEANUP_FREE struct io_uring_probe *probe = calloc(1,
		sizeof(*probe) + PROBE_OPS * sizeof(struct io_uring_probe_op));
	int rc;

	if (!probe)
		return err_set(-ENOMEM, "no memory for probing io_uring");
	rc = io_uring_register_probe(ring, probe, PROBE_OPS);
	if (rc < 0)
		return refused(rc);
	/* Multishot poll has no bit of its own: it came with this one. */
	if (!has_needed_opcodes(probe) ||
		!(ring->features & IORING_FEAT_RSRC_TAGS))
		return refused(-EINVAL);
	return 0;
}

int loop_ring_init(struct io_uring *ring, unsigned entries)
{
	int rc = make_ring(ring, entries);

	if (rc < 0)
		return refused(rc);
	rc = check_ring(ring);
	if (rc)
		io_uring_queue_exit(ring);
	return rc;
}
