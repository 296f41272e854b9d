/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - the loop that a process is controlled by, and the signals it takes */
#include "vmm/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

void control_take_signal(struct control *control)
{
	struct signalfd_siginfo info;
	char detail[32];

	if (read(control->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	snprintf(detail, sizeof(detail), "SIG%s",
		sigabbrev_np((int)info.ssi_signo));
	ending_report(&control->ending, OUTCOME_STOPPED,
		(uint8_t)info.ssi_signo, detail);
}

static void signal_came(struct loop_watch *watch, uint32_t events)
{
	(void)events;
	control_take_signal(container_of(watch, struct control, signals));
}

/* One that came ignored stays so: nohup, or a script's background job. */
static void add_signal(sigset_t *set, int signal)
{
	struct sigaction action;

	if (!sigaction(signal, NULL, &action) && action.sa_handler != SIG_IGN)
		sigaddset(set, signal);
}

/* Signals are taken by the control loop; every thread has them blocked. */
static int watch_signals(struct control *control)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	add_signal(&set, SIGTERM);
	add_signal(&set, SIGINT);
	add_signal(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	control->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (control->signal_fd < 0)
		return err_set(-errno, "signalfd: %s", strerror(errno));
	control->signals = (struct loop_watch){
		.fd = control->signal_fd,
		.events = POLLIN,
		.ready = signal_came,
	};
	return loop_watch_add(control->loop, &control->signals);
}

struct control *control_new(void)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control)
		control->signal_fd = -1;
	return control;
}

/*
 * The control loop has no file operations, so that epoll is the cheaper engine:
 * a second ring would cost more than it could ever save.
 */
int control_open(struct control *control)
{
	int rc;

	if (control->loop)
		return 0;
	rc = loop_new(LOOP_EPOLL, &control->loop);
	if (rc)
		return rc;
	ending_init(&control->ending, control->loop);
	events_init(&control->events, control->loop);
	return watch_signals(control);
}

struct control *control_free(struct control *control)
{
	if (!control || control->kept)
		return NULL;
	events_fini(&control->events);
	loop_free(control->loop);
	close_fd(control->signal_fd);
	free(control);
	return NULL;
}
