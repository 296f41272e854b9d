/* SPDX-License-Identifier: Apache-2.0 */
/* thread.c - thin wrappers that turn pthread's positive errors into -errno */
#include "vmm/base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

struct thread_role loop_thread, vcpu_thread;

void close_fd(int fd)
{
	int saved_errno = errno;

	if (fd >= 0)
		close(fd);
	errno = saved_errno;
}

/*
 * Signals are for the control thread, but for those that a thread brings about by
 * what it does: blocked, a fault would kill without asking for a handler.
 */
static void choose_blocked(sigset_t *ret)
{
	static const int own[] = { SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS };

	sigfillset(ret);
	for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
		sigdelset(ret, own[i]);
}

int thread_start(
	pthread_t *ret, const char *name, void *(*fn)(void *), void *arg)
{
	sigset_t blocked, before;
	pthread_t id;
	int rc;

	choose_blocked(&blocked);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	rc = pthread_create(&id, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return err_set(
			-rc, "cannot start thread %s: %s", name, strerror(rc));
	pthread_setname_np(id, name);
	*ret = id;
	return 0;
}

bool thread_be_urgent(bool urgent)
{
	const struct sched_param param = { .sched_priority = urgent };
	int policy = urgent ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER;

	/* Whoever chose another policy for us knew why. */
	if (urgent && sched_getscheduler(0) != SCHED_OTHER)
		return false;
	return !sched_setscheduler(0, policy, &param);
}

void completion_signal(struct completion *c, int result)
{
	pthread_mutex_lock(&c->lock);
	c->done = true;
	c->result = result;
	pthread_cond_signal(&c->cond);
	/* Signalled under the lock: the waiter frees `c` as soon as it returns. */
	pthread_mutex_unlock(&c->lock);
}

int completion_wait(struct completion *c)
{
	int result;

	pthread_mutex_lock(&c->lock);
	while (!c->done)
		pthread_cond_wait(&c->cond, &c->lock);
	result = c->result;
	pthread_mutex_unlock(&c->lock);
	return result;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}
