/* SPDX-License-Identifier: Apache-2.0 */
/* loop_ring.h - make an io_uring, or say why this host refuses one */
#ifndef MUSTER_CORE_LOOP_RING_H
#define MUSTER_CORE_LOOP_RING_H

#include <liburing.h>

/*
 * A ring with every operation that the loop uses, disabled: the thread that is
 * to use it enables it.  0, or -errno with a sentence that names the cause (an
 * old kernel, seccomp, kernel.io_uring_disabled, locked memory) and the remedy.
 */
int loop_ring_init(struct io_uring *ring, unsigned entries);

#endif
