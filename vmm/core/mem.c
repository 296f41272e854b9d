/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.c - guest memory: regions, translation, checked copies
 *
 * RAM is private memory without a swap reservation, anonymous or of a file: a page
 * costs something when the guest first touches it, not when the VM starts.
 */
#include "vmm/core/mem.h"

#include <errno.h>
#include <linux/kvm.h>
#include <linux/mman.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/base/err.h"
#include "vmm/core/kvm.h"
#include "vmm/core/mem_dirty.h"

#define HUGE_PAGE_SIZE MEM_HUGE_PAGE_SIZE
#define RESERVED       "/sys/kernel/mm/hugepages/hugepages-2048kB/"

/*
 * Address space that begins where a huge page can begin, as the guest-physical
 * addresses of every region do: KVM maps a huge page only where both agree.
 */
static void *map_aligned(uint64_t size)
{
	uint64_t more;
	uint8_t *whole, *hva;

	if (__builtin_add_overflow(size, HUGE_PAGE_SIZE, &more)) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	whole = mmap(NULL, more, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (whole == MAP_FAILED)
		return MAP_FAILED;
	hva = (uint8_t *)align_up((uintptr_t)whole, HUGE_PAGE_SIZE);
	if (hva > whole)
		munmap(whole, (size_t)(hva - whole));
	munmap(hva + size, (size_t)(whole + HUGE_PAGE_SIZE - hva));
	return hva;
}

/* They are taken from the host's now, so that none can lack when it is touched. */
static void *map_reserved(uint64_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1,
		0);
}

/* Zeroed memory; far fewer faults on hosts that give huge pages only when asked. */
static void *map_zeros(uint64_t size, enum mem_page_kind pages)
{
	void *hva = pages == MEM_PAGES_2M ? map_reserved(size)
					  : map_aligned(size);

	if (hva != MAP_FAILED && pages == MEM_PAGES_TRANSPARENT)
		(void)madvise(hva, size, MADV_HUGEPAGE);
	return hva;
}

/* Over address space that is reserved already: only there it is aligned. */
static void *map_file(uint64_t size, int fd, uint64_t offset)
{
	void *hva = map_aligned(size);
	void *file;

	if (hva == MAP_FAILED)
		return MAP_FAILED;
	file = mmap(hva, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd, (off_t)offset);
	if (file == MAP_FAILED)
		munmap(hva, size);
	/*
	 * A fault reads its page alone. Hosts read up to 8 MiB ahead, holes too:
	 * 2 ms for the first touch of any page, and page cache for zeros.
	 */
	else
		(void)madvise(hva, size, MADV_RANDOM);
	return file;
}

/* Where memory comes from: a file, or nothing but pages. */
struct source {
	int fd; /* -1: none */
	enum mem_page_kind pages;
};

static int region_init(
	struct mem *mem, gpa_t gpa, uint64_t size, const struct source *source)
{
	uint64_t offset = mem->size_bytes;
	void *hva = source->fd < 0 ? map_zeros(size, source->pages)
				   : map_file(size, source->fd, offset);

	if (hva == MAP_FAILED)
		return -errno;
	/* A guest's secrets, and its size, have no place in our core dumps. */
	(void)madvise(hva, size, MADV_DONTDUMP);
	mem->region[mem->count++] = (struct mem_region){ gpa, size, hva };
	mem->size_bytes += size;
	return 0;
}

/* How many of the host's are free; it can name none if it has no such pages. */
static bool count_reserved(unsigned long long *ret)
{
	FILE *file = fopen(RESERVED "free_hugepages", "re");
	bool found = file && fscanf(file, "%llu", ret) == 1;

	if (file)
		fclose(file);
	return found;
}

static int explain(int rc, uint64_t size_bytes, enum mem_page_kind pages)
{
	unsigned long long free_pages;

	if (pages != MEM_PAGES_2M)
		return err_set(rc,
			"%llu MiB: the host cannot provide so much address "
			"space (%s); give less",
			(unsigned long long)(size_bytes / MIB), strerror(-rc));
	if (!count_reserved(&free_pages))
		return err_set(rc, "this host has no huge pages of 2 MiB; use "
				   "transparent ones");
	return err_set(rc,
		"%llu huge pages of 2 MiB are needed, and %llu are free; "
		"reserve more in " RESERVED
		"nr_hugepages, or use transparent ones",
		(unsigned long long)(size_bytes / HUGE_PAGE_SIZE), free_pages);
}

static int init(struct mem *mem, uint64_t size_bytes, struct source source)
{
	const uint64_t unit = source.pages == MEM_PAGES_2M ? HUGE_PAGE_SIZE
							   : MEM_PAGE_SIZE;
	const struct {
		gpa_t gpa;
		uint64_t size;
	} want[MEM_REGIONS_MAX] = {
		{ GPA(0), MIN(size_bytes, MEM_GAP_START) },
		{ GPA(MEM_GAP_END),
			size_bytes - MIN(size_bytes, MEM_GAP_START) },
	};

	*mem = (struct mem){ .backing = source.fd < 0 ? MEM_ZERO : MEM_FILE };
	if (!size_bytes || size_bytes % unit)
		return err_set(-EINVAL,
			"%llu bytes of memory: not a multiple of %llu, or 0",
			(unsigned long long)size_bytes,
			(unsigned long long)unit);
	for (unsigned i = 0; i < MEM_REGIONS_MAX && want[i].size; i++) {
		int rc = region_init(mem, want[i].gpa, want[i].size, &source);

		if (rc < 0) {
			mem_fini(mem);
			return explain(rc, size_bytes, source.pages);
		}
	}
	return 0;
}

int mem_init_pages(
	struct mem *mem, uint64_t size_bytes, enum mem_page_kind pages)
{
	return init(mem, size_bytes, (struct source){ -1, pages });
}

int mem_init(struct mem *mem, uint64_t size_bytes)
{
	return mem_init_pages(mem, size_bytes, MEM_PAGES_TRANSPARENT);
}

int mem_init_from_file(struct mem *mem, uint64_t size_bytes, int fd)
{
	return init(mem, size_bytes, (struct source){ .fd = fd });
}

void mem_fini(struct mem *mem)
{
	mem_dirty_stop(mem);
	for (unsigned i = 0; i < mem->count; i++)
		munmap(mem->region[i].hva, mem->region[i].size_bytes);
	*mem = (struct mem){ 0 };
}

void *mem_ptr(const struct mem *mem, gpa_t gpa, uint64_t len)
{
	if (!len)
		return NULL;
	for (unsigned i = 0; i < mem->count; i++) {
		const struct mem_region *region = &mem->region[i];
		/* Below the region's start this wraps to a large number. */
		uint64_t offset = gpa.v - region->gpa.v;

		if (offset < region->size_bytes)
			return len <= region->size_bytes - offset
				       ? region->hva + offset
				       : NULL;
	}
	return NULL;
}

uint8_t *mem_at(const struct mem *mem, uint64_t offset, uint64_t *ret_len_bytes)
{
	for (unsigned i = 0; i < mem->count; i++) {
		const struct mem_region *region = &mem->region[i];

		if (offset < region->size_bytes) {
			*ret_len_bytes = region->size_bytes - offset;
			return region->hva + offset;
		}
		offset -= region->size_bytes;
	}
	return NULL;
}

int mem_read(const struct mem *mem, gpa_t gpa, void *to, uint64_t len)
{
	const void *from = mem_ptr(mem, gpa, len);

	if (!from)
		return len ? -EFAULT : 0;
	memcpy(to, from, len);
	return 0;
}

int mem_write(const struct mem *mem, gpa_t gpa, const void *from, uint64_t len)
{
	void *to = mem_ptr(mem, gpa, len);

	if (!to)
		return len ? -EFAULT : 0;
	memcpy(to, from, len);
	mem_wrote(mem, to, len);
	return 0;
}

static int set_slot(const struct mem *mem, unsigned index, int vm_fd, bool log)
{
	struct kvm_userspace_memory_region slot = {
		.slot = index,
		.flags = log ? KVM_MEM_LOG_DIRTY_PAGES : 0,
		.guest_phys_addr = mem->region[index].gpa.v,
		.memory_size = mem->region[index].size_bytes,
		.userspace_addr = (uintptr_t)mem->region[index].hva,
	};

	return kvm_ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &slot);
}

int mem_map(const struct mem *mem, int vm_fd)
{
	for (unsigned i = 0; i < mem->count; i++) {
		int rc = set_slot(mem, i, vm_fd, false);

		if (rc < 0)
			return err_set(rc,
				"%llu MiB: KVM refuses so much (%s); give less",
				(unsigned long long)(mem->region[i].size_bytes /
						     MIB),
				strerror(-rc));
	}
	return 0;
}

int mem_log(const struct mem *mem, int vm_fd, bool on)
{
	for (unsigned i = 0; i < mem->count; i++) {
		int rc = set_slot(mem, i, vm_fd, on);

		if (rc < 0)
			return err_set(rc,
				"KVM refuses to log writes to memory: %s",
				strerror(-rc));
	}
	return 0;
}
