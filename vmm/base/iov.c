/* SPDX-License-Identifier: Apache-2.0 */
/* iov.c - cut bytes off the front and the back of an iovec list */
#include "vmm/base/iov.h"

#include <string.h>

uint64_t iov_bytes(const struct iov_list *list)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < list->count; i++)
		sum += list->iov[i].iov_len;
	return sum;
}

static void advance(struct iovec *iov, size_t len)
{
	iov->iov_base = (uint8_t *)iov->iov_base + len;
	iov->iov_len -= len;
}

uint64_t iov_skip(struct iov_list *list, uint64_t len)
{
	uint64_t left = len;

	while (left && list->count) {
		size_t n = MIN(left, list->iov[0].iov_len);

		advance(&list->iov[0], n);
		left -= n;
		if (list->iov[0].iov_len)
			break;
		list->iov++;
		list->count--;
	}
	return len - left;
}

bool iov_take(struct iov_list *list, void *to, size_t len)
{
	uint8_t *at = to;

	if (iov_bytes(list) < len)
		return false;
	while (len) {
		size_t n = MIN(len, list->iov[0].iov_len);

		memcpy(at, list->iov[0].iov_base, n);
		iov_skip(list, n);
		at += n;
		len -= n;
	}
	return true;
}

uint8_t *iov_cut_last_byte(struct iov_list *list)
{
	struct iovec *last;

	if (!list->count)
		return NULL;
	last = &list->iov[list->count - 1];
	last->iov_len--;
	if (!last->iov_len)
		list->count--;
	return (uint8_t *)last->iov_base + last->iov_len;
}

size_t iov_put(const struct iov_list *list, const void *from, size_t len)
{
	const uint8_t *at = from;
	size_t left = len;

	for (unsigned i = 0; left && i < list->count; i++) {
		size_t n = MIN(left, list->iov[i].iov_len);

		memcpy(list->iov[i].iov_base, at, n);
		at += n;
		left -= n;
	}
	return len - left;
}
