/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem_pages.c - which pages of guest memory were ever written, by the page map
 *
 * Of an entry (Documentation/admin-guide/mm/pagemap.rst) only bits are used that
 * need no privilege.  A page of a private file map is the file's, or not there at
 * all, until it is written; then it is anonymous.
 */
#include "vmm/core/mem_pages.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/log.h"

#define PRESENT BIT64(63)
#define SWAPPED BIT64(62)
#define OF_FILE BIT64(61) /* or shared */

void mem_pages_init(struct mem_pages *pages)
{
	pages->fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pages->fd < 0)
		log_debug("no /proc/self/pagemap: all memory is read");
}

void mem_pages_fini(struct mem_pages *pages)
{
	close_fd(steal_fd(&pages->fd));
}

void mem_pages_written(const struct mem_pages *pages, const struct mem *mem,
	const uint8_t *hva, unsigned count, bool *ret_written)
{
	uint64_t entry[MEM_PAGES_BATCH];
	size_t bytes = count * sizeof(entry[0]);
	uint64_t at = (uintptr_t)hva / MEM_PAGE_SIZE * sizeof(entry[0]);

	if (mem->backing == MEM_HANDLER ||
		pread(pages->fd, entry, bytes, (off_t)at) != (ssize_t)bytes) {
		memset(ret_written, true, count * sizeof(*ret_written));
		return;
	}
	for (unsigned i = 0; i < count; i++)
		ret_written[i] = (entry[i] & (PRESENT | SWAPPED)) &&
				 !(entry[i] & OF_FILE);
}
