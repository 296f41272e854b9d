/* SPDX-License-Identifier: Apache-2.0 */
/* memkit.c - guest memory with known bytes, and its memory files */
#include "tests/unit/memkit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/err.h"
#include "vmm/core/kvm.h"
#include "vmm/core/mem_dirty.h"
#include "vmm/core/mem_pages.h"

char kit_folder[32];

struct kit_path kit_path(const char *name)
{
	struct kit_path path;

	snprintf(path.s, sizeof(path.s), "%s/%s", kit_folder, name);
	return path;
}

int kit_setup(void **state)
{
	(void)state;
	strcpy(kit_folder, "/tmp/muster-unit-XXXXXX");
	assert_non_null(mkdtemp(kit_folder));
	return 0;
}

int kit_teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", kit_folder);
	return system(command);
}

/* ---- content ---- */

static uint64_t mix(uint64_t n)
{
	n = (n ^ (n >> 31)) * 0x9e3779b97f4a7c15ull;
	return n ^ (n >> 29);
}

static uint64_t word_of(uint64_t page, unsigned seed, unsigned i)
{
	return mix(page * 512 + i + mix(seed)) | 1;
}

static uint64_t *words(const struct mem *mem, uint64_t page)
{
	uint64_t left;

	return (uint64_t *)(void *)mem_at(mem, page * MEM_PAGE_SIZE, &left);
}

void kit_fill(const struct mem *mem, uint64_t page, unsigned seed)
{
	for (unsigned i = 0; i < MEM_PAGE_SIZE / sizeof(uint64_t); i++)
		words(mem, page)[i] = word_of(page, seed, i);
	mem_wrote(mem, words(mem, page), MEM_PAGE_SIZE);
}

void kit_clear(const struct mem *mem, uint64_t page)
{
	memset(words(mem, page), 0, MEM_PAGE_SIZE);
	mem_wrote(mem, words(mem, page), MEM_PAGE_SIZE);
}

bool kit_holds(const struct mem *mem, uint64_t page, unsigned seed)
{
	for (unsigned i = 0; i < MEM_PAGE_SIZE / sizeof(uint64_t); i++)
		if (words(mem, page)[i] != word_of(page, seed, i))
			return false;
	return true;
}

void kit_pages(uint64_t ram_bytes, unsigned seed, uint64_t ret[KIT_PAGES])
{
	uint64_t pages = ram_bytes / MEM_PAGE_SIZE;
	uint64_t gap = MEM_GAP_START / MEM_PAGE_SIZE;
	const uint64_t edges[] = { 0, 1, 63, 64, 511, 512, 513, pages - 1,
		pages - 2, gap - 1, gap, gap + 1 };

	for (unsigned i = 0; i < KIT_PAGES; i++)
		ret[i] = i < ARRAY_SIZE(edges)
				 ? edges[i] % pages
				 : mix(seed * 1000ull + i) % pages;
}

void kit_fill_pages(const struct mem *mem, unsigned seed)
{
	uint64_t page[KIT_PAGES];

	kit_pages(mem->size_bytes, seed, page);
	for (unsigned i = 0; i < KIT_PAGES; i++)
		kit_fill(mem, page[i], seed);
}

static void compare_batch(const struct mem *a, const struct mem *b,
	const struct mem_pages *pages, uint64_t at, unsigned count)
{
	bool in_a[MEM_PAGES_BATCH], in_b[MEM_PAGES_BATCH];
	uint64_t left;
	const uint8_t *pa = mem_at(a, at, &left), *pb = mem_at(b, at, &left);

	mem_pages_written(pages, a, pa, count, in_a);
	mem_pages_written(pages, b, pb, count, in_b);
	for (unsigned i = 0; i < count; i++)
		if (((in_a[i] && a->backing != MEM_HANDLER) ||
			    (in_b[i] && b->backing != MEM_HANDLER)) &&
			memcmp(pa + i * MEM_PAGE_SIZE, pb + i * MEM_PAGE_SIZE,
				MEM_PAGE_SIZE))
			fail_msg("page %llu differs",
				(unsigned long long)(at / MEM_PAGE_SIZE + i));
}

/* The page, or zeros where looking would only make the host give a huge page. */
static const void *look(
	const struct mem *mem, const struct mem_pages *pages, uint64_t page)
{
	static const uint8_t zeros[MEM_PAGE_SIZE];
	const void *bytes = words(mem, page);
	bool written;

	mem_pages_written(pages, mem, bytes, 1, &written);
	return written || mem->backing != MEM_ZERO ? bytes : zeros;
}

/* Not yet faulted in, but perhaps in a file: where the kit ever writes. */
static void compare_known(
	const struct mem *a, const struct mem *b, const struct mem_pages *pages)
{
	uint64_t page[KIT_PAGES];

	for (unsigned seed = 0; seed < KIT_SEEDS; seed++) {
		kit_pages(a->size_bytes, seed, page);
		for (unsigned i = 0; i < KIT_PAGES; i++)
			if (memcmp(look(a, pages, page[i]),
				    look(b, pages, page[i]), MEM_PAGE_SIZE))
				fail_msg("page %llu differs",
					(unsigned long long)page[i]);
	}
}

void kit_same(const struct mem *a, const struct mem *b)
{
	struct mem_pages pages;
	uint64_t left;
	unsigned count;

	assert_int_equal(a->size_bytes, b->size_bytes);
	mem_pages_init(&pages);
	for (uint64_t at = 0; at < a->size_bytes; at += count * MEM_PAGE_SIZE) {
		(void)mem_at(a, at, &left);
		count = (unsigned)MIN(left / MEM_PAGE_SIZE, MEM_PAGES_BATCH);
		compare_batch(a, b, &pages, at, count);
	}
	compare_known(a, b, &pages);
	mem_pages_fini(&pages);
}

/* ---- files ---- */

struct memfile_id kit_id(unsigned id)
{
	struct memfile_id ret = { { 0 } };

	memcpy(ret.byte, &id, sizeof(id));
	return ret;
}

struct memfile_stats kit_save(const char *name, const struct mem *mem,
	const struct memfile *source, unsigned id, const unsigned *base)
{
	struct memfile_plan plan = {
		.kind = base ? MEMFILE_DIFF : MEMFILE_FULL,
		.id = kit_id(id),
		.source = source,
	};
	struct kit_path path = kit_path(name);
	struct newfile file = NEWFILE_INIT;
	struct memfile_stats stats = { 0 };

	if (base)
		plan.base = kit_id(*base);
	if (newfile_create(&file, "--memory ", path.s) ||
		memfile_write(&file, mem, &plan, &stats) ||
		newfile_commit(&file))
		fail_msg("%s", err_text());
	newfile_fini(&file);
	return stats;
}

int kit_track(struct mem *mem)
{
	int kvm_fd, fd;

	if (kvm_open(KVM_DEVICE, &kvm_fd))
		return -1;
	assert_int_equal(kvm_create_vm(kvm_fd, &fd), 0);
	close(kvm_fd);
	assert_int_equal(mem_map(mem, fd), 0);
	assert_int_equal(mem_dirty_start(mem, fd), 0);
	mem_dirty_clear(mem);
	return fd;
}

void kit_load(
	const char *name, unsigned id, struct memfile *file, struct mem *mem)
{
	struct memfile_id want = kit_id(id);
	struct memfile any;

	if (memfile_open("--memory ", kit_path(name).s, &any))
		fail_msg("%s", err_text());
	if (memfile_open_full("--memory ", kit_path(name).s, &want,
		    any.ram_bytes, file) ||
		mem_init_from_file(mem, file->ram_bytes, file->fd))
		fail_msg("%s", err_text());
	memfile_close(&any);
}

uint64_t kit_room(const char *name)
{
	struct stat st;

	assert_int_equal(stat(kit_path(name).s, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

void kit_says(const char *first, ...)
{
	va_list ap;

	va_start(ap, first);
	for (const char *s = first; s; s = va_arg(ap, const char *))
		if (!strstr(err_text(), s))
			fail_msg("\"%s\" does not say \"%s\"", err_text(), s);
	va_end(ap);
}
