/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counter.h - a virtio model that gives every chain back and counts; and a guest
 * that drives it
 */
#ifndef MUSTER_TESTS_UNIT_COUNTER_H
#define MUSTER_TESTS_UNIT_COUNTER_H

#include "tests/unit/guest.h"

#define COUNTER_QUEUES  2
#define COUNTER_OFFERED (BIT64(3) | BIT64(40))
#define COUNTER_CONFIG  "configuration"

struct counter {
	struct virtio_device dev;
	struct virtq_chain chain;
	struct guest guest;
	uint64_t features;   /* as activated */
	int activate_rc;     /* for it to return */
	struct ring *refill; /* a driver that adds a chain for each one taken */
	unsigned activations, resets, kicks, chains;
};

/* For cmocka: the only counter there is, fresh for each test. */
extern struct counter counter;
int counter_setup(void **state);
int counter_teardown(void **state);

/* Another device with fresh registers and loop, on the same memory. */
void counter_replace(unsigned queues);

/* To DRIVER_OK with all queues, no interrupt pending. */
void counter_start(uint64_t features, uint16_t ring_size);

/* Make `count` chains of one writable byte available; reap what has come back. */
void counter_offer(struct ring *ring, unsigned count);
unsigned counter_reap(struct ring *ring);

#endif
