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

static const char *const level_name[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warning",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
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

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	int saved_errno = errno;
	const char *end = raw_terminal ? "\r\n" : "\n";
	va_list ap;
	size_t len;

	if ((int)level > max_level)
		return;
	len = (size_t)snprintf(
		line, sizeof(line), "muster: %s: ", level_name[level]);
	va_start(ap, fmt);
	len += (size_t)vsnprintf(line + len, sizeof(line) - len, fmt, ap);
	va_end(ap);
	len = MIN(len, sizeof(line) - 3);
	len += (size_t)snprintf(line + len, sizeof(line) - len, "%s", end);
	write_line(line, len);
	errno = saved_errno;
}
