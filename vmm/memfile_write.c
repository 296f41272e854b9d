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

/*
 * At most so much in one write.  Of 2 MiB the page cache makes one piece; where the
 * host is a virtual machine, that is likely memory that it never touched, and the
 * copy into it took 3 to 10 times as long.
 */
#define WRITE_BYTES (512 * KIB)

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
	uint64_t ram = seal->ram_bytes, pages = 0;
	uint64_t chunks = memfile_chunks(ram);

	*w = (struct memfile_writer){
		.file = file,
		.seal = *seal,
		.held = held,
	};
	w->sum = calloc(chunks, sizeof(*w->sum));
	if (!w->sum)
		return no_memory(file);
	for (uint64_t i = 0; held && i < chunks; i++)
		pages += memfile_count_held(held, ram, i);
	w->pages_bytes = held ? pages * MEM_PAGE_SIZE : ram;
	w->stats.held_bytes = w->pages_bytes;
	return newfile_truncate(
		file, w->pages_bytes + memfile_trailer_bytes(ram,
					       (enum memfile_kind)seal->kind));
}

void memfile_writer_fini(struct memfile_writer *w)
{
	free(w->sum);
}

/* Bytes that go into the file one after the other, in as few pieces. */
struct run {
	struct iovec iov[MEMFILE_CHUNK_PAGES];
	unsigned count;
	uint64_t bytes;
};

static void run_add(struct run *run, const uint8_t *page)
{
	struct iovec *last = run->count ? &run->iov[run->count - 1] : NULL;

	if (last && (uint8_t *)last->iov_base + last->iov_len == page)
		last->iov_len += MEM_PAGE_SIZE;
	else
		run->iov[run->count++] = (struct iovec){
			.iov_base = (void *)page,
			.iov_len = MEM_PAGE_SIZE,
		};
	run->bytes += MEM_PAGE_SIZE;
}

/* What is gathered ends where the next page would go. */
static int run_write(struct memfile_writer *w, struct run *run)
{
	struct iov_list list = { run->iov, run->count };
	uint64_t bytes = run->bytes;

	run->count = 0;
	run->bytes = 0;
	w->stats.written_bytes += bytes;
	return newfile_write(w->file, list, w->at - bytes);
}

int memfile_writer_put(struct memfile_writer *w,
	const struct memfile_chunk *chunk, const uint64_t *sum)
{
	uint64_t first = chunk->index * MEMFILE_CHUNK_PAGES;
	struct run run;
	int rc = 0;

	run.count = 0;
	run.bytes = 0;
	w->sum[chunk->index] = sum ? *sum : memfile_chunk_sum(chunk);
	if (!w->held)
		w->at = first * MEM_PAGE_SIZE;
	for (unsigned i = 0; !rc && i < chunk->count; i++) {
		if (w->held && !memfile_holds(w->held, first + i))
			continue;
		if (!chunk->page[i] || run.bytes == WRITE_BYTES)
			rc = run_write(w, &run);
		if (chunk->page[i])
			run_add(&run, chunk->page[i]);
		w->at += MEM_PAGE_SIZE;
	}
	return rc ? rc : run_write(w, &run);
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
	uint64_t ram = w->seal.ram_bytes, at = w->pages_bytes;
	uint64_t sums = memfile_chunks(ram);
	uint64_t words = memfile_words(ram, (enum memfile_kind)w->seal.kind);
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
