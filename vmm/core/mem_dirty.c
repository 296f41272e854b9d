/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem_dirty.c - which pages changed since the last snapshot
 *
 * KVM's log knows what vCPUs write, and what KVM itself writes for them; it does not
 * know what this process and its I/O write through their own map.  Both are needed.
 */
#include "vmm/core/mem_dirty.h"

#include <assert.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/err.h"
#include "vmm/core/kvm.h"
#include "vmm/core/mem_pages.h"

#define WORD_PAGES 64u

/* So that each region's bits begin with a word, as KVM writes them. */
static_assert(MEM_GAP_START % (WORD_PAGES * MEM_PAGE_SIZE) == 0,
	"a region that ends within a word");

struct mem_dirty {
	uint64_t words;
	uint64_t *log; /* KVM's, of one region at a time */
	uint64_t bits[];
};

static uint64_t words_of(uint64_t size_bytes)
{
	uint64_t word_bytes = WORD_PAGES * MEM_PAGE_SIZE;

	return size_bytes / word_bytes + (size_bytes % word_bytes != 0);
}

/* The device threads mark too, while they run: only whole operations on words. */
static void set_pages(struct mem_dirty *dirty, uint64_t first, uint64_t last)
{
	for (uint64_t page = first; page <= last; page++) {
		uint64_t *word = &dirty->bits[page / WORD_PAGES];
		uint64_t bit = BIT64(page % WORD_PAGES);

		if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit))
			__atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
	}
}

void mem_dirty_mark(const struct mem *mem, const void *hva, uint64_t len)
{
	uint64_t before = 0;

	for (unsigned i = 0; len && i < mem->count; i++) {
		const struct mem_region *region = &mem->region[i];
		/* Below the region's start this wraps to a large number. */
		uint64_t offset = (uintptr_t)hva - (uintptr_t)region->hva;

		if (offset < region->size_bytes) {
			uint64_t end = MIN(
				region->size_bytes - 1, offset + len - 1);

			set_pages(mem->dirty, (before + offset) / MEM_PAGE_SIZE,
				(before + end) / MEM_PAGE_SIZE);
			return;
		}
		before += region->size_bytes;
	}
}

/* ---- start and stop ---- */

static struct mem_dirty *new_log(const struct mem *mem)
{
	uint64_t words = words_of(mem->size_bytes);
	struct mem_dirty *dirty = calloc(
		1, sizeof(*dirty) + words * sizeof(dirty->bits[0]));

	if (!dirty)
		return NULL;
	dirty->words = words;
	dirty->log = calloc(words, sizeof(dirty->log[0]));
	if (dirty->log)
		return dirty;
	free(dirty);
	return NULL;
}

/* What was written to a restored machine before anybody kept a log. */
static void seed(struct mem *mem)
{
	bool written[MEM_PAGES_BATCH];
	struct mem_pages pages;
	uint64_t left;
	unsigned count;

	mem_pages_init(&pages);
	for (uint64_t at = 0; at < mem->size_bytes;
		at += count * MEM_PAGE_SIZE) {
		const uint8_t *hva = mem_at(mem, at, &left);

		count = (unsigned)MIN(left / MEM_PAGE_SIZE, MEM_PAGES_BATCH);
		mem_pages_written(&pages, mem, hva, count, written);
		for (unsigned i = 0; i < count; i++)
			if (written[i])
				set_pages(mem->dirty, at / MEM_PAGE_SIZE + i,
					at / MEM_PAGE_SIZE + i);
	}
	mem_pages_fini(&pages);
}

int mem_dirty_start(struct mem *mem, int vm_fd)
{
	struct mem_dirty *dirty;
	int rc;

	if (mem->dirty)
		return 0;
	dirty = new_log(mem);
	if (!dirty)
		return err_set(-ENOMEM, "no memory for the log of changes");
	rc = mem_log(mem, vm_fd, true);
	if (rc) {
		(void)mem_log(mem, vm_fd, false);
		free(dirty->log);
		free(dirty);
		return rc;
	}
	mem->dirty = dirty;
	/* Nothing is ever compared with the zeros that a machine boots on. */
	if (mem->backing != MEM_ZERO)
		seed(mem);
	return 0;
}

void mem_dirty_stop(struct mem *mem)
{
	if (!mem->dirty)
		return;
	free(mem->dirty->log);
	free(mem->dirty);
	mem->dirty = NULL;
}

/* ---- what changed ---- */

static int collect_region(struct mem *mem, unsigned index, int vm_fd,
	uint64_t first_page, uint64_t *bits)
{
	uint64_t size = mem->region[index].size_bytes;
	struct kvm_dirty_log log = {
		.slot = index,
		.dirty_bitmap = mem->dirty->log,
	};
	int rc = kvm_ioctl(vm_fd, KVM_GET_DIRTY_LOG, &log);

	/* KVM may have forgotten what it did not tell. */
	if (rc < 0) {
		set_pages(mem->dirty, first_page,
			first_page + size / MEM_PAGE_SIZE - 1);
		return err_set(rc, "KVM_GET_DIRTY_LOG of slot %u: %s", index,
			strerror(-rc));
	}
	for (uint64_t i = 0; i < words_of(size); i++)
		bits[i] |= mem->dirty->log[i];
	return 0;
}

int mem_dirty_collect(struct mem *mem, int vm_fd)
{
	uint64_t *bits = mem->dirty->bits;
	uint64_t page = 0;

	for (unsigned i = 0; i < mem->count; i++) {
		uint64_t size = mem->region[i].size_bytes;
		int rc = collect_region(mem, i, vm_fd, page, bits);

		if (rc)
			return rc;
		page += size / MEM_PAGE_SIZE;
		bits += words_of(size);
	}
	return 0;
}

void mem_dirty_clear(struct mem *mem)
{
	memset(mem->dirty->bits, 0,
		mem->dirty->words * sizeof(mem->dirty->bits[0]));
}

const uint64_t *mem_dirty_bits(const struct mem *mem)
{
	return mem->dirty ? mem->dirty->bits : NULL;
}

uint64_t mem_dirty_pages(const struct mem *mem)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; mem->dirty && i < mem->dirty->words; i++)
		sum += (unsigned)__builtin_popcountll(mem->dirty->bits[i]);
	return sum;
}
