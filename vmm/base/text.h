/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - what users typed: shown in our sentences, compared with what we know */
#ifndef MUSTER_BASE_TEXT_H
#define MUSTER_BASE_TEXT_H

#include "vmm/base/util.h"

/* Every control byte becomes '?': terminals obey some, and a line is a line. */
void text_make_plain(char *text);

/* Text from outside, cut to leave room for the remedy, control bytes as '?'. */
struct text_shown {
	char s[96];
};

/* `err_set(rc, "%s: …", text_shown(value).s)`; empty text shows as "". */
struct text_shown text_shown(const char *text);

/*
 * How many letters must be inserted, removed, replaced or swapped with their
 * neighbour to turn one word into the other; words past 32 bytes are far apart.
 */
unsigned text_distance(const char *a, const char *b);

/* Near enough to ask "did you mean"? */
bool text_is_near(const char *typed, const char *known);

#endif
