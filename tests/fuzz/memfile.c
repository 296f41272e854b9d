/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfile.c - trailers of memory files; the input is what lies behind the pages
 *
 * Its first two bytes say how many pages those are.  Each is tried as it is and once
 * more with its checksum made good, so that what the checksum keeps out is reached
 * too: sizes, kinds, and the bits of a diff.
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/crc.h"
#include "vmm/memfile_parts.h"

#define PAGES_MAX 4096

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* What was accepted must be readable to its last page, as full or as a diff. */
static void read_all(const struct memfile *file)
{
	static uint8_t room[MEMFILE_CHUNK_BYTES];
	struct memfile_chunk chunk;

	must(file->ram_bytes && file->ram_bytes % MEM_PAGE_SIZE == 0);
	must((file->kind == MEMFILE_DIFF) == (file->held != NULL));
	for (uint64_t i = 0; i < memfile_chunks(file->ram_bytes); i++) {
		must(!memfile_read_chunk(file, i, room, &chunk));
		must(chunk.count <= MEMFILE_CHUNK_PAGES);
	}
	(void)memfile_verify(file);
}

/* Alone, and as a diff on zeros. */
static void try_merge(const struct memfile *file)
{
	CLEANUP(newfile_fini) struct newfile out = NEWFILE_INIT;
	struct memfile base = *file;
	int zeros = memfd_create("zeros", MFD_CLOEXEC);

	out.label = "";
	out.path = "-";
	out.fd = memfd_create("out", MFD_CLOEXEC);
	must(out.fd >= 0);
	(void)memfile_merge(&out, file, NULL, 0);
	base.kind = MEMFILE_FULL;
	base.held = NULL;
	base.id = file->base;
	base.fd = zeros;
	base.sum = calloc(memfile_chunks(file->ram_bytes), sizeof(*base.sum));
	must(base.sum && !ftruncate(zeros, (off_t)file->ram_bytes));
	(void)memfile_merge(&out, &base, file, 1);
	free(base.sum);
	close(zeros);
}

static void try_file(unsigned pages, const uint8_t *trailer, size_t len)
{
	static const uint8_t page[MEM_PAGE_SIZE] = { 1 };
	uint64_t bytes = pages * MEM_PAGE_SIZE;
	struct memfile file;
	char path[32];
	int fd = memfd_create("in", MFD_CLOEXEC);

	must(fd >= 0);
	must(pwrite(fd, page, sizeof(page), 0) == sizeof(page));
	must(!ftruncate(fd, (off_t)bytes));
	must(pwrite(fd, trailer, len, (off_t)bytes) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!memfile_open("", path, &file)) {
		must(file.kind == MEMFILE_DIFF || file.ram_bytes == bytes);
		read_all(&file);
		try_merge(&file);
		memfile_close(&file);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned pages;
	uint8_t *copy;
	uint64_t crc;

	if (len < 2 || len > 64 * KIB)
		return 0;
	pages = (data[0] | data[1] << 8) % (PAGES_MAX + 1);
	data += 2;
	len -= 2;
	try_file(pages, data, len);
	if (len < sizeof(crc))
		return 0;
	copy = malloc(len);
	must(copy != NULL);
	memcpy(copy, data, len);
	crc = crc64(0, copy, len - sizeof(crc));
	memcpy(copy + len - sizeof(crc), &crc, sizeof(crc));
	try_file(pages, copy, len);
	free(copy);
	return 0;
}
