/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfile_save.c - write the memory of a held machine into a memory file
 *
 * A chunk at a time: find where each page's bytes are, and let the writer sum and
 * write them.  Memory that was never written is not touched for that, and what a
 * restored machine still shares with its file is read there, not faulted in.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/mem_dirty.h"
#include "vmm/core/mem_pages.h"
#include "vmm/memfile_parts.h"

static_assert(
	MEMFILE_CHUNK_PAGES == MEM_PAGES_BATCH, "a chunk is asked for at once");

struct save {
	const struct mem *mem;
	const struct memfile *source;
	const uint64_t *dirty; /* a diff: the pages to hold */
	struct mem_pages pages;
	struct memfile_writer writer;
	uint8_t *room; /* a chunk of the source's */
};

static unsigned count_written(const bool *written, unsigned count)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += written[i];
	return sum;
}

/*
 * Over the chunk of the file, or over zeros, what was written since.  With nothing
 * written the source's sum stays true, and so does what it says of damage.
 */
static int put_full(struct save *s, uint64_t index)
{
	bool written[MEM_PAGES_BATCH];
	struct memfile_chunk chunk;
	const uint64_t *sum = NULL;
	uint64_t left;
	const uint8_t *hva = mem_at(s->mem, index * MEMFILE_CHUNK_BYTES, &left);
	unsigned changed;

	memfile_chunk_init(&chunk, s->mem->size_bytes, index);
	mem_pages_written(&s->pages, s->mem, hva, chunk.count, written);
	changed = count_written(written, chunk.count);
	if (s->source && changed < chunk.count) {
		int rc = memfile_read_chunk(s->source, index, s->room, &chunk);

		if (rc)
			return rc;
		sum = changed ? NULL : &s->source->sum[index];
	}
	for (unsigned i = 0; changed && i < chunk.count; i++)
		if (written[i])
			memfile_chunk_set(&chunk, i, hva + i * MEM_PAGE_SIZE);
	return memfile_writer_put(&s->writer, &chunk, sum);
}

static int put_diff(struct save *s, uint64_t index)
{
	uint64_t page = index * MEMFILE_CHUNK_PAGES, left;
	struct memfile_chunk chunk;
	const uint8_t *hva = mem_at(s->mem, page * MEM_PAGE_SIZE, &left);

	if (!memfile_count_held(s->dirty, s->mem->size_bytes, index))
		return 0;
	memfile_chunk_init(&chunk, s->mem->size_bytes, index);
	for (unsigned i = 0; i < chunk.count; i++)
		if (memfile_holds(s->dirty, page + i))
			memfile_chunk_set(&chunk, i, hva + i * MEM_PAGE_SIZE);
	return memfile_writer_put(&s->writer, &chunk, NULL);
}

static int put_chunks(struct save *s)
{
	int (*put)(struct save * s, uint64_t index) = s->dirty ? put_diff
							       : put_full;
	int rc = 0;

	for (uint64_t i = 0; !rc && i < memfile_chunks(s->mem->size_bytes); i++)
		rc = put(s, i);
	return rc;
}

static int run(
	struct save *s, struct newfile *file, const struct memfile_plan *plan)
{
	const struct memfile_seal seal = {
		.kind = plan->kind,
		.ram_bytes = s->mem->size_bytes,
		.id = plan->id,
		.base = plan->base,
	};
	int rc = memfile_writer_init(&s->writer, file, &seal, s->dirty);

	if (!rc && s->source) {
		s->room = malloc(MEMFILE_CHUNK_BYTES);
		rc = s->room ? 0 : err_set(-ENOMEM, "no memory to copy memory");
	}
	if (!rc)
		rc = put_chunks(s);
	return rc ? rc : memfile_writer_end(&s->writer);
}

int memfile_write(struct newfile *file, const struct mem *mem,
	const struct memfile_plan *plan, struct memfile_stats *ret)
{
	struct save s = {
		.mem = mem,
		.source = plan->source,
	};
	int rc;

	assert((mem->backing == MEM_FILE) == (plan->source != NULL));
	if (plan->kind == MEMFILE_DIFF) {
		s.dirty = mem_dirty_bits(mem);
		if (!s.dirty)
			return err_set(-EINVAL,
				"%s%s: no log of changes was kept; take a full "
				"snapshot first",
				file->label, file->path);
	}
	mem_pages_init(&s.pages);
	rc = run(&s, file, plan);
	if (!rc)
		*ret = s.writer.stats;
	memfile_writer_fini(&s.writer);
	mem_pages_fini(&s.pages);
	free(s.room);
	return rc;
}
