/* SPDX-License-Identifier: Apache-2.0 */
/* memfile_write.c - write memory files: what is not zeros, in few large writes */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/crc.h"
#include "vmm/base/err.h"
#include "vmm/memfile_parts.h"

static int no_memory(const struct newfile *file)
{
	return err_set(-ENOMEM,
		"%s%s: not written: no memory for the list of "
		"its pages",
		file->label, file->path);
}

int memfile_writer_init(struct memfile_writer *w, struct newfile *file,
	const struct memfile_seal *seal, const uint64_t *held)
{
	enum memfile_kind kind = (enum memfile_kind)seal->kind;

	*w = (struct memfile_writer){
		.file = file,
		.seal = *seal,
		.held = held,
	};
	w->sum = calloc(memfile_chunks(seal->ram_bytes), sizeof(*w->sum));
	if (!w->sum)
		return no_memory(file);
	return newfile_truncate(file, memfile_bytes(seal->ram_bytes, kind));
}

void memfile_writer_fini(struct memfile_writer *w)
{
	free(w->sum);
}

static bool goes_on(const struct iovec *piece, const uint8_t *page)
{
	return (uint8_t *)piece->iov_base + piece->iov_len == page;
}

/* The pages from `first` to the next zeros, as few pieces; returns where it ends. */
static unsigned gather_run(const struct memfile_chunk *chunk, unsigned first,
	struct iovec iov[MEMFILE_CHUNK_PAGES], unsigned *ret_count)
{
	unsigned count = 0, i = first;

	for (; i < chunk->count && chunk->page[i]; i++) {
		if (count && goes_on(&iov[count - 1], chunk->page[i]))
			iov[count - 1].iov_len += MEM_PAGE_SIZE;
		else
			iov[count++] = (struct iovec){
				.iov_base = (void *)chunk->page[i],
				.iov_len = MEM_PAGE_SIZE,
			};
	}
	*ret_count = count;
	return i;
}

int memfile_writer_put(struct memfile_writer *w,
	const struct memfile_chunk *chunk, const uint64_t *sum)
{
	uint64_t at = chunk->index * MEMFILE_CHUNK_BYTES;
	struct iovec iov[MEMFILE_CHUNK_PAGES];
	unsigned i = 0;

	w->sum[chunk->index] = sum ? *sum : memfile_chunk_sum(chunk);
	while (i < chunk->count) {
		struct iov_list list = { .iov = iov };
		unsigned end;
		int rc;

		if (!chunk->page[i]) {
			i++;
			continue;
		}
		end = gather_run(chunk, i, iov, &list.count);
		rc = newfile_write(w->file, list, at + i * MEM_PAGE_SIZE);
		if (rc)
			return rc;
		w->stats.written_bytes += (end - i) * MEM_PAGE_SIZE;
		i = end;
	}
	return 0;
}

/* ---- the trailer ---- */

static int put(struct memfile_writer *w, void *data, size_t len, uint64_t *at)
{
	struct iovec iov = { .iov_base = data, .iov_len = len };
	int rc = len ? newfile_write(w->file, (struct iov_list){ &iov, 1 }, *at)
		     : 0;

	*at += len;
	return rc;
}

static void close_seal(struct memfile_seal *seal, uint64_t crc)
{
	memcpy(seal->magic, MEMFILE_MAGIC, sizeof(seal->magic));
	seal->version = htole32(MEMFILE_VERSION);
	seal->kind = htole32(seal->kind);
	seal->ram_bytes = htole64(seal->ram_bytes);
	crc = crc64(crc, seal, offsetof(struct memfile_seal, crc));
	seal->crc = htole64(crc);
}

int memfile_writer_end(struct memfile_writer *w)
{
	uint64_t at = w->seal.ram_bytes;
	uint64_t sums = memfile_chunks(at);
	uint64_t words = memfile_words(at, (enum memfile_kind)w->seal.kind);
	size_t held_bytes = words * sizeof(uint64_t);
	CLEANUP_FREE uint64_t *held = malloc(held_bytes + 1);
	uint64_t crc;
	int rc;

	if (!held)
		return no_memory(w->file);
	if (words)
		memcpy(held, w->held, held_bytes);
	memfile_swap(held, words);
	memfile_swap(w->sum, sums);
	crc = crc64(0, w->sum, sums * sizeof(*w->sum));
	close_seal(&w->seal, crc64(crc, held, held_bytes));
	rc = put(w, w->sum, sums * sizeof(*w->sum), &at);
	if (!rc)
		rc = put(w, held, held_bytes, &at);
	if (!rc)
		rc = put(w, &w->seal, sizeof(w->seal), &at);
	return rc ? rc : newfile_sync(w->file);
}
