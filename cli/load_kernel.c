/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_kernel.c - ask the kernel to load, and hear what it says
 *
 * A child writes the trigger, since the write returns when the kernel is done: we
 * renew leases meanwhile, and give up on a kernel that hangs.  The child has the
 * lock too, so that no other load begins before that one has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "cli/load.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"

#define LOCK      "/run/muster-microcode.lock"
#define TRIGGER   "/sys/devices/system/cpu/microcode/reload"
#define LOG       "/dev/kmsg"
#define NS_PER_MS ((uint64_t)1000000)

static int open_below(const char *root, const char *path, int flags)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	return open(full, flags | O_CLOEXEC, 0600);
}

int load_lock(struct load *load)
{
	const char *root = load->settings->root;

	load->lock_fd = open_below(root, LOCK, O_RDWR | O_CREAT);
	if (load->lock_fd < 0)
		return err_set(-errno, "%s" LOCK ": cannot open: %s%s", root,
			strerror(errno),
			errno == EACCES ? "; only root loads microcode" : "");
	if (!flock(load->lock_fd, LOCK_EX | LOCK_NB))
		return 0;
	return err_set(-EBUSY,
		"%s" LOCK ": another load is at work on this host, or waits "
		"for the kernel",
		root);
}

int load_check_kernel(const char *root)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	struct microcode_kernel kernel;

	microcode_kernel_read(root, &kernel);
	if (kernel.late)
		return 0;
	microcode_kernel_put(&kernel, &text);
	return err_set(-ENOTSUP,
		"%.*s; update at boot instead (muster microcode image)",
		text.len ? (int)text.len - 1 : 0, (char *)text.data);
}

/* ---- its log ---- */

/* Its end; -1 where it cannot be read. */
static int open_log(const char *root)
{
	int fd = open_below(root, LOG, O_RDONLY | O_NONBLOCK);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* "6,1234,567890,-;microcode: updated …"; what begins with a blank goes with one. */
static void take_line(struct load *load, const char *line)
{
	const char *text = strchr(line, ';');

	text = text ? text + 1 : line;
	if (*line == ' ' || !strcasestr(text, "microcode") ||
		load->line_count == LOAD_LINES_MAX)
		return;
	load->lines[load->line_count] = strdup(text);
	load->line_count += !!load->lines[load->line_count];
}

static void read_log(struct load *load, int fd)
{
	char text[8192];
	ssize_t n;

	/* A record a read, and EPIPE for those that were overwritten. */
	while ((n = read(fd, text, sizeof(text) - 1)) > 0 ||
		(n < 0 && errno == EPIPE)) {
		char *rest = text, *line;

		text[MAX(n, 0)] = '\0';
		while ((line = strsep(&rest, "\n")))
			take_line(load, line);
	}
}

/* ---- the child ---- */

struct verdict {
	int error; /* an errno, or 0 */
	uint64_t begun_ns, ended_ns;
};

/*
 * In a tree of a test the trigger is a FIFO, and whoever plays the kernel answers
 * with an errno through another one.
 */
static int hear_tree(const char *root)
{
	CLEANUP_CLOSE int fd = open_below(root, TRIGGER ".verdict", O_RDONLY);
	char text[16] = "";

	if (fd < 0)
		return errno;
	return read(fd, text, sizeof(text) - 1) > 0 ? atoi(text) : EIO;
}

static int write_trigger(const char *root)
{
	CLEANUP_CLOSE int fd = open_below(root, TRIGGER, O_WRONLY);

	if (fd < 0)
		return errno;
	if (write(fd, "1", 1) != 1)
		return errno;
	return *root ? hear_tree(root) : 0;
}

/*
 * Only the lock and the way to answer: whoever reads our output shall not wait for a
 * kernel that hangs, and no VM for a coordinator that is gone.
 */
static void drop_others(int lock_fd, int out)
{
	unsigned low = (unsigned)MIN(lock_fd, out);
	unsigned high = (unsigned)MAX(lock_fd, out);
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close_range(3, low - 1, 0);
	if (high > low + 1)
		close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0u, 0);
}

static void be_child(const char *root, int lock_fd, int out)
{
	struct verdict v = { .begun_ns = now_ns() };

	setsid();
	drop_others(lock_fd, out);
	v.error = write_trigger(root);
	v.ended_ns = now_ns();
	_exit(write(out, &v, sizeof(v)) != sizeof(v));
}

static int start_child(const char *root, int lock_fd, int *ret_fd)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return err_set(-errno, "pipe: %s", strerror(errno));
	pid = fork();
	if (!pid)
		be_child(root, lock_fd, fds[1]);
	close_fd(fds[1]);
	if (pid < 0) {
		close_fd(fds[0]);
		return err_set(-errno, "fork: %s", strerror(errno));
	}
	*ret_fd = fds[0];
	return 0;
}

/* ---- waiting ---- */

static bool is_ready(int fd, uint64_t ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, (int)ms) == 1;
}

/* A kernel that takes long is worth a line now and then. */
static void wait_for_kernel(struct load *load, int fd)
{
	uint64_t turn_ms = load->settings->lease_ms / 3;
	uint64_t left_ms = load->settings->kernel_ms;

	while (!is_ready(fd, MIN(turn_ms, left_ms)) && left_ms) {
		left_ms -= MIN(turn_ms, left_ms);
		load_renew(load);
		if (!load->settings->json)
			log_say("the kernel is at work; %llu ms are left",
				(unsigned long long)left_ms);
	}
}

int load_ask_kernel(struct load *load)
{
	const char *root = load->settings->root;
	CLEANUP_CLOSE int log_fd = open_log(root);
	CLEANUP_CLOSE int fd = -1;
	struct verdict v = { .begun_ns = now_ns() };
	int rc = load_check_kernel(root);

	if (!rc)
		rc = start_child(root, load->lock_fd, &fd);
	if (rc)
		return rc;
	load->asked = true;
	wait_for_kernel(load, fd);
	load->answered = is_ready(fd, 0);
	load->outcome = load->answered ? LOAD_UNSEEN : LOAD_UNKNOWN;
	if (load->answered && read(fd, &v, sizeof(v)) != sizeof(v))
		v.error = EIO;
	load->kernel_error = v.error;
	load->begun_ns = v.begun_ns;
	load->ended_ns = load->answered ? v.ended_ns : now_ns();
	if (log_fd >= 0)
		read_log(load, log_fd);
	return 0;
}
