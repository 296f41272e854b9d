/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.h - guest memory: regions, guest-physical addresses, checked access
 *
 * A gpa_t cannot be dereferenced, added to or cast by accident, and mem_ptr() is
 * the only translation: it needs a length, and what it returns lies in one
 * region.  The guest may change the bytes at any time: read them once.
 *
 * The region list is fixed before the first vCPU runs; after that every
 * function here may be called from any thread.
 */
#ifndef MUSTER_CORE_MEM_H
#define MUSTER_CORE_MEM_H

#include "vmm/base/util.h"

/* RAM leaves this hole for memory-mapped devices; what does not fit goes on above. */
#define MEM_GAP_START   (3 * GIB)
#define MEM_GAP_END     (4 * GIB)

#define MEM_REGIONS_MAX 2
#define MEM_PAGE_SIZE   4096ull
/* The most that muster gives a VM: 46 bits, what Linux guests map. */
#define MEM_BYTES_MAX   (64 * 1024 * GIB)

typedef struct {
	uint64_t v;
} gpa_t;

#define GPA(x) ((gpa_t){ (x) })

static inline gpa_t gpa_add(gpa_t gpa, uint64_t offset)
{
	return GPA(gpa.v + offset);
}

/* What the host makes zeroed memory of. */
enum mem_page_kind {
	MEM_PAGES_NONE,        /* whatever it does unasked */
	MEM_PAGES_TRANSPARENT, /* huge pages where it has some */
	MEM_PAGES_2M,          /* huge pages that were reserved for this */
};

#define MEM_HUGE_PAGE_SIZE (2 * MIB)

/* What a page holds that was never written. */
enum mem_backing {
	MEM_ZERO,    /* zeros */
	MEM_FILE,    /* the bytes of a file */
	MEM_HANDLER, /* what an external process gives when it is first read */
};

struct mem_dirty;

struct mem_region {
	gpa_t gpa;
	uint64_t size_bytes;
	uint8_t *hva;
};

struct mem {
	uint64_t size_bytes; /* the sum over the regions */
	enum mem_backing backing;
	struct mem_dirty *dirty; /* NULL: writes are not tracked */
	unsigned count;
	struct mem_region region[MEM_REGIONS_MAX]; /* ascending */
};

/*
 * Reserve `size_bytes` of zeroed, demand-paged RAM, split around the gap.  A
 * multiple of MEM_PAGE_SIZE, of MEM_HUGE_PAGE_SIZE with MEM_PAGES_2M, not 0.
 * -EINVAL, -ENOMEM with a sentence.  mem_init() takes transparent huge pages.
 */
int mem_init_pages(
	struct mem *mem, uint64_t size_bytes, enum mem_page_kind pages);
int mem_init(struct mem *mem, uint64_t size_bytes);

/*
 * The same, with the bytes of `fd` for content: the regions lie in it one after
 * the other from its start.  A private map: nothing is read until it is touched,
 * what the guest writes stays in this process, and VMs of one file share the
 * page cache.  The file must be that long and stay as it is; `fd` may be closed.
 */
int mem_init_from_file(struct mem *mem, uint64_t size_bytes, int fd);

/* Unmap; a zeroed or half-built object is fine. */
void mem_fini(struct mem *mem);

/*
 * The host address of [gpa, gpa + len), or NULL if any byte of it is not RAM or
 * it crosses a region.  A length of 0 gives NULL.
 */
void *mem_ptr(const struct mem *mem, gpa_t gpa, uint64_t len);

/*
 * The host address of byte `offset` of all RAM, regions one after the other as in
 * a memory file, and how many bytes go on from there; NULL behind the end.
 */
uint8_t *mem_at(
	const struct mem *mem, uint64_t offset, uint64_t *ret_len_bytes);

/* Copy out of or into RAM, all or nothing; -EFAULT if not all of it is RAM. */
int mem_read(const struct mem *mem, gpa_t gpa, void *to, uint64_t len);
int mem_write(const struct mem *mem, gpa_t gpa, const void *from, uint64_t len);

/* Give the regions to a VM as slots 0, 1, … (KVM_SET_USER_MEMORY_REGION). */
int mem_map(const struct mem *mem, int vm_fd);

/* Have KVM log which pages vCPUs write, or not; mem_dirty.h is the way to use it. */
int mem_log(const struct mem *mem, int vm_fd, bool on);

/* What is not guest memory is ignored. */
void mem_dirty_mark(const struct mem *mem, const void *hva, uint64_t len);

/*
 * Guest memory was written, or is about to be, by this process or its I/O through a
 * pointer that it has.  (mem_write() says so itself.)
 */
static inline void mem_wrote(
	const struct mem *mem, const void *hva, uint64_t len)
{
	if (mem->dirty)
		mem_dirty_mark(mem, hva, len);
}

#endif
