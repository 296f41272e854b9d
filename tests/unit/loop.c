/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c - calls, stopping, defers and busy polling, on both engines */
#include "tests/unit/loop.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- calls ---- */

#define CALLERS          4
#define CALLS_PER_THREAD 500

struct test_call {
	struct loop_call call;
	struct loop *loop;
	unsigned caller, number;
	unsigned *next; /* the number that the caller's next call must have */
	unsigned *left;
	unsigned runs;
};

struct caller {
	pthread_t thread;
	struct loop *loop;
	struct test_call calls[CALLS_PER_THREAD];
};

static void call_in_order(struct loop_call *call)
{
	struct test_call *t = container_of(call, struct test_call, call);

	if (t->next[t->caller] == t->number)
		t->next[t->caller]++;
	t->runs++;
	if (--*t->left == 0)
		loop_stop(t->loop);
}

static void *make_calls(void *arg)
{
	struct caller *c = arg;

	for (unsigned i = 0; i < CALLS_PER_THREAD; i++)
		loop_call(c->loop, &c->calls[i].call);
	return NULL;
}

static void calls_from_four_threads_run_once_each_and_in_order(void **state)
{
	struct loop *loop = loop_of(state);
	struct caller *callers = calloc(CALLERS, sizeof(*callers));
	unsigned next[CALLERS] = { 0 }, left = CALLERS * CALLS_PER_THREAD;

	for (unsigned c = 0; c < CALLERS; c++) {
		callers[c].loop = loop;
		for (unsigned i = 0; i < CALLS_PER_THREAD; i++)
			callers[c].calls[i] = (struct test_call){
				.call.fn = call_in_order,
				.loop = loop,
				.caller = c,
				.number = i,
				.next = next,
				.left = &left,
			};
		assert_int_equal(thread_start(&callers[c].thread, "caller",
					 make_calls, &callers[c]),
			0);
	}
	loop_run(loop);
	for (unsigned c = 0; c < CALLERS; c++) {
		pthread_join(callers[c].thread, NULL);
		assert_int_equal(next[c], CALLS_PER_THREAD);
		for (unsigned i = 0; i < CALLS_PER_THREAD; i++)
			assert_int_equal(callers[c].calls[i].runs, 1);
	}
	free(callers);
}

static void count_call(struct loop_call *call)
{
	container_of(call, struct test_call, call)->runs++;
}

static void call_that_is_queued_already_runs_once(void **state)
{
	struct test_call t = { .call.fn = count_call };

	loop_call(loop_of(state), &t.call);
	loop_call(*state, &t.call);
	run_for(*state, MS);
	assert_int_equal(t.runs, 1);
}

static void call_again_from_itself(struct loop_call *call)
{
	struct test_call *t = container_of(call, struct test_call, call);

	if (++t->runs == 20)
		loop_stop(t->loop);
	else
		loop_call(t->loop, call);
}

static void call_may_be_made_again_from_itself(void **state)
{
	struct test_call t = { .call.fn = call_again_from_itself };

	t.loop = loop_of(state);
	loop_call(t.loop, &t.call);
	loop_run(t.loop);
	assert_int_equal(t.runs, 20);
}

/* ---- stopping ---- */

static void stop_before_the_run_makes_it_return(void **state)
{
	loop_stop(loop_of(state));
	loop_run(*state);
}

static void call_made_before_the_stop_still_runs(void **state)
{
	struct test_call t = { .call.fn = count_call };

	loop_call(loop_of(state), &t.call);
	loop_stop(*state);
	loop_run(*state);
	assert_int_equal(t.runs, 1);
}

static void call_made_after_the_stop_runs_in_the_next_run(void **state)
{
	struct test_call t = { .call.fn = call_again_from_itself, .runs = 19 };

	t.loop = loop_of(state);
	loop_stop(t.loop);
	loop_run(t.loop);
	assert_int_equal(t.runs, 19);
	loop_call(t.loop, &t.call);
	loop_run(t.loop);
	assert_int_equal(t.runs, 20);
}

/* ---- defers ---- */

#define EVENTS 8

struct batch {
	struct loop *loop;
	struct loop_defer defer;
	unsigned events, seen, runs;
};

struct event {
	struct loop_watch watch;
	struct batch *batch;
};

static void event_ready(struct loop_watch *watch, uint32_t events)
{
	struct batch *b = container_of(watch, struct event, watch)->batch;

	(void)events;
	b->events++;
	loop_defer(b->loop, &b->defer);
}

static void end_batch(struct loop_defer *defer)
{
	struct batch *b = container_of(defer, struct batch, defer);

	b->runs++;
	b->seen = b->events;
	loop_stop(b->loop);
}

static void defer_runs_once_after_all_events_at_hand(void **state)
{
	struct batch b = { .loop = loop_of(state), .defer.fn = end_batch };
	struct event e[EVENTS];

	for (unsigned i = 0; i < EVENTS; i++) {
		e[i] = (struct event){
			.watch = { .fd = eventfd(1, EFD_CLOEXEC),
				.events = POLLIN,
				.ready = event_ready },
			.batch = &b,
		};
		assert_int_equal(loop_watch_add(b.loop, &e[i].watch), 0);
	}
	loop_run(b.loop);
	assert_int_equal(b.runs, 1);
	assert_int_equal(b.seen, EVENTS);
	for (unsigned i = 0; i < EVENTS; i++) {
		loop_watch_del(b.loop, &e[i].watch);
		close(e[i].watch.fd);
	}
}

static void defer_again(struct loop_defer *defer)
{
	struct batch *b = container_of(defer, struct batch, defer);

	if (++b->runs == 10)
		loop_stop(b->loop);
	else
		loop_defer(b->loop, defer);
}

static void defer_asked_for_by_a_defer_runs_without_sleeping(void **state)
{
	struct batch b = { .loop = loop_of(state), .defer.fn = defer_again };

	loop_defer(b.loop, &b.defer);
	loop_run(b.loop);
	assert_int_equal(b.runs, 10);
}

/* ---- busy polling ---- */

struct test_poller {
	struct loop_poller poller;
	struct loop *loop;
	struct loop_watch kick; /* rings itself `kicks` times */
	unsigned kicks;
	unsigned polls, arms;
	unsigned found;
	unsigned stop_at; /* stop the loop when this many were found */
};

static bool poll_nothing(struct loop_poller *poller)
{
	container_of(poller, struct test_poller, poller)->polls++;
	return false;
}

static bool arm_for_nothing(struct loop_poller *poller)
{
	container_of(poller, struct test_poller, poller)->arms++;
	return false;
}

static void kicked(struct loop_watch *watch, uint32_t events)
{
	struct test_poller *t = container_of(watch, struct test_poller, kick);

	(void)events;
	if (t->kicks && --t->kicks)
		eventfd_write(watch->fd, 1);
}

static void poller_init(struct test_poller *t, struct loop *loop,
	bool (*poll)(struct loop_poller *poller))
{
	*t = (struct test_poller){
		.loop = loop,
		.poller = { .poll = poll, .arm = arm_for_nothing },
	};
	t->kick.fd = eventfd(0, EFD_CLOEXEC);
	t->kick.events = POLLIN;
	t->kick.ready = kicked;
	assert_int_equal(loop_watch_add(loop, &t->kick), 0);
	loop_poller_add(loop, &t->poller);
}

static void poller_fini(struct test_poller *t)
{
	loop_poller_del(t->loop, &t->poller);
	loop_watch_del(t->loop, &t->kick);
	close(t->kick.fd);
}

/* Wake-ups that follow each other at once are worth polling for. */
static void keep_busy(struct test_poller *t, unsigned kicks)
{
	t->kicks = kicks;
	eventfd_write(t->kick.fd, 1);
}

struct ticker {
	struct loop_timer timer;
	struct test_poller *poller;
	unsigned ticks, polls_at_half;
};

static void tick(struct loop_timer *timer)
{
	struct ticker *t = container_of(timer, struct ticker, timer);

	if (++t->ticks == 10)
		t->polls_at_half = t->poller->polls;
	if (t->ticks == 20)
		loop_stop(t->poller->loop);
	else
		loop_timer_set(timer, MS);
}

static void poller_is_left_alone_on_an_idle_loop(void **state)
{
	struct test_poller t;
	struct ticker ticker = { .poller = &t };

	poller_init(&t, loop_of(state), poll_nothing);
	assert_int_equal(loop_timer_init(t.loop, &ticker.timer, tick), 0);
	loop_timer_set(&ticker.timer, MS);
	keep_busy(&t, 50);
	loop_run(t.loop);
	assert_true(t.polls > 0);
	/* Ten windows that stay open make many thousands. */
	assert_in_range(t.polls - ticker.polls_at_half, 0, 1000);
	loop_timer_fini(t.loop, &ticker.timer);
	poller_fini(&t);
}

static void poller_is_asked_while_the_loop_is_busy(void **state)
{
	struct test_poller t;

	poller_init(&t, loop_of(state), poll_nothing);
	keep_busy(&t, 200);
	run_for(t.loop, 10 * MS);
	assert_int_equal(t.kicks, 0);
	assert_true(t.polls > 0);
	poller_fini(&t);
}

static bool poll_until_enough(struct loop_poller *poller)
{
	struct test_poller *t = container_of(
		poller, struct test_poller, poller);

	t->polls++;
	if (++t->found == t->stop_at)
		loop_stop(t->loop);
	return true;
}

static void poller_that_finds_work_is_asked_again(void **state)
{
	struct test_poller t;

	poller_init(&t, loop_of(state), poll_until_enough);
	t.stop_at = 1000;
	keep_busy(&t, 1000);
	loop_run(t.loop);
	assert_int_equal(t.found, 1000);
	poller_fini(&t);
}

static void poller_is_armed_before_the_loop_sleeps(void **state)
{
	struct test_poller t;

	poller_init(&t, loop_of(state), poll_nothing);
	run_for(t.loop, MS);
	assert_true(t.arms > 0);
	poller_fini(&t);
}

/* The loop would sleep for ever if it did after arm() has found work. */
static bool arm_finds_work(struct loop_poller *poller)
{
	struct test_poller *t = container_of(
		poller, struct test_poller, poller);

	if (++t->arms == t->stop_at)
		loop_stop(t->loop);
	return true;
}

static void poller_that_finds_work_when_armed_keeps_the_loop_awake(void **state)
{
	struct test_poller t;

	poller_init(&t, loop_of(state), poll_nothing);
	t.poller.arm = arm_finds_work;
	t.stop_at = 100;
	loop_run(t.loop);
	assert_int_equal(t.arms, 100);
	poller_fini(&t);
}

static bool delete_self(struct loop_poller *poller)
{
	struct test_poller *t = container_of(
		poller, struct test_poller, poller);

	t->polls++;
	loop_poller_del(t->loop, poller);
	return false;
}

static void poller_deleted_by_itself_is_not_asked_again(void **state)
{
	struct test_poller t, other;

	poller_init(&t, loop_of(state), poll_nothing);
	poller_init(&other, t.loop, delete_self);
	keep_busy(&t, 200);
	run_for(t.loop, 10 * MS);
	assert_int_equal(other.polls, 1);
	assert_true(t.polls > 0);
	poller_fini(&other);
	poller_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(calls_from_four_threads_run_once_each_and_in_order),
		ON_BOTH(call_that_is_queued_already_runs_once),
		ON_BOTH(call_may_be_made_again_from_itself),
		ON_BOTH(stop_before_the_run_makes_it_return),
		ON_BOTH(call_made_before_the_stop_still_runs),
		ON_BOTH(call_made_after_the_stop_runs_in_the_next_run),
		ON_BOTH(defer_runs_once_after_all_events_at_hand),
		ON_BOTH(defer_asked_for_by_a_defer_runs_without_sleeping),
		ON_BOTH(poller_is_left_alone_on_an_idle_loop),
		ON_BOTH(poller_is_asked_while_the_loop_is_busy),
		ON_BOTH(poller_that_finds_work_is_asked_again),
		ON_BOTH(poller_is_armed_before_the_loop_sleeps),
		ON_BOTH(poller_that_finds_work_when_armed_keeps_the_loop_awake),
		ON_BOTH(poller_deleted_by_itself_is_not_asked_again),
	};

	alarm(30);
	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
