/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - format a line, write it in one piece */
#include "vmm/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static _Atomic int max_level = LOG_WARN;
static atomic_bool raw_terminal;

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

static void write_line(const char *line, size_t len)
{
	ssize_t n;

	/* Nothing useful can be done about a log that cannot be written. */
	do {
		n = write(STDERR_FILENO, line, len);
	} while (n < 0 && errno == EINTR);
}

static void write_formatted(const char *prefix, const char *fmt, va_list ap)
{
	char line[LINE_MAX_BYTES];
	int saved_errno = errno;
	size_t len = (size_t)snprintf(line, sizeof(line), "muster: %s", prefix);

	len += (size_t)vsnprintf(line + len, sizeof(line) - len, fmt, ap);
	len = MIN(len, sizeof(line) - 3);
	len += (size_t)snprintf(line + len, sizeof(line) - len, "%s",
		raw_terminal ? "\r\n" : "\n");
	write_line(line, len);
	errno = saved_errno;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if ((int)level > max_level)
		return;
	va_start(ap, fmt);
	write_formatted(level_prefix[level], fmt, ap);
	va_end(ap);
}

void log_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_formatted("", fmt, ap);
	va_end(ap);
}
