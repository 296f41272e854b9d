/* SPDX-License-Identifier: Apache-2.0 */
/* loop_pool.c - a few threads that run file operations which may block */
#include "vmm/core/loop_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

/* ---- the operations; io_uring does the same in the kernel ---- */

static ssize_t run_readv(const struct loop_op *op)
{
	return preadv2(op->fd, op->iov, (int)op->iov_count, (off_t)op->offset,
		op->flags);
}

static ssize_t run_writev(const struct loop_op *op)
{
	return pwritev2(op->fd, op->iov, (int)op->iov_count, (off_t)op->offset,
		op->flags);
}

static ssize_t run_fdatasync(const struct loop_op *op)
{
	return fdatasync(op->fd);
}

static ssize_t run_fallocate(const struct loop_op *op)
{
	return fallocate(op->fd, op->flags, (off_t)op->offset, (off_t)op->len);
}

static ssize_t (*const run[LOOP_OPCODES])(const struct loop_op *) = {
	[LOOP_READV] = run_readv,
	[LOOP_WRITEV] = run_writev,
	[LOOP_FDATASYNC] = run_fdatasync,
	[LOOP_FALLOCATE] = run_fallocate,
};

/* ---- threads ---- */

/* Under the lock.  Freeing the pool joins its threads, so none rings too late. */
static void finish(struct pool *pool, struct loop_op *op, int res)
{
	bool first = !pool->done.head;

	op->res = res;
	queue_push(&pool->done, op);
	if (first)
		(void)!eventfd_write(pool->done_fd, 1);
}

static void *work(void *arg)
{
	struct pool *pool = arg;
	struct loop_op *op;
	ssize_t res;

	pthread_mutex_lock(&pool->lock);
	while (!pool->stop) {
		op = queue_pop(&pool->todo);
		if (!op) {
			pthread_cond_wait(&pool->wake, &pool->lock);
			continue;
		}
		pool->todo_count--;
		pool->busy++;
		pthread_mutex_unlock(&pool->lock);
		res = run[op->code](op);
		if (res < 0)
			res = -errno;
		pthread_mutex_lock(&pool->lock);
		pool->busy--;
		finish(pool, op, (int)res);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Under the lock: as many as there are operations that nobody is free for. */
static int start_threads(struct pool *pool)
{
	while (pool->started < POOL_THREADS_MAX &&
		pool->todo_count > pool->started - pool->busy) {
		int rc = thread_start(
			&pool->threads[pool->started], "loop-file", work, pool);

		if (rc)
			return rc;
		pool->started++;
	}
	return 0;
}

void pool_give(struct pool *pool, op_queue *ops)
{
	struct loop_op *op;
	int rc;

	pthread_mutex_lock(&pool->lock);
	while ((op = queue_pop(ops))) {
		queue_push(&pool->todo, op);
		pool->todo_count++;
	}
	rc = start_threads(pool);
	/* Fewer threads than wished for will do; with none at all, refuse. */
	while (!pool->started && (op = queue_pop(&pool->todo))) {
		pool->todo_count--;
		finish(pool, op, rc);
	}
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
}

void pool_take(struct pool *pool, op_queue *ret)
{
	pthread_mutex_lock(&pool->lock);
	queue_move(ret, &pool->done);
	pthread_mutex_unlock(&pool->lock);
}

int pool_init(struct pool *pool)
{
	pool->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->done_fd < 0)
		return err_set(
			-errno, "cannot make an eventfd: %s", strerror(errno));
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	queue_init(&pool->todo);
	queue_init(&pool->done);
	return 0;
}

void pool_fini(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->started; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	close_fd(pool->done_fd);
}
