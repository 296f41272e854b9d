/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_file.h - the file or FIFO that metrics are written to, a line at a time
 *
 * A line is one JSON object with Firecracker's keys; counters tell what was added
 * since the last line that got through.  Nothing waits for a reader: where one took
 * part of a line, the rest is first to go; where there is no room, a line is missed,
 * and the next one has its numbers.
 */
#ifndef MUSTER_API_METRICS_FILE_H
#define MUSTER_API_METRICS_FILE_H

#include "vmm/api/metrics_tab.h"
#include "vmm/api/observe.h"
#include "vmm/base/buf.h"
#include "vmm/core/loop.h"

#define METRICS_PERIOD_NS (60 * 1000000000ull)

struct metrics_file {
	const struct api *api;
	struct metrics_body body; /* as it was told */
	int fd;
	struct loop *loop; /* NULL: written on demand only */
	struct loop_timer timer;
	uint64_t period_ns;
	bool started;    /* the VM was; the end is told too */
	struct buf rest; /* of the last line */
	size_t rest_at;
	uint64_t before[METRICS_ROWS_MAX]; /* as of the last line */
};

/*
 * `body` is taken over.  `label` stands in front of its path in sentences; `loop`
 * may be NULL, if nothing is to be written but on demand.  0, or -errno with a
 * sentence.
 */
int metrics_file_new(const struct api *api, struct metrics_body *body,
	const char *label, struct loop *loop, struct metrics_file **ret);

/* NULL is fine. */
struct metrics_file *metrics_file_free(struct metrics_file *file);

/* Write a line now, from now on one a minute, and a last one at the end. */
void metrics_file_start(struct metrics_file *file);

/* Write a line.  0; -EAGAIN, -errno with a sentence if it did not get through. */
int metrics_file_flush(struct metrics_file *file);

/* lines_written, lines_missed, lines_failed */
extern const struct metric_group metrics_file_metrics;

#endif
