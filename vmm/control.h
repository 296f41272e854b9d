/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - what a process is controlled by: a loop, signals, and its end
 *
 * One thread runs the loop; everything that is asked of the VM is done there.  It
 * may be there before the VM is, and lives longer.
 */
#ifndef MUSTER_VMM_CONTROL_H
#define MUSTER_VMM_CONTROL_H

#include "vmm/core/loop.h"
#include "vmm/ending.h"
#include "vmm/events.h"

struct control {
	struct loop *loop; /* NULL until control_open() */
	int signal_fd;
	struct loop_watch signals;
	struct ending ending;
	struct events events;
	bool kept; /* threads that never end may still report to it */
	/* The exit status of a result; NULL: its own. */
	int (*status_of)(const struct vm_result *result);
};

/* Nothing open yet; NULL without memory. */
struct control *control_new(void);

/*
 * Make the loop and let it take the signals that end the process; from now on the
 * calling thread and those that it creates have them blocked.  Once is enough, more
 * does nothing.  0 or -errno with a sentence.
 */
int control_open(struct control *control);

/* If a signal waits to be taken, report it.  Any thread. */
void control_take_signal(struct control *control);

/* NULL is fine; one that is kept stays. */
struct control *control_free(struct control *control);

#endif
