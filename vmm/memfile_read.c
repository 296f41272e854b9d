/* SPDX-License-Identifier: Apache-2.0 */
/* memfile_read.c - read memory files by chunks, and compare their sums */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/memfile_parts.h"

int memfile_pread(
	const struct memfile *file, void *to, uint64_t len, uint64_t offset)
{
	uint8_t *at = to;

	while (len) {
		ssize_t n = pread(file->fd, at, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(n ? -errno : -EBADMSG,
				"%s: cannot read: %s", file->name,
				n ? strerror(errno) : "it became shorter");
		at += n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

/* The next run of bytes in [*start, end) that is no hole; false: none is left. */
static bool next_data(
	const struct memfile *file, uint64_t *start, uint64_t *end)
{
	off_t data = lseek(file->fd, (off_t)*start, SEEK_DATA);
	off_t hole;

	if (data < 0 && errno != ENXIO)
		return *start < *end; /* no holes here: all of it */
	if (data < 0 || (uint64_t)data >= *end)
		return false;
	*start = align_down((uint64_t)data, MEM_PAGE_SIZE);
	hole = lseek(file->fd, data, SEEK_HOLE);
	if (hole > 0)
		*end = MIN(*end, align_up((uint64_t)hole, MEM_PAGE_SIZE));
	return true;
}

static void set_pages(struct memfile_chunk *chunk, const uint8_t *room,
	uint64_t first, uint64_t end)
{
	for (uint64_t at = first; at < end; at += MEM_PAGE_SIZE)
		memfile_chunk_set(
			chunk, (unsigned)(at / MEM_PAGE_SIZE), room + at);
}

/* Offsets are from the chunk's start, in RAM, file and room alike. */
static int read_full(
	const struct memfile *file, uint8_t *room, struct memfile_chunk *chunk)
{
	uint64_t base = chunk->index * MEMFILE_CHUNK_BYTES;
	uint64_t limit = base + chunk->count * MEM_PAGE_SIZE;
	uint64_t at = base, end = limit;

	for (; next_data(file, &at, &end); at = end, end = limit) {
		int rc = memfile_pread(file, room + (at - base), end - at, at);

		if (rc)
			return rc;
		set_pages(chunk, room, at - base, end - base);
	}
	return 0;
}

static int read_diff(
	const struct memfile *file, uint8_t *room, struct memfile_chunk *chunk)
{
	uint64_t first = chunk->index * MEMFILE_CHUNK_PAGES;
	unsigned count = memfile_count_held(
		file->held, file->ram_bytes, chunk->index);
	int rc = memfile_pread(
		file, room, count * MEM_PAGE_SIZE, file->start[chunk->index]);

	for (unsigned i = 0; !rc && i < chunk->count; i++)
		if (memfile_holds(file->held, first + i)) {
			memfile_chunk_set(chunk, i, room);
			room += MEM_PAGE_SIZE;
		}
	return rc;
}

int memfile_read_chunk(const struct memfile *file, uint64_t index,
	uint8_t *room, struct memfile_chunk *ret)
{
	memfile_chunk_init(ret, file->ram_bytes, index);
	return file->held ? read_diff(file, room, ret)
			  : read_full(file, room, ret);
}

int memfile_check_chunk(const struct memfile *file, uint64_t index,
	uint8_t *room, struct memfile_chunk *ret)
{
	int rc = memfile_read_chunk(file, index, room, ret);

	if (rc || memfile_chunk_sum(ret) == file->sum[index])
		return rc;
	return err_set(-EBADMSG,
		"%s: damaged: the checksum of RAM from byte %#llx to %#llx "
		"does not match",
		file->name, (unsigned long long)(index * MEMFILE_CHUNK_BYTES),
		(unsigned long long)(index * MEMFILE_CHUNK_BYTES +
				     ret->count * MEM_PAGE_SIZE));
}

int memfile_verify(const struct memfile *file)
{
	CLEANUP_FREE uint8_t *room = malloc(MEMFILE_CHUNK_BYTES);
	struct memfile_chunk chunk;
	int rc = 0;

	if (!room)
		return err_set(-ENOMEM, "%s: no memory to read it", file->name);
	for (uint64_t i = 0; !rc && i < memfile_chunks(file->ram_bytes); i++)
		rc = memfile_check_chunk(file, i, room, &chunk);
	return rc;
}
