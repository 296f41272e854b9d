/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfile_parts.h - what the readers and the writers of memory files share; only
 * memfile*.c and their tests include it
 */
#ifndef MUSTER_VMM_MEMFILE_PARTS_H
#define MUSTER_VMM_MEMFILE_PARTS_H

#include "vmm/memfile.h"

#define MEMFILE_MAGIC   "MUSTERMM"
#define MEMFILE_VERSION 1

/* The end of the file; little-endian. */
struct memfile_seal {
	uint8_t magic[8];
	uint32_t version;
	uint32_t kind;
	uint64_t ram_bytes;
	struct memfile_id id;
	struct memfile_id base;
	uint64_t crc; /* over the trailer up to here */
};

/* How many sums and bitmap words the trailer of so much RAM has. */
uint64_t memfile_chunks(uint64_t ram_bytes);
uint64_t memfile_words(uint64_t ram_bytes, enum memfile_kind kind);
uint64_t memfile_trailer_bytes(uint64_t ram_bytes, enum memfile_kind kind);

/* To little-endian and back, in place. */
void memfile_swap(uint64_t *word, uint64_t count);

static inline bool memfile_holds(const uint64_t *held, uint64_t page)
{
	return held[page / 64] & BIT64(page % 64);
}

/* How many pages of chunk `index` of so much RAM a diff holds. */
unsigned memfile_count_held(
	const uint64_t *held, uint64_t ram_bytes, uint64_t index);

/* Up to MEMFILE_CHUNK_BYTES of RAM: where each page's bytes are. */
struct memfile_chunk {
	uint64_t index;
	unsigned count;
	const uint8_t *page[MEMFILE_CHUNK_PAGES]; /* NULL: zeros */
};

/* An empty one: all zeros. */
void memfile_chunk_init(
	struct memfile_chunk *chunk, uint64_t ram_bytes, uint64_t index);

/* Point page i at `bytes`, or leave it if they are zeros. */
void memfile_chunk_set(
	struct memfile_chunk *chunk, unsigned i, const uint8_t *bytes);

uint64_t memfile_chunk_sum(const struct memfile_chunk *chunk);

/* All `len` bytes at `offset`. */
int memfile_pread(
	const struct memfile *file, void *to, uint64_t len, uint64_t offset);

/* Read one into `room`, MEMFILE_CHUNK_BYTES long; holes are not read. */
int memfile_read_chunk(const struct memfile *file, uint64_t index,
	uint8_t *room, struct memfile_chunk *ret);

/* The same, and compare its sum: -EBADMSG. */
int memfile_check_chunk(const struct memfile *file, uint64_t index,
	uint8_t *room, struct memfile_chunk *ret);

/* ---- one file that is being written ---- */

struct memfile_writer {
	struct newfile *file;
	struct memfile_seal seal; /* in the host's byte order */
	const uint64_t *held;     /* a diff: the caller's */
	uint64_t *sum;
	uint64_t pages_bytes; /* before the trailer */
	uint64_t at;          /* where the next page goes */
	struct memfile_stats stats;
};

/* 0, or -errno with a sentence; the writer needs its fini in both cases. */
int memfile_writer_init(struct memfile_writer *w, struct newfile *file,
	const struct memfile_seal *seal, const uint64_t *held);
void memfile_writer_fini(struct memfile_writer *w);

/*
 * In ascending order.  A chunk that is left out is zeros; of a diff it may be if it
 * holds nothing there.  `sum`: if known, or NULL.
 */
int memfile_writer_put(struct memfile_writer *w,
	const struct memfile_chunk *chunk, const uint64_t *sum);

/* The trailer; then everything is synced. */
int memfile_writer_end(struct memfile_writer *w);

#endif
