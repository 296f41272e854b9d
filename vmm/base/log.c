/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - format a line, write it in one piece */
#include "vmm/base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static _Atomic int max_level = LOG_WARN;
static atomic_bool raw_terminal;

/* From looking for room to using it: another thread must not take it meanwhile. */
static pthread_mutex_t room_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const level_prefix[] = {
	[LOG_ERROR] = "error: ",
	[LOG_WARN] = "warning: ",
	[LOG_INFO] = "info: ",
	[LOG_DEBUG] = "debug: ",
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

/* poll() promises a pipe's writer PIPE_BUF bytes, more than a line. */
static bool has_room(void)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) == 1;
}

static void write_line(const char *line, size_t len)
{
	ssize_t n;

	/* Nothing useful can be done about a log that cannot be written. */
	do {
		n = write(STDERR_FILENO, line, len);
	} while (n < 0 && errno == EINTR);
}

static size_t format(char line[LINE_MAX_BYTES], const char *prefix,
	const char *fmt, va_list ap)
{
	size_t len = (size_t)snprintf(
		line, LINE_MAX_BYTES, "muster: %s", prefix);

	len += (size_t)vsnprintf(line + len, LINE_MAX_BYTES - len, fmt, ap);
	len = MIN(len, LINE_MAX_BYTES - 3);
	len += (size_t)snprintf(line + len, LINE_MAX_BYTES - len, "%s",
		raw_terminal ? "\r\n" : "\n");
	return len;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	int saved_errno = errno;
	va_list ap;
	size_t len;

	if ((int)level > max_level)
		return;
	va_start(ap, fmt);
	len = format(line, level_prefix[level], fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&room_lock);
	if (has_room())
		write_line(line, len);
	pthread_mutex_unlock(&room_lock);
	errno = saved_errno;
}

void log_say(const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = format(line, "", fmt, ap);
	va_end(ap);
	write_line(line, len);
}
