/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup.h - scope-bound ownership.  Acquire into a variable that carries its
 * cleanup attribute, hand over with steal_*(); early returns then leak nothing.
 */
#ifndef MUSTER_BASE_CLEANUP_H
#define MUSTER_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_fn(void *p)
{
	free(*(void **)p);
}

/* Closing never changes errno: the error being returned is the one that counts. */
void close_fd(int fd);

static inline void cleanup_close_fn(const int *fd)
{
	close_fd(*fd);
}

#define CLEANUP(fn)   __attribute__((cleanup(fn)))
#define CLEANUP_FREE  CLEANUP(cleanup_free_fn)
#define CLEANUP_CLOSE CLEANUP(cleanup_close_fn)

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define steal_ptr(pp)                             \
	({                                        \
		__typeof__(*(pp)) taken_ = *(pp); \
		*(pp) = NULL;                     \
		taken_;                           \
	})

#endif
