/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.h - what happens to the VM of a process, told to whoever listens
 *
 * An event is one line of JSON:
 *
 *   {"version":1,"time_ns":1700000000000000000,"event":"state","state":"Running"}
 *
 * `time_ns` is the time of day (CLOCK_REALTIME); members of the event's own follow
 * its name.  docs/events.md lists them all.
 *
 * Everything here is the control thread's, but for events_report().
 */
#ifndef MUSTER_VMM_EVENTS_H
#define MUSTER_VMM_EVENTS_H

#include <jansson.h>

#include "vmm/core/loop.h"

#define EVENTS_VERSION     1

/* How many reports of other threads may wait; more are lost, which is told. */
#define EVENTS_REPORTS_MAX 16

struct event_listener {
	/* Must not post.  `line` ends with a newline, and is gone afterwards. */
	void (*hear)(
		struct event_listener *listener, const char *line, size_t len);
	struct event_listener *next; /* the list's */
};

struct event_report {
	const char *name;
	json_t *members; /* owned */
};

struct events {
	struct event_listener *listeners;

	struct loop *loop; /* borrowed: of the control thread */
	struct loop_call call;
	pthread_mutex_t lock; /* protects the rest */
	unsigned waiting, lost;
	struct event_report report[EVENTS_REPORTS_MAX];
};

void events_init(struct events *events, struct loop *control);
/* Reports that wait are dropped; nobody makes any more. */
void events_fini(struct events *events);

/*
 * Tell everybody.  `members` (NULL: none) is an object whose reference is taken, so
 * that json_pack() can stand here.  What cannot be told for want of memory is not.
 */
void events_post(struct events *events, const char *name, json_t *members);

/*
 * The same from any thread: the control thread will tell it soon.  `name` stays.
 * What a guest can cause again and again is for its caller to limit.
 */
void events_report(struct events *events, const char *name, json_t *members);

/* The line of one event, owned by the caller; NULL without memory. */
char *events_line(const char *name, json_t *members, size_t *ret_len);

/* A string; what is no ASCII becomes '?' if it is no UTF-8.  NULL without memory. */
json_t *events_text(const char *text);

void events_listen(struct events *events, struct event_listener *listener);

/* Harmless if it does not listen; it may be called while it hears. */
void events_unlisten(struct events *events, struct event_listener *listener);

#endif
