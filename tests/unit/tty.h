/* SPDX-License-Identifier: Apache-2.0 */
/* tty.h - a tty between a loop on a thread of its own and a model with little room */
#ifndef MUSTER_TESTS_UNIT_TTY_H
#define MUSTER_TESTS_UNIT_TTY_H

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "devices/backend/tty.h"
#include "vmm/base/err.h"

#define LINE_BYTES    8
#define RING_BYTES    (64 * 1024)
#define CAPTURE_BYTES (256 * 1024)

static enum loop_engine engine;

/* A model with settable room, a loop on its own thread, a tty between them. */
struct box {
	struct loop *loop;
	struct tty *tty;
	pthread_t thread;
	uint64_t lost_before, written_before;

	pthread_mutex_t lock; /* protects all below */
	size_t room;
	unsigned escapes;
	size_t len;
	char got[CAPTURE_BYTES];
};

static inline size_t model_room(void *model)
{
	struct box *box = model;
	size_t room;

	pthread_mutex_lock(&box->lock);
	room = box->room;
	pthread_mutex_unlock(&box->lock);
	return room;
}

static inline void model_input(void *model, const uint8_t *data, size_t len)
{
	struct box *box = model;

	pthread_mutex_lock(&box->lock);
	assert_true(len <= box->room);
	assert_true(box->len + len <= sizeof(box->got));
	memcpy(box->got + box->len, data, len);
	box->len += len;
	box->room -= len;
	pthread_mutex_unlock(&box->lock);
}

static inline void owner_escape(void *owner)
{
	struct box *box = owner;

	pthread_mutex_lock(&box->lock);
	box->escapes++;
	pthread_mutex_unlock(&box->lock);
}

static const struct tty_events events = { model_room, model_input,
	owner_escape };

static inline void *run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static inline struct box *box_new(int in_fd, int out_fd, size_t room)
{
	struct box *box = test_calloc(1, sizeof(*box));

	pthread_mutex_init(&box->lock, NULL);
	box->room = room;
	box->written_before = metric_get(&tty_metrics.metrics[0]);
	box->lost_before = metric_get(&tty_metrics.metrics[1]);
	assert_int_equal(loop_new(engine, &box->loop), 0);
	assert_int_equal(tty_new(box->loop, in_fd, out_fd, &box->tty), 0);
	tty_attach(box->tty, &events, box, box);
	assert_int_equal(
		thread_start(&box->thread, "loop", run_loop, box->loop), 0);
	return box;
}

static inline void box_stop(struct box *box)
{
	loop_stop(box->loop);
	pthread_join(box->thread, NULL);
	box->tty = tty_free(box->tty);
	box->loop = loop_free(box->loop);
}

static inline void box_free(struct box *box)
{
	if (box->loop)
		box_stop(box);
	pthread_mutex_destroy(&box->lock);
	test_free(box);
}

struct ping {
	struct loop_call call;
	struct completion done;
};

static inline void pong(struct loop_call *call)
{
	completion_signal(&container_of(call, struct ping, call)->done, 0);
}

/* Blocks for ever, and so fails by alarm(), if the loop is stuck. */
static inline void assert_loop_answers(struct box *box)
{
	struct ping ping = { .call.fn = pong, .done = COMPLETION_INIT };

	loop_call(box->loop, &ping.call);
	completion_wait(&ping.done);
}

/* Numbered lines of LINE_BYTES, `bytes` in all. */
static inline void write_lines(struct box *box, size_t bytes)
{
	for (size_t i = 0; i < bytes / LINE_BYTES; i++) {
		char line[LINE_BYTES + 1];

		snprintf(line, sizeof(line), "%07zu\n", i);
		tty_write(box->tty, (const uint8_t *)line, LINE_BYTES);
	}
}

static inline int tty_setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	alarm(60);
	return 0;
}

/* Run a group of tests on the engine that the host prefers, then on epoll. */
#define TTY_RUN(name, tests)                                                 \
	({                                                                   \
		int failed_;                                                 \
                                                                             \
		engine = LOOP_AUTO;                                          \
		failed_ = cmocka_run_group_tests_name(                       \
			name, tests, tty_setup, NULL);                       \
		engine = LOOP_EPOLL;                                         \
		failed_ + cmocka_run_group_tests_name(                       \
				  name " on epoll", tests, tty_setup, NULL); \
	})

#endif
