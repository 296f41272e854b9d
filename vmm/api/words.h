/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.h - sentences of the parts of a VM, in the words of the API
 *
 * The parts name what is wrong as the command line does; a client has never seen it.
 */
#ifndef MUSTER_API_WORDS_H
#define MUSTER_API_WORDS_H

#include "vmm/base/buf.h"

/* What an option is called here.  A list of them ends with NULLs. */
struct word {
	const char *option; /* "--kernel", "--disk path=" */
	const char *field;  /* "kernel_image_path", "path_on_host " */
};

/* Of a VM that boots, of one that goes on, and of PUT /snapshot/create. */
extern const struct word words_of_boot[], words_of_load[], words_of_snapshot[];

/* Put fields in the places of options in the sentence of `rc`, which is returned. */
int words_for_clients(int rc, const struct word *words);

/* The opposite, for who talks to clients that gave options; appended. */
void words_for_options(
	const char *sentence, const struct word *words, struct buf *out);

#endif
