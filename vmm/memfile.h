/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfile.h - the memory file of a snapshot
 *
 * A full one is the regions of RAM one after the other, so that it can be mapped as
 * it is, with holes for pages of zeros.  A diff is the pages that it holds, in order
 * and without what lies between: written and read in one go, whatever the guest
 * scattered.  Behind them is a trailer, all little-endian:
 *
 *	uint64_t sum[chunks]   of each MEMFILE_CHUNK_BYTES of RAM, the last may be
 *	                       shorter: of every page that is not all zeros, the
 *	                       CRC-64 over its number in the chunk, as a uint64_t,
 *	                       and its bytes; all of these by exclusive or
 *	uint64_t held[words]   a diff: bit p % 64 of word p / 64 says that it holds
 *	                       page p of RAM; a full one has no such map
 *	the seal               64 bytes: what the file is, and a CRC-64 over the
 *	                       trailer (struct memfile_seal in memfile_parts.h)
 *
 * The sums are over content alone, so that a copy that fills holes in is as good.
 *
 * An id names the content of all RAM at one moment.  A diff and the full file that
 * a merge makes of it carry the same, so that one state file goes with both.
 */
#ifndef MUSTER_VMM_MEMFILE_H
#define MUSTER_VMM_MEMFILE_H

#include "vmm/core/mem.h"
#include "vmm/newfile.h"

#define MEMFILE_CHUNK_BYTES (2 * MIB)
#define MEMFILE_CHUNK_PAGES (MEMFILE_CHUNK_BYTES / MEM_PAGE_SIZE)

enum memfile_kind { MEMFILE_FULL, MEMFILE_DIFF };

struct memfile_id {
	uint8_t byte[16];
};

struct memfile_id_text {
	char s[2 * sizeof(struct memfile_id) + 1];
};

/* A new one, at random.  0 or -errno with a sentence. */
int memfile_id_new(struct memfile_id *ret);
bool memfile_id_equal(const struct memfile_id *a, const struct memfile_id *b);
struct memfile_id_text memfile_id_text(const struct memfile_id *id);

/* ---- reading ---- */

/* An open memory file whose trailer was checked; one without a file has fd -1. */
struct memfile {
	int fd; /* locked against `muster run --console file=…` and its like */
	char name[PATH_MAX]; /* for sentences: label and path */
	enum memfile_kind kind;
	uint64_t ram_bytes;
	struct memfile_id id;
	struct memfile_id base; /* of a diff: what it changes; else zeros */
	uint64_t *sum;
	uint64_t *held;  /* of a diff, else NULL */
	uint64_t *start; /* of a diff: where each chunk's pages begin */
};

#define MEMFILE_INIT      \
	{                 \
		.fd = -1, \
	}

/*
 * Open any memory file.  -errno with a sentence if it is absent, no memory file,
 * cut short, damaged in its trailer, or of a newer format.
 */
int memfile_open(const char *label, const char *path, struct memfile *ret);

/*
 * Open the memory of the snapshot whose state names `id` and so much RAM: a full
 * file.  A PATH that is of another snapshot, when PATH.new is the right one, means
 * that the snapshot's last rename was cut off: PATH.new it is then.
 */
int memfile_open_full(const char *label, const char *path,
	const struct memfile_id *id, uint64_t ram_bytes, struct memfile *ret);

/*
 * Before a snapshot replaces the files of another, whose state names `id`: finish
 * that one's last rename if it was cut off, or its only memory would be lost as a
 * stale PATH.new.  0 also when there is nothing to do.
 */
int memfile_settle(
	const char *label, const char *path, const struct memfile_id *id);

/*
 * Before PATH.new is written: 0 unless it is a whole memory file already, which a
 * state by another name may need, for the same reason.  -EEXIST then, with a sentence;
 * but `own`, if not NULL, names one that the caller knows to be of no use.
 */
int memfile_check_rest(
	const char *label, const char *path, const struct memfile_id *own);

/*
 * 0 if a new memory file may take this name: nothing is there, or an empty file, or
 * another memory file.  A disk image that is named by mistake must not be lost.
 */
int memfile_may_replace(const char *label, const char *path);

void memfile_close(struct memfile *file);

/* Read everything and compare the sums: -EBADMSG names the first damaged chunk. */
int memfile_verify(const struct memfile *file);

/* ---- writing ---- */

struct memfile_plan {
	enum memfile_kind kind;
	struct memfile_id id;
	struct memfile_id base; /* DIFF: the snapshot before */
	/* What `mem` was mapped from (mem_init_from_file), else NULL. */
	const struct memfile *source;
};

struct memfile_stats {
	uint64_t held_bytes;    /* pages that the file says something about */
	uint64_t written_bytes; /* those that are not zeros */
};

/*
 * Write `mem` into a new file and sync it; newfile_commit() is the caller's.  The
 * machine is held: no vCPU runs and no device has a request in flight.  A diff holds
 * the pages of the dirty log (mem_dirty.h), which was collected.
 *
 * The order of a snapshot that survives a kill anywhere:
 *
 *	M.new emptied, state file F.new written and synced, memfile_write(M),
 *	newfile_commit(F) - from here the new snapshot counts -
 *	newfile_commit(M); or newfile_keep(M) if that fails, or F gave 1
 */
int memfile_write(struct newfile *file, const struct mem *mem,
	const struct memfile_plan *plan, struct memfile_stats *ret);

/*
 * Write the full memory that `base` becomes with `diffs` applied in order; it has
 * the last one's id.  -EINVAL names the two files that do not follow one another.
 */
int memfile_merge(struct newfile *file, const struct memfile *base,
	const struct memfile *diffs, unsigned count);

#endif
