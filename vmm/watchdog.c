/* SPDX-License-Identifier: Apache-2.0 */
/* watchdog.c - wait for what should end the VM, then for the control thread */
#include "vmm/watchdog.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"

enum { STOP, HANDLER, SIGNAL, SOURCES };

static int wait_for(struct pollfd *fds, unsigned count, int timeout_ms)
{
	int n;

	do
		n = poll(fds, count, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n;
}

/*
 * Not exit(): what it would call may wait for the threads that wait.  The kernel
 * takes the locks of disks back, and an answer is owed to no client.
 */
static void end_process(struct watchdog *dog)
{
	struct vm_result result;

	control_take_signal(dog->control);
	result = ending_result(&dog->control->ending);
	dog->events->leave(dog->owner);
	log_say("%s", result.line);
	_exit(dog->control->status_of ? dog->control->status_of(&result)
				      : result.status);
}

static void *watch(void *arg)
{
	struct watchdog *dog = arg;
	struct pollfd fds[SOURCES] = {
		[STOP] = { .fd = dog->stop, .events = POLLIN },
		[HANDLER] = { .fd = dog->handler, .events = POLLRDHUP },
		[SIGNAL] = { .fd = dog->control->signal_fd, .events = POLLIN },
	};
	int n = wait_for(fds, SOURCES, dog->timeout_ms);

	if (fds[HANDLER].revents)
		dog->events->lost(dog->owner);
	if (fds[STOP].revents || wait_for(&fds[STOP], 1, WATCHDOG_GRACE_MS))
		return NULL;
	if (!n)
		dog->events->expired(dog->owner);
	end_process(dog);
	return NULL;
}

int watchdog_start(struct watchdog *dog)
{
	int rc;

	dog->stop = eventfd(0, EFD_CLOEXEC);
	if (dog->stop < 0)
		return err_set(-errno, "eventfd: %s", strerror(errno));
	rc = thread_start(&dog->thread, "watchdog", watch, dog);
	if (rc)
		close_fd(steal_fd(&dog->stop));
	return rc;
}

void watchdog_stop(struct watchdog *dog)
{
	if (dog->stop < 0)
		return;
	(void)eventfd_write(dog->stop, 1);
	pthread_join(dog->thread, NULL);
	close_fd(steal_fd(&dog->stop));
}
