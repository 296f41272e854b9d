/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - a loop of either engine as the state of a test */
#ifndef MUSTER_TESTS_UNIT_LOOP_H
#define MUSTER_TESTS_UNIT_LOOP_H

#include "tests/unit/unit.h"

#include "vmm/base/err.h"
#include "vmm/core/loop.h"

static inline int loop_setup(enum loop_engine engine, void **state)
{
	struct loop *loop = NULL;

	if (loop_new(engine, &loop) < 0)
		print_message("skipped: %s\n", err_text());
	*state = loop;
	return 0;
}

static inline int loop_setup_uring(void **state)
{
	return loop_setup(LOOP_IO_URING, state);
}

static inline int loop_setup_epoll(void **state)
{
	return loop_setup(LOOP_EPOLL, state);
}

static inline int loop_teardown(void **state)
{
	*state = loop_free(*state);
	return 0;
}

/* The loop under test; without one this host forbids the engine. */
static inline struct loop *loop_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

#define MS 1000000ull

struct loop_alarm {
	struct loop_timer timer;
	struct loop *loop;
};

static inline void loop_alarm_expired(struct loop_timer *timer)
{
	loop_stop(container_of(timer, struct loop_alarm, timer)->loop);
}

/* Serve for a while. */
static inline void run_for(struct loop *loop, uint64_t ns)
{
	struct loop_alarm t = { .loop = loop };

	assert_int_equal(
		loop_timer_init(loop, &t.timer, loop_alarm_expired), 0);
	loop_timer_set(&t.timer, ns);
	loop_run(loop);
	loop_timer_fini(loop, &t.timer);
}

#define ON_URING(test)                                                     \
	{                                                                  \
		"io_uring: " #test, test, loop_setup_uring, loop_teardown, \
			NULL                                               \
	}
#define ON_EPOLL(test)                                                       \
	{                                                                    \
		"epoll: " #test, test, loop_setup_epoll, loop_teardown, NULL \
	}
#define ON_BOTH(test) ON_URING(test), ON_EPOLL(test)

#endif
