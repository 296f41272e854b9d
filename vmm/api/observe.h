/* SPDX-License-Identifier: Apache-2.0 */
/* observe.h - where a process says what it does: its log, its metrics */
#ifndef MUSTER_API_OBSERVE_H
#define MUSTER_API_OBSERVE_H

#include <jansson.h>

#include "vmm/config_field.h"

struct api;

/* Strings are owned, and NULL if not given. */
struct logger_body {
	char *log_path; /* NULL: standard error */
	unsigned level; /* an index of logger_levels */
	bool show_level;
	bool show_log_origin;
	char *module; /* NULL: all */
};

extern const struct config_object logger_body_object;
extern const struct config_choice logger_levels[];

struct metrics_body {
	char *metrics_path;
	bool emit_id;
	char *properties; /* a JSON object */
};

extern const struct config_object metrics_body_object;

/* What was told; all zero: nothing. */
struct observe {
	bool logs;
	struct logger_body logger;
	struct metrics_file *metrics; /* or NULL */
};

void observe_fini(struct observe *observe);

/* Add to the object that GET /vm/config gives. */
void observe_tell(const struct observe *observe, json_t *root);

/*
 * Log so from now on; `body` is taken over, and told by GET /vm/config.  `label`
 * stands in front of a path in sentences: "--log-path ".  0, or -errno with a
 * sentence; then nothing has changed.
 */
int logger_set(struct api *api, struct logger_body *body, const char *label);

/* The same for the file that metrics are written to, which is told once. */
int metrics_set(struct api *api, struct metrics_body *body, const char *label);

/* There is a VM now. */
void observe_started(struct observe *observe);

/* FlushMetrics.  0, or -errno with a sentence; without a file nothing is done. */
int observe_flush(struct observe *observe);

#endif
