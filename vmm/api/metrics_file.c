/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_file.c - lines of metrics, made and written */
#include "vmm/api/metrics_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/api/routes.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/outfile.h"

enum { WRITTEN, MISSED, FAILED };

static struct metric metrics[] = {
	[WRITTEN] = { "lines_written", "lines of metrics written", 0 },
	[MISSED] = { "lines_missed", "lines of metrics that found no room", 0 },
	[FAILED] = { "lines_failed", "lines of metrics that an error stopped",
		0 },
};

const struct metric_group metrics_file_metrics = {
	.name = "metrics_file",
	.metrics = metrics,
	.count = ARRAY_SIZE(metrics),
};

/* ---- a line ---- */

static uint64_t value_of(
	const struct metrics_file *file, unsigned i, uint64_t *ret_now)
{
	const struct metrics_row *row = &metrics_rows[i];

	*ret_now = file->before[i];
	metrics_row_value(file->api, row, ret_now);
	return row->gauge ? *ret_now : *ret_now - file->before[i];
}

static void put_rows(struct metrics_file *file, uint64_t now[], struct buf *out)
{
	const char *object = "";

	for (unsigned i = 0; i < metrics_rows_count; i++) {
		const struct metrics_row *row = &metrics_rows[i];
		uint64_t value = value_of(file, i, &now[i]);

		if (strcmp(object, row->object))
			buf_printf(
				out, "%s,\"%s\":{", i ? "}" : "", row->object);
		else
			buf_printf(out, ",");
		buf_printf(out, "\"%s\":%" PRIu64, row->key, value);
		object = row->object;
	}
	buf_printf(out, "}");
}

static void put_line(struct metrics_file *file, uint64_t now[], struct buf *out)
{
	struct timespec utc;

	clock_gettime(CLOCK_REALTIME, &utc);
	buf_printf(out, "{\"utc_timestamp_ms\":%lld",
		utc.tv_sec * 1000ll + utc.tv_nsec / 1000000);
	if (file->body.emit_id)
		buf_printf(out, ",\"id\":\"%s\"", file->api->id);
	if (file->body.properties)
		buf_printf(out, ",\"properties\":%s", file->body.properties);
	put_rows(file, now, out);
	buf_printf(out, "}\n");
}

/* ---- writing ---- */

/* 0: it is gone; -EAGAIN: some is left; or -errno, and it is dropped. */
static int write_rest(struct metrics_file *file)
{
	struct buf *rest = &file->rest;

	while (file->rest_at < rest->len) {
		ssize_t n = write(file->fd, rest->data + file->rest_at,
			rest->len - file->rest_at);
		int error = n < 0 ? errno : 0;

		if (error == EAGAIN)
			return -EAGAIN;
		if (error && error != EINTR) {
			buf_fini(rest);
			file->rest_at = 0;
			return -error;
		}
		file->rest_at += (size_t)MAX(n, 0);
	}
	buf_fini(rest);
	file->rest_at = 0;
	return 0;
}

/* Nothing of it was taken: its numbers are for the next one. */
static int miss_line(struct metrics_file *file, int rc)
{
	metric_add(&metrics[rc == -EAGAIN ? MISSED : FAILED], 1);
	buf_fini(&file->rest);
	file->rest_at = 0;
	return err_set(rc, "%s: not written: %s", file->body.metrics_path,
		rc == -EAGAIN ? "no room; read what is there" : strerror(-rc));
}

static int write_line(struct metrics_file *file)
{
	uint64_t now[METRICS_ROWS_MAX];
	int rc;

	put_line(file, now, &file->rest);
	rc = file->rest.failed ? -ENOMEM : write_rest(file);
	if (rc && !(rc == -EAGAIN && file->rest_at))
		return miss_line(file, rc);
	memcpy(file->before, now, sizeof(now));
	metric_add(&metrics[WRITTEN], 1);
	return 0;
}

int metrics_file_flush(struct metrics_file *file)
{
	int rc = write_rest(file);

	if (rc != -EAGAIN)
		return write_line(file);
	metric_add(&metrics[MISSED], 1);
	return err_set(-EAGAIN, "%s: not written: no room; read what is there",
		file->body.metrics_path);
}

/* ---- once a minute ---- */

static void write_in_turn(struct metrics_file *file)
{
	if (metrics_file_flush(file))
		log_limited(LOG_WARN, "metrics: %s", err_text());
	if (file->loop)
		loop_timer_set(&file->timer, file->period_ns);
}

static void timer_expired(struct loop_timer *timer)
{
	write_in_turn(container_of(timer, struct metrics_file, timer));
}

void metrics_file_start(struct metrics_file *file)
{
	file->started = true;
	write_in_turn(file);
}

/* ---- its life ---- */

static int make_timer(struct metrics_file *file, struct loop *loop)
{
	int rc = loop ? loop_timer_init(loop, &file->timer, timer_expired) : 0;

	if (!rc)
		file->loop = loop;
	return rc;
}

int metrics_file_new(const struct api *api, struct metrics_body *body,
	const char *label, struct loop *loop, struct metrics_file **ret)
{
	struct metrics_file *file = calloc(1, sizeof(*file));
	int rc;

	if (!file)
		return err_set(-ENOMEM, "no memory for metrics");
	file->api = api;
	file->fd = -1;
	file->period_ns = METRICS_PERIOD_NS;
	rc = outfile_open(label, body->metrics_path, &file->fd);
	if (!rc)
		rc = make_timer(file, loop);
	if (rc) {
		metrics_file_free(file);
		return rc;
	}
	fcntl(file->fd, F_SETFL, O_NONBLOCK | O_APPEND);
	file->body = *body;
	*body = (struct metrics_body){ 0 };
	*ret = file;
	return 0;
}

struct metrics_file *metrics_file_free(struct metrics_file *file)
{
	if (!file)
		return NULL;
	if (file->started)
		metrics_file_flush(file); /* there is nobody to tell */
	if (file->loop)
		loop_timer_fini(file->loop, &file->timer);
	buf_fini(&file->rest);
	close_fd(file->fd);
	config_fini(&metrics_body_object, &file->body);
	free(file);
	return NULL;
}
