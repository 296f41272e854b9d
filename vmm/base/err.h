/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - an error is -errno plus one sentence
 *
 * The sentence is added where the knowledge is (err_set), wrapped outward
 * (err_wrap) and printed or sent once at the edge (err_text).  It lives in the
 * calling thread; there is one at a time, and a later err_set replaces it.
 * Write it for the person who has to act: the field, the value, the remedy.
 * What it quotes may be anybody's, a snapshot's author's too: control bytes in it
 * become '?'.
 */
#ifndef MUSTER_BASE_ERR_H
#define MUSTER_BASE_ERR_H

#include "vmm/base/util.h"

#define ERR_TEXT_MAX 1024

/* Store the sentence and return `rc` (a negative errno), for `return err_set(…)`. */
int err_set(int rc, const char *fmt, ...) PRINTF(2, 3);

/* Put "prefix: " in front of the stored sentence and return `rc`. */
int err_wrap(int rc, const char *fmt, ...) PRINTF(2, 3);

/* The calling thread's sentence, "" if none; valid until the next err_set(). */
const char *err_text(void);

/* The sentence of `rc` for the edge: err_text(), or strerror where none is set. */
const char *err_describe(int rc);

void err_clear(void);

#endif
