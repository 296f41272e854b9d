/* SPDX-License-Identifier: Apache-2.0 */
/* ucode_parts.h - what the parsers of microcode images share */
#ifndef MUSTER_FIRMWARE_UCODE_PARTS_H
#define MUSTER_FIRMWARE_UCODE_PARTS_H

#include <endian.h>
#include <string.h>

#include "firmware/ucode.h"

/* AMD's containers begin so ("DMA\0" in memory); then come sections. */
#define UCODE_AMD_MAGIC       0x00414d44
#define UCODE_AMD_TABLE       0 /* types of sections */
#define UCODE_AMD_PATCH       1

/* In a table, each of which is looked at for each patch; published: some 50. */
#define UCODE_AMD_ENTRIES_MAX 1024

/* A part of an image: the whole file, or a member of a cpio. */
struct ucode_span {
	const char *origin;
	uint64_t offset; /* of `data` in the image */
	const uint8_t *data;
	size_t len;
};

static inline uint32_t ucode_get32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return le32toh(v);
}

static inline uint16_t ucode_get16(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return le16toh(v);
}

/* The sum of little-endian dwords; `len` is a multiple of 4. */
uint32_t ucode_sum(const uint8_t *data, size_t len);

/*
 * Append an update that begins `at` in the span, with its data to the end of it.
 * 0, or -ENOMEM or -EBADMSG (too many) with a sentence.
 */
int ucode_list_add(struct ucode_list *list, enum ucode_vendor vendor,
	const struct ucode_span *span, size_t at, struct ucode_update **ret);

/* The first fault of an update is the one that is kept. */
void ucode_fault(struct ucode_update *update, const char *fmt, ...)
	PRINTF(2, 3);

/* Byte for byte? */
bool ucode_is_same(const struct ucode_update *a, const struct ucode_update *b);

/* A kind of processor that it is for; more than UCODE_SIGS_MAX are a fault. */
void ucode_add_sig(
	struct ucode_update *update, uint32_t signature, uint32_t platforms);

/* Append a span's updates; faults stay with them.  As ucode_list_add(). */
int ucode_intel_parse(const struct ucode_span *span, struct ucode_list *list);
int ucode_amd_parse(const struct ucode_span *span, struct ucode_list *list);
int ucode_cpio_parse(const struct ucode_span *span, struct ucode_list *list);

/* Does the image begin as one of these? */
bool ucode_amd_detect(const struct ucode_span *span);
bool ucode_cpio_detect(const struct ucode_span *span);
bool ucode_intel_detect(const struct ucode_span *span);

/*
 * Read the update at the beginning of its data and cut the data to its size.
 * False if that cannot be told, so that nothing behind it can be found.
 */
bool ucode_intel_read(struct ucode_update *update);

/* Read a patch that takes all of its data; for whom it is stays open. */
void ucode_amd_read(struct ucode_update *update);

/*
 * Append a container of the AMD patches among these, or nothing.  0, -EBADMSG or
 * -ENOMEM with a sentence.
 */
int ucode_put_amd(const struct ucode_update *const *updates, unsigned count,
	struct buf *out);

/* What a patch says, in short, about the processors it is for. */
uint16_t ucode_amd_equivalence(const uint8_t *patch);

/* The signature that an equivalence id usually stands for: 0xa011, 0x00a00f11. */
uint32_t ucode_amd_signature(uint16_t equivalence);

/* How long patches of the id's family are at most; 0: not known. */
size_t ucode_amd_bytes_max(uint16_t equivalence);

/* The size that a header states, or 0 if it is none. */
uint32_t ucode_intel_bytes(const uint8_t *header);

#endif
