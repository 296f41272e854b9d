/* SPDX-License-Identifier: Apache-2.0 */
/* ucode_files.h - microcode images from files and folders, and what is in them */
#ifndef MUSTER_FIRMWARE_UCODE_FILES_H
#define MUSTER_FIRMWARE_UCODE_FILES_H

#include "firmware/ucode.h"

#define UCODE_FILES_MAX 4096
#define UCODE_DEPTH_MAX 4 /* folders within folders */

struct ucode_file {
	char *path;
	uint8_t *data;
	size_t len;
	unsigned first, count; /* of its updates in the list */
	char *fault;           /* the sentence that refuses it; NULL: valid */
};

/* Zeroed: empty. */
struct ucode_files {
	struct ucode_list list; /* of all files; what is refused has a fault */
	unsigned count, room;
	struct ucode_file *file;
};

/*
 * Append the image at `path` or, if that is a folder, those below it, by name.  A
 * file of a folder is taken for an image if it begins as one, or is named as the
 * kernel wants them ("06-55-04", "microcode_amd….bin").  An image that is bad is in
 * `files` as well.  0, or -errno with a sentence if there is nothing to look at.
 */
int ucode_files_read(const char *path, struct ucode_files *files);

/* How many of them are refused. */
unsigned ucode_files_bad(const struct ucode_files *files);

void ucode_files_fini(struct ucode_files *files);

#endif
