/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem_handler.h - guest memory whose pages another process provides (userfaultfd)
 *
 * Firecracker's handshake, so that its handlers serve: one message on a UNIX stream
 * socket, with the userfaultfd attached and a JSON array of the regions,
 *
 *	[{"base_host_virt_addr": …, "size": …, "offset": …, "page_size": 4096,
 *	  "page_size_kib": 4096}, …]     (the last is in bytes too, for old handlers)
 *
 * where offset is the region's place in the memory file.  The handler answers each
 * fault with UFFDIO_COPY or UFFDIO_ZEROPAGE.  The socket stays open for the life of
 * the VM: its end tells either side that the other is gone.
 */
#ifndef MUSTER_VMM_MEM_HANDLER_H
#define MUSTER_VMM_MEM_HANDLER_H

#include "vmm/core/mem.h"

struct mem_handler {
	int uffd; /* kept: if the handler's copy were the last, pages would read as 0 */
	int socket; /* POLLHUP: the handler is gone, and faults wait for ever */
};

#define MEM_HANDLER_INIT                  \
	{                                 \
		.uffd = -1, .socket = -1, \
	}

/*
 * Leave the pages of `mem`, fresh from mem_init(), to the handler that listens on
 * `path`.  `label` stands in front of the path in sentences: "--memory-handler ".
 * Before mem_map() or after; before anything touches the memory.  -errno with a
 * sentence; *ret then needs nothing.
 */
int mem_handler_connect(const char *label, const char *path, struct mem *mem,
	struct mem_handler *ret);

void mem_handler_fini(struct mem_handler *handler);

#endif
