/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watchdog.h - the end of a process whose control thread waits for a page
 *
 * With --memory-handler another process has the guest's pages.  The control thread
 * touches some (restore, snapshot), and then waits for as long as that process
 * takes: if it hangs or has gone, for ever, and no signal or timeout is served.
 * The watchdog's own thread sees these, and ends the process when the control
 * thread has not begun to within WATCHDOG_GRACE_MS.
 */
#ifndef MUSTER_VMM_WATCHDOG_H
#define MUSTER_VMM_WATCHDOG_H

#include <pthread.h>

#include "vmm/control.h"

#define WATCHDOG_GRACE_MS 2000

/* All are called on the watchdog's thread. */
struct watchdog_events {
	void (*lost)(void *owner);    /* the handler has gone: report it */
	void (*expired)(void *owner); /* so has the time: report it */
	void (*leave)(void *owner);   /* the process ends now */
};

struct watchdog {
	struct control *control; /* borrowed */
	int handler;             /* its socket; borrowed */
	int timeout_ms;          /* of the VM; -1: none */
	const struct watchdog_events *events;
	void *owner;
	int stop; /* eventfd; -1: there is no thread */
	pthread_t thread;
};

#define WATCHDOG_INIT       \
	{                   \
		.stop = -1, \
	}

/*
 * Watch from now on; the first five members are set.  0 or -errno with a sentence.
 */
int watchdog_start(struct watchdog *dog);

/* The control thread ends the VM by itself.  One that was not started is fine. */
void watchdog_stop(struct watchdog *dog);

#endif
