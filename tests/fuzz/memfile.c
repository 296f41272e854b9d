/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfile.c - trailers of memory files; the input is what lies behind 8 MiB of RAM
 *
 * Each is tried as it is and once more with its checksum made good, so that what
 * the checksum keeps out is reached too: sizes, kinds, and the bits of a diff.
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

#define RAM (8 * MIB)

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

/* Alone, and as a diff on the same bytes taken for a full file. */
static void try_merge(const struct memfile *file)
{
	CLEANUP(newfile_fini) struct newfile out = NEWFILE_INIT;
	struct memfile base = *file;

	out.label = "";
	out.path = "-";
	out.fd = memfd_create("out", MFD_CLOEXEC);
	must(out.fd >= 0);
	(void)memfile_merge(&out, file, NULL, 0);
	base.kind = MEMFILE_FULL;
	base.held = NULL;
	base.id = file->base;
	(void)memfile_merge(&out, &base, file, 1);
}

static void try_file(const uint8_t *data, size_t len)
{
	static const uint8_t page[MEM_PAGE_SIZE] = { 1 };
	struct memfile file;
	char path[32];
	int fd = memfd_create("in", MFD_CLOEXEC);

	must(fd >= 0);
	must(pwrite(fd, page, sizeof(page), 3 * MIB) == sizeof(page));
	must(!ftruncate(fd, RAM));
	must(pwrite(fd, data, len, RAM) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!memfile_open("", path, &file)) {
		must(file.ram_bytes == RAM);
		read_all(&file);
		try_merge(&file);
		memfile_close(&file);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *copy;
	uint64_t crc;

	if (len > 64 * KIB)
		return 0;
	try_file(data, len);
	if (len < sizeof(crc))
		return 0;
	copy = malloc(len);
	must(copy != NULL);
	memcpy(copy, data, len);
	crc = crc64(0, copy, len - sizeof(crc));
	memcpy(copy + len - sizeof(crc), &crc, sizeof(crc));
	try_file(copy, len);
	free(copy);
	return 0;
}
