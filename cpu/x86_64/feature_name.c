/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_name.c - find a feature by its name
 *
 * The rules of closure_tab.c name a thousand of them at every start of a VM: a hash
 * table, for to compare each name with all took 1 ms.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "cpu/x86_64/feature.h"

#define SLOTS        4096 /* of which no more than half are taken */
#define FEATURES_MAX 64   /* of a row, which has so many bits */

/* 1 + row * FEATURES_MAX + the place in the row; 0 ends a search. */
static uint16_t slots[SLOTS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static_assert(FEATURE_ROWS_MAX * FEATURES_MAX < UINT16_MAX, "a slot's values");

/* FNV-1a. */
static unsigned first_slot(const char *name)
{
	uint32_t hash = 0x811c9dc5;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x01000193;
	return hash % SLOTS;
}

static const struct feature *feature_at(unsigned slot, unsigned *ret_row)
{
	unsigned place = slots[slot] - 1u;

	*ret_row = place / FEATURES_MAX;
	return &feature_row(*ret_row)->features[place % FEATURES_MAX];
}

/* The slot that holds this name, or the empty one that it would be put into. */
static unsigned find_slot(const char *name)
{
	unsigned slot = first_slot(name);
	unsigned row;

	while (slots[slot] && strcmp(feature_at(slot, &row)->name, name) != 0)
		slot = (slot + 1) % SLOTS;
	return slot;
}

static void learn(void)
{
	unsigned taken = 0;

	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct feature_reg *reg = feature_row(row);

		for (unsigned i = 0; i < reg->count; i++)
			slots[find_slot(reg->features[i].name)] =
				(uint16_t)(1 + row * FEATURES_MAX + i);
		taken += reg->count;
	}
	assert(taken <= SLOTS / 2);
}

int feature_find_name(const char *name, const struct feature **ret)
{
	unsigned slot, row;

	pthread_once(&once, learn);
	slot = find_slot(name);
	if (!slots[slot])
		return -ENOENT;
	*ret = feature_at(slot, &row);
	return (int)row;
}
