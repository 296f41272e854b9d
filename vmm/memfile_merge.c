/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfile_merge.c - a full memory file and the diffs on it into another full one
 *
 * Chunks that no diff changes keep their sums as they are; the others are compared
 * with theirs before they are summed anew.  So damage is never given a good sum.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/memfile_parts.h"

/* ---- do they belong together? ---- */

static int check_step(const struct memfile *before, const struct memfile *diff)
{
	if (diff->kind != MEMFILE_DIFF)
		return err_set(-EINVAL,
			"%s: is no diff, so that nothing can come before it; "
			"give one full file, the first, and then its diffs",
			diff->name);
	if (!memfile_id_equal(&diff->base, &before->id))
		return err_set(-EINVAL,
			"%s: changes snapshot %s, but %s before it is %s; "
			"give every diff, in the order in which they were "
			"taken",
			diff->name, memfile_id_text(&diff->base).s,
			before->name, memfile_id_text(&before->id).s);
	if (diff->ram_bytes != before->ram_bytes)
		return err_set(-EINVAL,
			"%s and %s: of %llu and %llu MiB of RAM", before->name,
			diff->name,
			(unsigned long long)(before->ram_bytes / MIB),
			(unsigned long long)(diff->ram_bytes / MIB));
	return 0;
}

static int check_chain(
	const struct memfile *base, const struct memfile *diffs, unsigned count)
{
	int rc = 0;

	if (base->kind != MEMFILE_FULL)
		return err_set(-EINVAL,
			"%s: is a diff; begin with the full file that it "
			"changes",
			base->name);
	for (unsigned i = 0; !rc && i < count; i++)
		rc = check_step(i ? &diffs[i - 1] : base, &diffs[i]);
	return rc;
}

/* ---- chunks ---- */

struct merge {
	const struct memfile *base;
	const struct memfile *diffs;
	unsigned count;
	struct memfile_writer writer;
	uint8_t *room; /* the chunk that comes out */
	uint8_t *over; /* a diff's */
};

static bool holds_any(const struct memfile *diff, uint64_t index)
{
	return memfile_count_held(diff->held, diff->ram_bytes, index);
}

static bool is_changed(const struct merge *m, uint64_t index)
{
	for (unsigned i = 0; i < m->count; i++)
		if (holds_any(&m->diffs[i], index))
			return true;
	return false;
}

static int apply(struct merge *m, const struct memfile *diff,
	struct memfile_chunk *chunk)
{
	struct memfile_chunk over;
	int rc = memfile_check_chunk(diff, chunk->index, m->over, &over);

	for (unsigned i = 0; !rc && i < chunk->count; i++) {
		uint64_t page = chunk->index * MEMFILE_CHUNK_PAGES + i;
		uint8_t *to = m->room + i * MEM_PAGE_SIZE;

		if (!memfile_holds(diff->held, page))
			continue;
		if (over.page[i])
			memcpy(to, over.page[i], MEM_PAGE_SIZE);
		chunk->page[i] = over.page[i] ? to : NULL;
	}
	return rc;
}

static int put_chunk(struct merge *m, uint64_t index)
{
	struct memfile_chunk chunk;
	int rc;

	if (!is_changed(m, index)) {
		rc = memfile_read_chunk(m->base, index, m->room, &chunk);
		return rc ? rc
			  : memfile_writer_put(
				    &m->writer, &chunk, &m->base->sum[index]);
	}
	rc = memfile_check_chunk(m->base, index, m->room, &chunk);
	for (unsigned i = 0; !rc && i < m->count; i++)
		if (holds_any(&m->diffs[i], index))
			rc = apply(m, &m->diffs[i], &chunk);
	return rc ? rc : memfile_writer_put(&m->writer, &chunk, NULL);
}

static int run(struct merge *m, struct newfile *file)
{
	const struct memfile *last = m->count ? &m->diffs[m->count - 1]
					      : m->base;
	const struct memfile_seal seal = {
		.kind = MEMFILE_FULL,
		.ram_bytes = m->base->ram_bytes,
		.id = last->id,
	};
	int rc = memfile_writer_init(&m->writer, file, &seal, NULL);

	for (uint64_t i = 0; !rc && i < memfile_chunks(seal.ram_bytes); i++)
		rc = put_chunk(m, i);
	return rc ? rc : memfile_writer_end(&m->writer);
}

int memfile_merge(struct newfile *file, const struct memfile *base,
	const struct memfile *diffs, unsigned count)
{
	CLEANUP_FREE uint8_t *room = malloc(2 * MEMFILE_CHUNK_BYTES);
	struct merge m = {
		.base = base,
		.diffs = diffs,
		.count = count,
		.room = room,
	};
	int rc = check_chain(base, diffs, count);

	if (rc)
		return rc;
	if (!room)
		return err_set(-ENOMEM, "no memory to merge memory");
	m.over = room + MEMFILE_CHUNK_BYTES;
	rc = run(&m, file);
	memfile_writer_fini(&m.writer);
	return rc;
}
