/* SPDX-License-Identifier: Apache-2.0 */
/* futex.c - the two operations of futex(2) that are used here */
#include "vmm/base/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000u

/* FUTEX_WAIT_BITSET takes an absolute time, of the clock that now_ns() reads. */
bool futex_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t until_ns)
{
	const struct timespec until = {
		.tv_sec = (time_t)(until_ns / NS_PER_S),
		.tv_nsec = (long)(until_ns % NS_PER_S),
	};
	long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, seen,
		until_ns == FUTEX_FOREVER ? NULL : &until, NULL,
		FUTEX_BITSET_MATCH_ANY);

	return rc == 0 || errno != ETIMEDOUT;
}

void futex_wake(_Atomic uint32_t *word, int threads)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}
