/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_pool.h - a few threads that run file operations which may block
 *
 * Private to the epoll engine.  The loop's thread gives and takes; threads are
 * started when there is more to do than those at hand can, and stay.
 */
#ifndef MUSTER_CORE_LOOP_POOL_H
#define MUSTER_CORE_LOOP_POOL_H

#include "vmm/core/loop_engine.h"

#define POOL_THREADS_MAX 4

struct pool {
	pthread_mutex_t
		lock; /* protects everything but `done_fd` and `threads` */
	pthread_cond_t wake;
	op_queue todo, done;
	unsigned todo_count, busy, started;
	bool stop;
	int done_fd; /* eventfd, written when `done` was empty; never read */
	pthread_t threads[POOL_THREADS_MAX];
};

int pool_init(struct pool *pool);
/* No operation may be in flight. */
void pool_fini(struct pool *pool);

/* Run all of `ops`, which becomes empty. */
void pool_give(struct pool *pool, op_queue *ops);

/* Append what is done, with op->res set, to `ret`. */
void pool_take(struct pool *pool, op_queue *ret);

#endif
