/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_file.c - lines of metrics, with Firecracker's keys, in a FIFO */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/loop.h"
#include "vmm/api/metrics_file.h"
#include "vmm/api/resources.h"
#include "vmm/base/err.h"

struct rig {
	struct api api;
	char dir[32], path[48];
	int reader;
	struct metrics_file *file;
	char got[65536];
};

static void open_file(struct rig *rig, const char *properties)
{
	struct metrics_body body = {
		.metrics_path = strdup(rig->path),
		.emit_id = true,
		.properties = properties ? strdup(properties) : NULL,
	};

	assert_int_equal(
		metrics_file_new(&rig->api, &body, "", NULL, &rig->file), 0);
	assert_null(body.metrics_path);
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->api.id = "vm-1";
	strcpy(rig->dir, "/tmp/muster-unit-XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	snprintf(rig->path, sizeof(rig->path), "%s/fifo", rig->dir);
	assert_int_equal(mkfifo(rig->path, 0600), 0);
	rig->reader = open(rig->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(rig->reader >= 0);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	metrics_file_free(rig->file);
	close(rig->reader);
	unlink(rig->path);
	rmdir(rig->dir);
	free(rig);
	return 0;
}

/* What is in the FIFO; "" if nothing. */
static char *take(struct rig *rig)
{
	ssize_t n = read(rig->reader, rig->got, sizeof(rig->got) - 1);

	rig->got[MAX(n, 0)] = '\0';
	return rig->got;
}

/* Behind what may be the rest of another one. */
static const char *last_line(char *text)
{
	char *end = strrchr(text, '\n');
	char *begin;

	assert_non_null(end);
	*end = '\0';
	begin = strrchr(text, '\n');
	return begin ? begin + 1 : text;
}

static json_t *flushed(struct rig *rig)
{
	json_t *line;

	assert_int_equal(metrics_file_flush(rig->file), 0);
	line = json_loads(take(rig), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(line);
	return line;
}

static json_int_t number(
	const json_t *line, const char *object, const char *key)
{
	const json_t *value = json_object_get(
		json_object_get(line, object), key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void asked(struct rig *rig, const char *path, bool failed)
{
	for (unsigned i = 0; i < routes_count; i++)
		if (routes[i].method == API_PUT &&
			!strcmp(routes[i].path, path))
			tally_add(&rig->api.tally, &routes[i], failed);
}

/* Until the FIFO takes no more of a line. */
static void fill(struct rig *rig)
{
	unsigned lines = 0;

	while (!metrics_file_flush(rig->file) && !rig->file->rest.len)
		assert_in_range(++lines, 1, 1000);
}

static void every_row_is_for_a_number_that_there_is(void **state)
{
	struct rig *rig = *state;
	uint64_t value;

	for (unsigned i = 0; i < metrics_rows_count; i++)
		if (!metrics_row_value(&rig->api, &metrics_rows[i], &value))
			fail_msg("%s.%s", metrics_rows[i].object,
				metrics_rows[i].key);
}

static void the_rows_of_an_object_stand_together(void **state)
{
	(void)state;
	for (unsigned i = 1; i < metrics_rows_count; i++)
		for (unsigned j = 0; j < i; j++)
			assert_true(strcmp(metrics_rows[j].object,
					    metrics_rows[i].object) ||
				    !strcmp(metrics_rows[i - 1].object,
					    metrics_rows[i].object));
}

static void no_key_is_there_twice(void **state)
{
	(void)state;
	for (unsigned i = 0; i < metrics_rows_count; i++)
		for (unsigned j = 0; j < i; j++)
			if (!strcmp(metrics_rows[i].object,
				    metrics_rows[j].object) &&
				!strcmp(metrics_rows[i].key,
					metrics_rows[j].key))
				fail_msg("%s.%s", metrics_rows[i].object,
					metrics_rows[i].key);
}

static void a_line_has_time_id_and_properties(void **state)
{
	struct rig *rig = *state;
	struct timespec now;
	json_t *line;
	json_int_t ms;

	open_file(rig, "{\"zone\":\"a\"}");
	line = flushed(rig);
	clock_gettime(CLOCK_REALTIME, &now);
	ms = json_integer_value(json_object_get(line, "utc_timestamp_ms"));
	assert_in_range(
		ms, now.tv_sec * 1000ll - 10000, now.tv_sec * 1000ll + 999);
	assert_string_equal(
		json_string_value(json_object_get(line, "id")), "vm-1");
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(line, "properties"), "zone")),
		"a");
	json_decref(line);
}

static void counters_tell_what_was_added(void **state)
{
	struct rig *rig = *state;
	json_t *line;

	open_file(rig, NULL);
	asked(rig, "/logger", false);
	asked(rig, "/logger", true);
	line = flushed(rig);
	assert_int_equal(number(line, "put_api_requests", "logger_count"), 2);
	assert_int_equal(number(line, "put_api_requests", "logger_fails"), 1);
	json_decref(line);
	asked(rig, "/logger", false);
	line = flushed(rig);
	assert_int_equal(number(line, "put_api_requests", "logger_count"), 1);
	assert_int_equal(number(line, "put_api_requests", "logger_fails"), 0);
	json_decref(line);
}

static void gauges_tell_what_is(void **state)
{
	struct rig *rig = *state;

	open_file(rig, NULL);
	tally_startup(1234, 567);
	for (int i = 0; i < 2; i++) {
		json_t *line = flushed(rig);

		assert_int_equal(
			number(line, "api_server", "process_startup_time_us"),
			1234);
		assert_int_equal(number(line, "api_server",
					 "process_startup_time_cpu_us"),
			567);
		json_decref(line);
	}
}

static void a_line_that_is_cut_goes_on_with_the_next(void **state)
{
	char big[8192] = "{\"x\":\"";
	struct rig *rig = *state;
	char *end;

	memset(big + 6, 'y', sizeof(big) - 9);
	strcpy(big + sizeof(big) - 3, "\"}");
	open_file(rig, big);
	fill(rig);
	assert_true(rig->file->rest_at > 0);
	assert_int_equal(metrics_file_flush(rig->file), -EAGAIN);
	assert_non_null(strstr(err_text(), "not written: no room"));
	end = strrchr(take(rig), '\n') + 1;
	memmove(rig->got, end, strlen(end) + 1);
	assert_int_equal(metrics_file_flush(rig->file), 0);
	end = rig->got + strlen(rig->got);
	end[read(rig->reader, end,
		(size_t)(rig->got + sizeof(rig->got) - 1 - end))] = '\0';
	for (end = strtok(rig->got, "\n"); end; end = strtok(NULL, "\n")) {
		json_t *line = json_loads(end, 0, NULL);

		assert_non_null(line);
		json_decref(line);
	}
}

static void the_numbers_of_a_missed_line_are_in_the_next(void **state)
{
	struct rig *rig = *state;
	json_t *line;

	open_file(rig, NULL);
	fill(rig);
	asked(rig, "/logger", false);
	assert_int_equal(metrics_file_flush(rig->file), -EAGAIN);
	while (*take(rig))
		;
	asked(rig, "/logger", true);
	assert_int_equal(metrics_file_flush(rig->file), 0);
	line = json_loads(last_line(take(rig)), 0, NULL);
	assert_int_equal(number(line, "put_api_requests", "logger_count"), 2);
	assert_int_equal(number(line, "put_api_requests", "logger_fails"), 1);
	json_decref(line);
}

static void the_end_is_told_if_there_was_a_start(void **state)
{
	struct rig *rig = *state;

	open_file(rig, NULL);
	rig->file = metrics_file_free(rig->file);
	assert_string_equal(take(rig), "");
	open_file(rig, NULL);
	metrics_file_start(rig->file);
	assert_non_null(strchr(take(rig), '\n'));
	rig->file = metrics_file_free(rig->file);
	assert_non_null(strchr(take(rig), '\n'));
}

static void a_line_is_written_in_every_period(void **state)
{
	struct rig *rig = *state;
	struct metrics_body body = { .metrics_path = strdup(rig->path) };
	struct loop *loop;

	assert_int_equal(loop_new(LOOP_EPOLL, &loop), 0);
	assert_int_equal(
		metrics_file_new(&rig->api, &body, "", loop, &rig->file), 0);
	assert_int_equal(rig->file->period_ns, 60 * 1000 * MS);
	rig->file->period_ns = 1 * MS;
	metrics_file_start(rig->file);
	assert_non_null(strchr(take(rig), '\n'));
	for (int i = 0; i < 1000 && !*take(rig); i++)
		run_for(loop, 2 * MS);
	assert_non_null(strchr(rig->got, '\n'));
	rig->file = metrics_file_free(rig->file);
	loop_free(loop);
}

static void what_cannot_be_opened_stays_the_callers(void **state)
{
	struct rig *rig = *state;
	struct metrics_body body = { .metrics_path = strdup("/absent/m") };

	assert_int_equal(metrics_file_new(&rig->api, &body, "metrics_path ",
				 NULL, &rig->file),
		-ENOENT);
	assert_non_null(strstr(err_text(), "metrics_path /absent/m: cannot"));
	assert_null(rig->file);
	free(body.metrics_path);
}

#define ON_FIFO(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FIFO(every_row_is_for_a_number_that_there_is),
		cmocka_unit_test(the_rows_of_an_object_stand_together),
		cmocka_unit_test(no_key_is_there_twice),
		ON_FIFO(a_line_has_time_id_and_properties),
		ON_FIFO(counters_tell_what_was_added),
		ON_FIFO(gauges_tell_what_is),
		ON_FIFO(a_line_that_is_cut_goes_on_with_the_next),
		ON_FIFO(the_numbers_of_a_missed_line_are_in_the_next),
		ON_FIFO(the_end_is_told_if_there_was_a_start),
		ON_FIFO(a_line_is_written_in_every_period),
		ON_FIFO(what_cannot_be_opened_stays_the_callers),
	};

	return cmocka_run_group_tests_name("metrics_file", tests, NULL, NULL);
}
