/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_file.h - the container of a snapshot's state: named, checked sections
 *
 * Layout, all numbers little-endian; docs/snapshot-format.md says what is inside.
 *
 *     header     magic[8] "MUSTERSN", u32 format version, u32 0, architecture[16],
 *                u64 CRC of the 32 bytes before
 *     section…   name[16], u32 instance, u32 version, u64 payload bytes,
 *                u64 CRC of the 32 bytes before and the payload; the payload
 *     section    "end": its payload is the u64 CRC of the file up to this section
 *
 * A reader refuses any byte that was changed and any that is missing.  The CRC
 * is against damage, not against an author: payloads are hostile all the same.
 */
#ifndef MUSTER_VMM_SNAPSHOT_FILE_H
#define MUSTER_VMM_SNAPSHOT_FILE_H

#include "vmm/base/buf.h"
#include "vmm/core/state.h"

#define SNAPSHOT_FORMAT       1
#define SNAPSHOT_NAME_BYTES   16 /* the terminating NUL included */
#define SNAPSHOT_SECTIONS_MAX 512

struct snapshot_section {
	char name[SNAPSHOT_NAME_BYTES];
	uint32_t instance;
	uint32_t version;
	const uint8_t *data; /* in the bytes that were parsed */
	size_t len;
	size_t offset; /* of the section in the file */
};

struct snapshot_file {
	const char *path; /* borrowed, for messages */
	uint32_t format;
	unsigned count;
	struct snapshot_section section[SNAPSHOT_SECTIONS_MAX];
};

/* ---- writing; out->failed says at the end whether memory ran out ---- */

void snapshot_file_begin(struct buf *out);

/* The name is one of those that snapshot_file.c lists. */
void snapshot_file_add(struct buf *out, const char *name, unsigned instance,
	unsigned version, const void *data, size_t len);

/* The state of `obj` as a section that is called as its table is. */
void snapshot_file_save(struct buf *out, unsigned instance,
	const struct state_desc *desc, const void *obj);

void snapshot_file_end(struct buf *out);

/* ---- reading ---- */

/*
 * Take the file's bytes apart; they must stay as long as *ret is used.  -EBADMSG
 * with a sentence that names path, offset and section for anything that is
 * damaged, missing, unknown, there twice or too much.
 */
int snapshot_file_parse(const char *path, const void *data, size_t len,
	struct snapshot_file *ret);

/* NULL if there is none. */
const struct snapshot_section *snapshot_file_find(
	const struct snapshot_file *file, const char *name, unsigned instance);

/* How many sections bear the name. */
unsigned snapshot_file_count(
	const struct snapshot_file *file, const char *name);

/*
 * Load `obj` (state_load) from the section that is called as its table is.
 * -EBADMSG, also if there is no such section, with a sentence that names the
 * section; the caller names the file.
 */
int snapshot_file_load(const struct snapshot_file *file, unsigned instance,
	const struct state_desc *desc, void *obj);

#endif
