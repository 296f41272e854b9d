/* SPDX-License-Identifier: Apache-2.0 */
/* loop_watch.c - readiness and timers, on both engines */
#include "tests/unit/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- watches ---- */

struct test_watch {
	struct loop_watch watch;
	struct loop *loop;
	unsigned events;
	unsigned stop_at; /* 0: never */
	struct test_watch *victim, *heir;
};

static void ring(const struct test_watch *t)
{
	assert_int_equal(eventfd_write(t->watch.fd, 1), 0);
}

static void watch_ready(struct loop_watch *watch, uint32_t events)
{
	struct test_watch *t = container_of(watch, struct test_watch, watch);

	assert_true(events & POLLIN);
	if (++t->events == t->stop_at)
		loop_stop(t->loop);
}

/* A watch on an eventfd of its own that holds `count`. */
static void watch_init(struct test_watch *t, struct loop *loop, unsigned count,
	void (*ready)(struct loop_watch *, uint32_t))
{
	*t = (struct test_watch){ .loop = loop };
	t->watch.fd = eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK);
	t->watch.events = POLLIN;
	t->watch.ready = ready;
	assert_true(t->watch.fd >= 0);
}

static void watch_add(struct test_watch *t)
{
	assert_int_equal(loop_watch_add(t->loop, &t->watch), 0);
}

static void watch_fini(struct test_watch *t)
{
	loop_watch_del(t->loop, &t->watch);
	close(t->watch.fd);
}

static void ring_again(struct loop_watch *watch, uint32_t events)
{
	struct test_watch *t = container_of(watch, struct test_watch, watch);

	watch_ready(watch, events);
	ring(t);
}

static void watch_reports_every_edge_though_nothing_is_read(void **state)
{
	struct test_watch t;

	watch_init(&t, loop_of(state), 0, ring_again);
	t.stop_at = 10;
	watch_add(&t);
	ring(&t);
	loop_run(t.loop);
	assert_int_equal(t.events, 10);
	watch_fini(&t);
}

static void watch_reports_what_is_ready_when_added_once(void **state)
{
	struct test_watch t;

	watch_init(&t, loop_of(state), 1, watch_ready);
	watch_add(&t);
	run_for(t.loop, 3 * MS);
	assert_int_equal(t.events, 1);
	watch_fini(&t);
}

static void watch_reports_a_terminal_that_hung_up_once(void **state)
{
	struct test_watch t = { .loop = loop_of(state) };
	int master;

	assert_int_equal(openpty(&master, &t.watch.fd, NULL, NULL, NULL), 0);
	close(master);
	t.watch.events = POLLIN;
	t.watch.ready = watch_ready;
	watch_add(&t);
	run_for(t.loop, 3 * MS);
	assert_int_equal(t.events, 1);
	watch_fini(&t);
}

static void delete_self(struct loop_watch *watch, uint32_t events)
{
	struct test_watch *t = container_of(watch, struct test_watch, watch);

	watch_ready(watch, events);
	loop_watch_del(t->loop, watch);
	ring(t);
}

static void watch_deleted_in_its_own_callback_is_silent(void **state)
{
	struct test_watch t;

	watch_init(&t, loop_of(state), 1, delete_self);
	watch_add(&t);
	run_for(t.loop, 3 * MS);
	assert_int_equal(t.events, 1);
	watch_fini(&t);
}

static void delete_victim(struct loop_watch *watch, uint32_t events)
{
	struct test_watch *t = container_of(watch, struct test_watch, watch);

	watch_ready(watch, events);
	loop_watch_del(t->loop, &t->victim->watch);
	if (t->heir)
		watch_add(t->heir);
}

/* Both are ready in one batch: the one that is served first deletes the other. */
static void watch_deleted_by_another_callback_is_silent(void **state)
{
	struct test_watch a, b;

	watch_init(&a, loop_of(state), 1, delete_victim);
	watch_init(&b, a.loop, 1, delete_victim);
	a.victim = &b;
	b.victim = &a;
	watch_add(&a);
	watch_add(&b);
	run_for(a.loop, 3 * MS);
	assert_int_equal(a.events + b.events, 1);
	watch_fini(&a);
	watch_fini(&b);
}

static void watch_added_in_place_of_a_deleted_one_gets_none_of_its_events(
	void **state)
{
	struct test_watch a, b, heir;

	watch_init(&a, loop_of(state), 1, delete_victim);
	watch_init(&b, a.loop, 1, delete_victim);
	watch_init(&heir, a.loop, 0, watch_ready);
	a.victim = &b;
	b.victim = &a;
	a.heir = b.heir = &heir;
	watch_add(&a);
	watch_add(&b);
	run_for(a.loop, 3 * MS);
	assert_int_equal(a.events + b.events, 1);
	assert_int_equal(heir.events, 0);
	watch_fini(&a);
	watch_fini(&b);
	watch_fini(&heir);
}

static void watch_deleted_and_added_again_reports_readiness_anew(void **state)
{
	struct test_watch t;

	watch_init(&t, loop_of(state), 1, watch_ready);
	watch_add(&t);
	run_for(t.loop, MS);
	assert_int_equal(t.events, 1);
	for (int i = 0; i < 300; i++) { /* more often than there are slots */
		loop_watch_del(t.loop, &t.watch);
		watch_add(&t);
		run_for(t.loop, i == 299 ? 2 * MS : 1);
	}
	assert_in_range(t.events, 2, 301);
	watch_fini(&t);
}

struct closer {
	struct test_watch trigger;
	struct loop_watch peer;
	int far_end;
};

/* Delete and close a socket while an event of it is on its way. */
static void close_peer(struct loop_watch *watch, uint32_t events)
{
	struct test_watch *t = container_of(watch, struct test_watch, watch);
	struct closer *c = container_of(t, struct closer, trigger);

	watch_ready(watch, events);
	assert_int_equal(write(c->far_end, "x", 1), 1);
	loop_watch_del(t->loop, &c->peer);
	close(c->peer.fd);
}

static void watch_deleted_lets_go_of_its_descriptor(void **state)
{
	struct closer c;
	int pair[2];

	watch_init(&c.trigger, loop_of(state), 0, close_peer);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	c.far_end = pair[1];
	c.peer = (struct loop_watch){
		.fd = pair[0], .events = POLLIN, .ready = watch_ready
	};
	watch_add(&c.trigger);
	assert_int_equal(loop_watch_add(c.trigger.loop, &c.peer), 0);
	run_for(c.trigger.loop, MS);
	ring(&c.trigger);
	run_for(c.trigger.loop, MS);
	assert_int_equal(c.trigger.events, 1);
	run_for(c.trigger.loop, MS);
	run_for(c.trigger.loop, MS);
	assert_int_equal(send(c.far_end, "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
	close(c.far_end);
	watch_fini(&c.trigger);
}

/* Let another io_uring, which rings the eventfd `fd`, complete an operation. */
static void complete_elsewhere(struct io_uring *other)
{
	io_uring_prep_nop(io_uring_get_sqe(other));
	assert_int_equal(io_uring_submit(other), 1);
}

/*
 * The kernel ends a multishot poll that is woken by a ring's own eventfd, lest
 * two rings wake each other for ever; other kernels, and a full completion
 * ring, have other reasons.
 */
static void watch_that_the_kernel_has_ended_is_armed_again(void **state)
{
	struct test_watch t;
	struct io_uring other;

	watch_init(&t, loop_of(state), 0, watch_ready);
	watch_add(&t);
	assert_int_equal(io_uring_queue_init(8, &other, 0), 0);
	assert_int_equal(io_uring_register_eventfd(&other, t.watch.fd), 0);
	for (int i = 0; i < 3; i++) {
		run_for(t.loop, MS);
		t.events = 0;
		complete_elsewhere(&other);
		run_for(t.loop, MS);
		assert_true(t.events > 0);
	}
	io_uring_queue_exit(&other);
	watch_fini(&t);
}

static void watch_refuses_what_cannot_be_polled(void **state)
{
	struct loop *loop = loop_of(state);
	struct loop_watch w = { .events = POLLIN, .ready = watch_ready };

	w.fd = memfd_create("loop-test", MFD_CLOEXEC);
	assert_int_equal(loop_watch_add(loop, &w), -EPERM);
	close(w.fd);
	assert_int_equal(loop_watch_add(loop, &w), -EBADF);
	w.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(loop_watch_add(loop, &w), -EPERM);
	close(w.fd);
}

static void watch_refuses_more_than_the_maximum(void **state)
{
	struct loop *loop = loop_of(state);
	struct test_watch t[LOOP_WATCHES_MAX + 1];
	unsigned last = LOOP_WATCHES_MAX;

	for (unsigned i = 0; i <= last; i++) {
		watch_init(&t[i], loop, 0, watch_ready);
		assert_int_equal(loop_watch_add(loop, &t[i].watch),
			i < last ? 0 : -ENOSPC);
	}
	loop_watch_del(loop, &t[7].watch);
	watch_add(&t[last]);
	t[last].stop_at = t[0].stop_at = 1;
	ring(&t[last]);
	loop_run(loop);
	assert_int_equal(t[last].events, 1);
	for (unsigned i = 0; i <= last; i++)
		watch_fini(&t[i]);
}

/* ---- timers ---- */

struct test_timer {
	struct loop_timer timer;
	unsigned fired;
	struct loop_timer *replace;
};

static void timer_fired(struct loop_timer *timer)
{
	struct test_timer *t = container_of(timer, struct test_timer, timer);

	t->fired++;
	if (t->replace)
		loop_timer_set(t->replace, 1000 * MS);
}

static void timer_expires_once_and_not_early(void **state)
{
	struct loop *loop = loop_of(state);
	struct test_timer t = { 0 };
	uint64_t start;

	assert_int_equal(loop_timer_init(loop, &t.timer, timer_fired), 0);
	start = now_ns();
	run_for(loop, 5 * MS);
	assert_true(now_ns() - start >= 5 * MS);
	assert_int_equal(t.fired, 0);
	loop_timer_set(&t.timer, 1);
	run_for(loop, 3 * MS);
	assert_int_equal(t.fired, 1);
	loop_timer_set(&t.timer, 1);
	run_for(loop, 3 * MS);
	assert_int_equal(t.fired, 2);
	loop_timer_fini(loop, &t.timer);
}

static void timer_set_again_or_disarmed_forgets_the_first_setting(void **state)
{
	struct loop *loop = loop_of(state);
	struct test_timer t = { 0 };

	assert_int_equal(loop_timer_init(loop, &t.timer, timer_fired), 0);
	loop_timer_set(&t.timer, 1);
	loop_timer_set(&t.timer, 1000 * MS);
	run_for(loop, 3 * MS);
	assert_int_equal(t.fired, 0);
	loop_timer_set(&t.timer, 1);
	loop_timer_set(&t.timer, 0);
	run_for(loop, 3 * MS);
	assert_int_equal(t.fired, 0);
	loop_timer_fini(loop, &t.timer);
}

/* Both have expired when the loop looks; the first to run sets the other anew. */
static void timer_set_again_after_it_expired_does_not_fire(void **state)
{
	struct loop *loop = loop_of(state);
	struct test_timer a = { 0 }, b = { 0 };

	assert_int_equal(loop_timer_init(loop, &a.timer, timer_fired), 0);
	assert_int_equal(loop_timer_init(loop, &b.timer, timer_fired), 0);
	a.replace = &b.timer;
	b.replace = &a.timer;
	loop_timer_set(&a.timer, 1);
	loop_timer_set(&b.timer, 1);
	usleep(1000);
	run_for(loop, 3 * MS);
	assert_int_equal(a.fired + b.fired, 1);
	loop_timer_fini(loop, &a.timer);
	loop_timer_fini(loop, &b.timer);
}

static void timer_that_was_never_made_can_be_finished(void **state)
{
	struct test_timer t = { 0 };

	loop_timer_fini(loop_of(state), &t.timer);
	assert_true(fcntl(0, F_GETFD) >= 0 || errno == EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(watch_reports_every_edge_though_nothing_is_read),
		ON_BOTH(watch_reports_what_is_ready_when_added_once),
		ON_BOTH(watch_reports_a_terminal_that_hung_up_once),
		ON_BOTH(watch_deleted_in_its_own_callback_is_silent),
		ON_BOTH(watch_deleted_by_another_callback_is_silent),
		ON_BOTH(watch_added_in_place_of_a_deleted_one_gets_none_of_its_events),
		ON_BOTH(watch_deleted_and_added_again_reports_readiness_anew),
		ON_BOTH(watch_deleted_lets_go_of_its_descriptor),
		ON_URING(watch_that_the_kernel_has_ended_is_armed_again),
		ON_BOTH(watch_refuses_what_cannot_be_polled),
		ON_BOTH(watch_refuses_more_than_the_maximum),
		ON_BOTH(timer_expires_once_and_not_early),
		ON_BOTH(timer_set_again_or_disarmed_forgets_the_first_setting),
		ON_BOTH(timer_set_again_after_it_expired_does_not_fire),
		ON_BOTH(timer_that_was_never_made_can_be_finished),
	};

	alarm(30);
	return cmocka_run_group_tests_name("loop_watch", tests, NULL, NULL);
}
