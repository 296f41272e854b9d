/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.h - first in, first out; the links are the items' own `next` members
 *
 * Nothing is allocated and no locking is done.  An item is in one queue at most.
 */
#ifndef MUSTER_BASE_QUEUE_H
#define MUSTER_BASE_QUEUE_H

#define QUEUE(type)                 \
	struct {                    \
		type *head, **tail; \
	}

#define queue_init(q)                   \
	do {                            \
		(q)->head = NULL;       \
		(q)->tail = &(q)->head; \
	} while (0)

#define queue_push(q, item)                \
	do {                               \
		(item)->next = NULL;       \
		*(q)->tail = (item);       \
		(q)->tail = &(item)->next; \
	} while (0)

/* The first item, taken out; NULL when empty. */
#define queue_pop(q)                                       \
	({                                                 \
		__typeof__((q)->head) popped_ = (q)->head; \
		if (popped_) {                             \
			(q)->head = popped_->next;         \
			if (!(q)->head)                    \
				(q)->tail = &(q)->head;    \
		}                                          \
		popped_;                                   \
	})

/* All of `from`, which becomes empty, behind what `to` has. */
#define queue_move(to, from)                        \
	do {                                        \
		if ((from)->head) {                 \
			*(to)->tail = (from)->head; \
			(to)->tail = (from)->tail;  \
			queue_init(from);           \
		}                                   \
	} while (0)

#endif
