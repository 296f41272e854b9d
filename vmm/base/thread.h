/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h - named threads, thread roles, a one-shot completion, the clock
 *
 * Roles: a function that must run on an I/O loop or on a vCPU thread says so in
 * its prototype (ON_LOOP, ON_VCPU).  clang checks every direct call (`make
 * lint`); gcc sees nothing.  A thread's entry function claims its role, and so
 * does whoever calls through a pointer, which the checker cannot follow.
 */
#ifndef MUSTER_BASE_THREAD_H
#define MUSTER_BASE_THREAD_H

#include <pthread.h>

#include "vmm/base/util.h"

#ifdef __clang__
#define TSA(x) __attribute__((x))
#else
#define TSA(x)
#endif

struct TSA(capability("role")) thread_role {
	int unused;
};

extern struct thread_role loop_thread, vcpu_thread;

#define ON_LOOP TSA(requires_capability(loop_thread))
#define ON_VCPU TSA(requires_capability(vcpu_thread))

/* Tell the checker that the calling thread has the role; no code is generated. */
static inline void claim_loop_thread(void) TSA(assert_capability(loop_thread));
static inline void claim_loop_thread(void)
{
}

static inline void claim_vcpu_thread(void) TSA(assert_capability(vcpu_thread));
static inline void claim_vcpu_thread(void)
{
}

/*
 * Start `fn(arg)` on a thread called `name` (at most 15 bytes, as Linux has it)
 * with every signal blocked.  0 or -errno with a sentence; the caller joins.
 */
int thread_start(
	pthread_t *ret, const char *name, void *(*fn)(void *), void *arg);

/*
 * Run the calling thread before all ordinary ones (SCHED_FIFO), or as one of them
 * again: for the moments in which many wait for it on a host that is overcommitted.
 * Threads that it creates do not inherit it.  False where this is not allowed.
 */
bool thread_be_urgent(bool urgent);

/* Wait for another thread to say done, once.  Both ends may be any thread. */
struct completion {
	pthread_mutex_t lock; /* protects done and result */
	pthread_cond_t cond;
	bool done;
	int result;
};

#define COMPLETION_INIT                            \
	{                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER, \
		.cond = PTHREAD_COND_INITIALIZER   \
	}

void completion_signal(struct completion *c, int result);
int completion_wait(struct completion *c);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t now_ns(void);

#endif
