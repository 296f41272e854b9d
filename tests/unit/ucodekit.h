/* SPDX-License-Identifier: Apache-2.0 */
/* ucodekit.h - microcode images for tests, valid until they are bent */
#ifndef MUSTER_TESTS_UCODEKIT_H
#define MUSTER_TESTS_UCODEKIT_H

#include "firmware/ucode.h"

#define KIT_INTEL_BYTES  2048
#define KIT_AMD_BYTES    256               /* of a patch */
#define KIT_AMD_PATCH_AT (12 + 2 * 16 + 8) /* in a container of one */

struct kit_intel {
	uint32_t revision, min_revision, signature, platforms;
	unsigned extra_count; /* extended signatures, in a table at the end */
	const struct ucode_sig *extra;
};

/* Append an update of KIT_INTEL_BYTES. */
void kit_put_intel(struct buf *out, const struct kit_intel *what);

struct kit_amd {
	uint32_t revision, min_revision, signature;
	uint16_t equivalence;
};

/* Append a container of one patch. */
void kit_put_amd(struct buf *out, const struct kit_amd *what);

/* Overwrite a dword; and one more so that [begin, begin + len) sums up to 0. */
void kit_set32(struct buf *image, size_t at, uint32_t value);
void kit_seal(struct buf *image, size_t begin, size_t len, size_t checksum_at);

/* Append a member of a cpio, and its end. */
void kit_put_member(
	struct buf *out, const char *name, const void *data, size_t len);
void kit_put_trailer(struct buf *out);

/* A file of tests/data/microcode. */
void kit_read(const char *name, struct buf *out);

/* What most tests of images begin with, and what is found in it. */
struct kit_image {
	struct buf bytes;
	struct ucode_list list;
};

/* ucode_parse() of the image "f", whatever was parsed before. */
int kit_parse(struct kit_image *image);

/* Fails unless it is refused with a sentence that says `why`. */
void kit_refused(struct kit_image *image, const char *why);

/* A test's teardown; its state is a struct kit_image. */
int kit_teardown(void **state);

#endif
