/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one line per event, on standard error
 *
 * Any thread may log; lines are written with one write() each, so that they do
 * not mix, and one that would have to wait for a reader is dropped.  Layers 0 to 2
 * log at debug only, and warn about what they had to work around; errors travel
 * as return values (err.h).  Call sites that a guest can reach use log_limited(),
 * which lets a burst through and then counts what it swallowed.
 */
#ifndef MUSTER_BASE_LOG_H
#define MUSTER_BASE_LOG_H

#include "vmm/base/ratelimit.h"
#include "vmm/base/util.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Lines above `level` are dropped.  Default: LOG_WARN. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* A raw-mode terminal needs "\r\n"; the tty backend switches this. */
void log_set_raw_terminal(bool raw);

void log_write(enum log_level level, const char *fmt, ...) PRINTF(2, 3);

/*
 * "muster: …" whatever the level: the few lines that a person waits for.  It
 * waits for the reader too: only for a thread that serves no guest.
 */
void log_say(const char *fmt, ...) PRINTF(1, 2);

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

/* At most 10 lines in a burst and one a second after, per call site. */
#define log_limited(level, ...)                                              \
	do {                                                                 \
		static struct ratelimit limit_ = RATELIMIT_INIT(10, 1000);   \
		uint64_t lost_;                                              \
		if (ratelimit_pass(&limit_, &lost_)) {                       \
			if (lost_)                                           \
				log_write(level, "(%llu similar not shown)", \
					(unsigned long long)lost_);          \
			log_write(level, __VA_ARGS__);                       \
		}                                                            \
	} while (0)

#endif
