/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - events as lines of JSON, and who hears them */
#include "vmm/events.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/base/cleanup.h"

static json_int_t time_of_day_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

char *events_line(const char *name, json_t *members, size_t *ret_len)
{
	json_t *event = json_pack("{s:i, s:I, s:s}", "version", EVENTS_VERSION,
		"time_ns", time_of_day_ns(), "event", name);
	char *text, *line = NULL;

	if (members)
		json_object_update(event, members);
	json_decref(members);
	text = event ? json_dumps(event, JSON_COMPACT) : NULL;
	json_decref(event);
	if (text)
		line = realloc(text, strlen(text) + 2);
	if (!line) {
		free(text);
		return NULL;
	}
	*ret_len = strlen(line) + 1;
	strcat(line, "\n");
	return line;
}

json_t *events_text(const char *text)
{
	CLEANUP_FREE char *ascii = NULL;
	json_t *string = json_string(text);

	if (!string)
		ascii = strdup(text);
	for (char *c = ascii; c && *c; c++)
		*c = *c & 0x80 ? '?' : *c;
	return ascii ? json_string(ascii) : string;
}

void events_post(struct events *events, const char *name, json_t *members)
{
	CLEANUP_FREE char *line = NULL;
	struct event_listener *at = events->listeners, *next;
	size_t len = 0;

	if (!at) {
		json_decref(members);
		return;
	}
	line = events_line(name, members, &len);
	for (; line && at; at = next) {
		next = at->next;
		at->hear(at, line, len);
	}
}

/* ---- from other threads ---- */

static unsigned take_reports(struct events *events,
	struct event_report ret[EVENTS_REPORTS_MAX], unsigned *ret_lost)
{
	unsigned count;

	pthread_mutex_lock(&events->lock);
	count = events->waiting;
	memcpy(ret, events->report, count * sizeof(*ret));
	*ret_lost = events->lost;
	events->waiting = events->lost = 0;
	pthread_mutex_unlock(&events->lock);
	return count;
}

static void reports_came(struct loop_call *call)
{
	struct events *events = container_of(call, struct events, call);
	struct event_report report[EVENTS_REPORTS_MAX];
	unsigned lost, count = take_reports(events, report, &lost);

	for (unsigned i = 0; i < count; i++)
		events_post(events, report[i].name, report[i].members);
	if (lost)
		events_post(events, "lost",
			json_pack("{s:i}", "events", (int)lost));
}

void events_report(struct events *events, const char *name, json_t *members)
{
	bool room;

	pthread_mutex_lock(&events->lock);
	room = events->waiting < EVENTS_REPORTS_MAX;
	if (room)
		events->report[events->waiting++] = (struct event_report){ name,
			members };
	else
		events->lost++;
	pthread_mutex_unlock(&events->lock);
	if (!room)
		json_decref(members);
	loop_call(events->loop, &events->call);
}

void events_init(struct events *events, struct loop *control)
{
	*events = (struct events){
		.loop = control,
		.call.fn = reports_came,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
}

void events_fini(struct events *events)
{
	for (unsigned i = 0; i < events->waiting; i++)
		json_decref(events->report[i].members);
	events->waiting = 0;
}

/* ---- who hears them ---- */

void events_listen(struct events *events, struct event_listener *listener)
{
	listener->next = events->listeners;
	events->listeners = listener;
}

void events_unlisten(struct events *events, struct event_listener *listener)
{
	struct event_listener **at = &events->listeners;

	while (*at && *at != listener)
		at = &(*at)->next;
	if (*at)
		*at = listener->next;
}
