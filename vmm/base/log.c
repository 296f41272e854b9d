/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - format a line, write it in one piece */
#include "vmm/base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"

#define LINE_MAX_BYTES \
	1024 /* with "\r\n"; a pipe takes it whole or not at all */
#define THREAD_MAX_BYTES 16 /* as Linux has it */

static _Atomic int max_level = LOG_WARN;
static atomic_bool raw_terminal;

/*
 * Protects `sink`.  On standard error also from looking for room to using it, which
 * another thread must not take meanwhile.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	int fd; /* owned; -1: standard error */
	bool level, origin;
	char id[LOG_ID_MAX + 1];
	char module[LOG_MODULE_MAX + 1];
} sink = { .fd = -1 };

enum { LINES_LOST, LINES_LIMITED };

static struct metric metrics[] = {
	[LINES_LOST] = { "lines_lost", "log lines that nobody took in time",
		0 },
	[LINES_LIMITED] = { "lines_limited",
		"log lines that came too often to be shown", 0 },
};

const struct metric_group log_metrics = {
	.name = "logger", .metrics = metrics, .count = ARRAY_SIZE(metrics)
};

static const struct {
	const char *terminal, *file;
} level_words[] = {
	[LOG_ERROR] = { "error: ", "ERROR" },
	[LOG_WARN] = { "warning: ", "WARN" },
	[LOG_INFO] = { "info: ", "INFO" },
	[LOG_DEBUG] = { "debug: ", "DEBUG" },
};

void log_set_level(enum log_level level)
{
	max_level = (int)level;
}

enum log_level log_get_level(void)
{
	return (enum log_level)max_level;
}

void log_set_raw_terminal(bool raw)
{
	raw_terminal = raw;
}

void log_set_sink(const struct log_sink *to)
{
	pthread_mutex_lock(&lock);
	close_fd(sink.fd);
	sink.fd = to->fd;
	sink.level = to->level;
	sink.origin = to->origin;
	snprintf(sink.id, sizeof(sink.id), "%s", to->id ? to->id : "");
	snprintf(sink.module, sizeof(sink.module), "%s",
		to->module ? to->module : "");
	pthread_mutex_unlock(&lock);
}

/* ---- a line ---- */

struct line {
	char text[LINE_MAX_BYTES];
	size_t len;
};

static PRINTF(2, 3) void put(struct line *line, const char *fmt, ...)
{
	size_t room = sizeof(line->text) - line->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line->text + line->len, room, fmt, ap);
	va_end(ap);
	line->len += MIN((size_t)MAX(n, 0), room - 1);
}

static void put_message(
	struct line *line, const char *end, const char *fmt, va_list ap)
{
	size_t room = sizeof(line->text) - line->len - strlen(end);
	int n = vsnprintf(line->text + line->len, room, fmt, ap);

	line->len += MIN((size_t)MAX(n, 0), room - 1);
	put(line, "%s", end);
}

static void put_time(struct line *line)
{
	struct timespec now;
	struct tm utc;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	put(line, "%s.%09ld ", text, now.tv_nsec);
}

static void begin_in_file(
	struct line *line, enum log_level level, const char *file, int at)
{
	char thread[THREAD_MAX_BYTES] = "";

	put_time(line);
	pthread_getname_np(pthread_self(), thread, sizeof(thread));
	put(line, "[%s:%s", sink.id, thread);
	if (sink.level)
		put(line, ":%s", level_words[level].file);
	if (sink.origin)
		put(line, ":%s:%d", file, at);
	put(line, "] ");
}

static void begin_on_terminal(
	struct line *line, enum log_level level, const char *file, int at)
{
	put(line, "muster: %s", level_words[level].terminal);
	if (sink.origin)
		put(line, "%s:%d: ", file, at);
}

static const char *terminal_end(void)
{
	return raw_terminal ? "\r\n" : "\n";
}

/* ---- writing ---- */

/* poll() promises a pipe's writer PIPE_BUF bytes, more than a line. */
static bool has_room(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

static bool write_line(int fd, const struct line *line)
{
	ssize_t n;

	/* Nothing more useful can be done about a log that cannot be written. */
	do {
		n = write(fd, line->text, line->len);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)line->len;
}

static bool is_wanted(const char *file)
{
	return !strncmp(file, sink.module, strlen(sink.module));
}

static void write_locked(enum log_level level, const char *file, int at,
	const char *fmt, va_list ap)
{
	int fd = sink.fd < 0 ? STDERR_FILENO : sink.fd;
	struct line line = { .len = 0 };

	if (!is_wanted(file))
		return;
	if (sink.fd < 0)
		begin_on_terminal(&line, level, file, at);
	else
		begin_in_file(&line, level, file, at);
	put_message(&line, sink.fd < 0 ? terminal_end() : "\n", fmt, ap);
	if (!has_room(fd) || !write_line(fd, &line))
		metric_add(&metrics[LINES_LOST], 1);
}

void log_write(
	enum log_level level, const char *file, int line, const char *fmt, ...)
{
	int saved_errno = errno;
	va_list ap;

	if ((int)level > max_level)
		return;
	va_start(ap, fmt);
	pthread_mutex_lock(&lock);
	write_locked(level, file, line, fmt, ap);
	pthread_mutex_unlock(&lock);
	va_end(ap);
	errno = saved_errno;
}

static bool is_file(void)
{
	bool file;

	pthread_mutex_lock(&lock);
	file = sink.fd >= 0;
	pthread_mutex_unlock(&lock);
	return file;
}

void log_say(const char *fmt, ...)
{
	struct line line = { .len = 0 }, text = { .len = 0 };
	va_list ap;

	va_start(ap, fmt);
	put_message(&text, "", fmt, ap);
	va_end(ap);
	put(&line, "muster: %.*s%s", LINE_MAX_BYTES - 16, text.text,
		terminal_end());
	write_line(STDERR_FILENO, &line);
	if (is_file())
		log_info("%s", text.text);
}

bool log_may_pass(struct ratelimit *limit, uint64_t *ret_swallowed)
{
	bool pass = ratelimit_pass(limit, ret_swallowed);

	if (!pass)
		metric_add(&metrics[LINES_LIMITED], 1);
	return pass;
}
