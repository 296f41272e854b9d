/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iov.h - cut bytes off the front and the back of an iovec list
 *
 * An iov_list describes memory that somebody else owns; cutting moves the
 * boundaries and never the bytes.  No element is empty, before or after.
 */
#ifndef MUSTER_BASE_IOV_H
#define MUSTER_BASE_IOV_H

#include <sys/uio.h>

#include "vmm/base/util.h"

struct iov_list {
	struct iovec *iov;
	unsigned count;
};

uint64_t iov_bytes(const struct iov_list *list);

/* Drop up to `len` bytes from the front; returns how many there were. */
uint64_t iov_skip(struct iov_list *list, uint64_t len);

/* Copy `len` bytes from the front and drop them; false (and no change) if fewer. */
bool iov_take(struct iov_list *list, void *to, size_t len);

/* Cut the last byte off and return where it is; NULL if the list is empty. */
uint8_t *iov_cut_last_byte(struct iov_list *list);

/* Copy to the front; returns how many of the `len` bytes fitted. */
size_t iov_put(const struct iov_list *list, const void *from, size_t len);

#endif
