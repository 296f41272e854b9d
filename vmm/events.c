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
