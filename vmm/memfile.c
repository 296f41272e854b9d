/* SPDX-License-Identifier: Apache-2.0 */
/* memfile.c - ids, sizes and sums of memory files */
#include "vmm/memfile.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "vmm/base/crc.h"
#include "vmm/base/err.h"
#include "vmm/memfile_parts.h"

static_assert(sizeof(struct memfile_seal) == 64, "the seal has no padding");

/* ---- ids ---- */

int memfile_id_new(struct memfile_id *ret)
{
	struct memfile_id id;
	ssize_t n = getrandom(&id, sizeof(id), 0);

	if (n != (ssize_t)sizeof(id))
		return err_set(n < 0 ? -errno : -EIO,
			"no random bytes for the snapshot's id");
	*ret = id;
	return 0;
}

bool memfile_id_equal(const struct memfile_id *a, const struct memfile_id *b)
{
	return !memcmp(a, b, sizeof(*a));
}

struct memfile_id_text memfile_id_text(const struct memfile_id *id)
{
	struct memfile_id_text text;

	for (unsigned i = 0; i < sizeof(id->byte); i++)
		snprintf(text.s + 2 * i, 3, "%02x", id->byte[i]);
	return text;
}

/* ---- sizes ---- */

static uint64_t divide_up(uint64_t n, uint64_t by)
{
	return n / by + (n % by != 0);
}

uint64_t memfile_chunks(uint64_t ram_bytes)
{
	return divide_up(ram_bytes, MEMFILE_CHUNK_BYTES);
}

uint64_t memfile_words(uint64_t ram_bytes, enum memfile_kind kind)
{
	return kind == MEMFILE_DIFF ? divide_up(ram_bytes, 64 * MEM_PAGE_SIZE)
				    : 0;
}

uint64_t memfile_trailer_bytes(uint64_t ram_bytes, enum memfile_kind kind)
{
	return sizeof(uint64_t) * (memfile_chunks(ram_bytes) +
					  memfile_words(ram_bytes, kind)) +
	       sizeof(struct memfile_seal);
}

unsigned memfile_count_held(
	const uint64_t *held, uint64_t ram_bytes, uint64_t index)
{
	uint64_t first = index * (MEMFILE_CHUNK_PAGES / 64);
	uint64_t end = MIN(first + MEMFILE_CHUNK_PAGES / 64,
		memfile_words(ram_bytes, MEMFILE_DIFF));
	unsigned sum = 0;

	for (uint64_t i = first; i < end; i++)
		sum += (unsigned)__builtin_popcountll(held[i]);
	return sum;
}

void memfile_swap(uint64_t *word, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		word[i] = htole64(word[i]);
}

/* ---- chunks ---- */

void memfile_chunk_init(
	struct memfile_chunk *chunk, uint64_t ram_bytes, uint64_t index)
{
	uint64_t left = ram_bytes - index * MEMFILE_CHUNK_BYTES;

	*chunk = (struct memfile_chunk){
		.index = index,
		.count = (unsigned)(MIN(left, MEMFILE_CHUNK_BYTES) /
				    MEM_PAGE_SIZE),
	};
}

/* A page is all zeros if it begins with one and each byte is like the one before. */
static bool is_zero(const uint8_t *page)
{
	uint64_t first;

	memcpy(&first, page, sizeof(first));
	return !first && !memcmp(page, page + sizeof(first),
				 MEM_PAGE_SIZE - sizeof(first));
}

void memfile_chunk_set(
	struct memfile_chunk *chunk, unsigned i, const uint8_t *bytes)
{
	chunk->page[i] = is_zero(bytes) ? NULL : bytes;
}

uint64_t memfile_chunk_sum(const struct memfile_chunk *chunk)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < chunk->count; i++) {
		uint64_t number = htole64(i);

		if (chunk->page[i])
			sum ^= crc64(crc64(0, &number, sizeof(number)),
				chunk->page[i], MEM_PAGE_SIZE);
	}
	return sum;
}
