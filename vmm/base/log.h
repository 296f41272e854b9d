/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one line per event, on standard error or in a file
 *
 * Any thread may log; lines are written with one write() each, so that they do
 * not mix, and one that would have to wait for a reader is dropped and counted.
 * Layers 0 to 2 log at debug only, and warn about what they had to work around;
 * errors travel as return values (err.h).  Call sites that a guest can reach use
 * log_limited(), which lets a burst through and then counts what it swallowed.
 */
#ifndef MUSTER_BASE_LOG_H
#define MUSTER_BASE_LOG_H

#include "vmm/base/metrics.h"
#include "vmm/base/ratelimit.h"
#include "vmm/base/util.h"

enum log_level { LOG_OFF = -1, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

#define LOG_ID_MAX     64
#define LOG_MODULE_MAX 128

/* Lines above `level` are dropped.  Default: LOG_WARN. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/*
 * Where lines go, and what they look like: "muster: info: text" on standard error,
 * "2026-01-31T23:59:59.123456789 [ID:THREAD] text" (UTC) in a file.
 */
struct log_sink {
	int fd;      /* opened with O_NONBLOCK; -1: standard error */
	bool level;  /* in a file: name the level; standard error always does */
	bool origin; /* name the source's file and line */
	const char *id; /* of the instance; at most LOG_ID_MAX bytes */
	/* Only lines of sources whose path begins so; NULL: all.  LOG_MODULE_MAX. */
	const char *module;
};

/* Any time, on any thread.  The descriptor is taken over, texts are copied. */
void log_set_sink(const struct log_sink *sink);

/* A raw-mode terminal needs "\r\n"; the tty backend switches this. */
void log_set_raw_terminal(bool raw);

void log_write(enum log_level level, const char *file, int line,
	const char *fmt, ...) PRINTF(4, 5);

/*
 * "muster: …" whatever the level: the few lines that a person waits for.  It
 * waits for the reader too: only for a thread that serves no guest.  A file that
 * is logged to has it as well, at LOG_INFO.
 */
void log_say(const char *fmt, ...) PRINTF(1, 2);

#define log_at(level, ...) log_write(level, __FILE__, __LINE__, __VA_ARGS__)

#define log_error(...)     log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)      log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)      log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)     log_at(LOG_DEBUG, __VA_ARGS__)

/* At most 10 lines in a burst and one a second after, per call site. */
#define log_limited(how, ...)                                              \
	do {                                                               \
		static struct ratelimit limit_ = RATELIMIT_INIT(10, 1000); \
		uint64_t lost_;                                            \
		if (!log_may_pass(&limit_, &lost_))                        \
			break;                                             \
		if (lost_)                                                 \
			log_at(how, "(%llu similar not shown)",            \
				(unsigned long long)lost_);                \
		log_at(how, __VA_ARGS__);                                  \
	} while (0)

/* ratelimit_pass(), counted. */
bool log_may_pass(struct ratelimit *limit, uint64_t *ret_swallowed);

/* lines_lost, lines_limited */
extern const struct metric_group log_metrics;

#endif
