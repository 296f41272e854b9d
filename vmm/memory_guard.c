/* SPDX-License-Identifier: Apache-2.0 */
/* memory_guard.c - zeros for a page that a file has lost, and word of it */
#include "vmm/memory_guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

/* What the signal handler knows; filled in before it is set. */
static struct {
	const struct mem *mem;
	int event;
	struct sigaction before;
} guarded = { .event = -1 };

/* ---- in the signal handler: system calls and nothing else ---- */

static bool is_guest_memory(const struct mem *mem, const uint8_t *at)
{
	for (unsigned i = 0; i < mem->count; i++) {
		const struct mem_region *region = &mem->region[i];

		if ((uintptr_t)at - (uintptr_t)region->hva < region->size_bytes)
			return true;
	}
	return false;
}

static bool put_zeros(const uint8_t *at)
{
	void *page = (void *)((uintptr_t)at & ~(uintptr_t)(MEM_PAGE_SIZE - 1));

	return mmap(page, MEM_PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		       0) != MAP_FAILED;
}

/* The access is made again, and then by the handler before it is not ours. */
static void page_lost(int signal, siginfo_t *info, void *context)
{
	const uint64_t one = 1;
	int saved_errno = errno;

	(void)context;
	if (is_guest_memory(guarded.mem, info->si_addr) &&
		put_zeros(info->si_addr))
		(void)!write(guarded.event, &one, sizeof(one));
	else
		sigaction(signal, &guarded.before, NULL);
	errno = saved_errno;
}

/* ---- on the control loop ---- */

static void tell(struct loop_watch *watch, uint32_t events)
{
	struct memory_guard *guard = container_of(
		watch, struct memory_guard, watch);

	(void)events;
	guard->cut(guard->owner);
}

static int take_signal(struct memory_guard *guard, const struct mem *mem)
{
	struct sigaction action = {
		.sa_sigaction = page_lost,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	sigfillset(&action.sa_mask);
	guarded.mem = mem;
	guarded.event = guard->event;
	sigaction(SIGBUS, NULL, &guarded.before);
	if (sigaction(SIGBUS, &action, NULL))
		return err_set(-errno, "SIGBUS: %s", strerror(errno));
	return 0;
}

int memory_guard_init(struct memory_guard *guard, const struct mem *mem,
	int file, struct loop *loop, void (*cut)(void *owner), void *owner)
{
	int rc;

	*guard = (struct memory_guard){
		.file = file,
		.bytes = mem->size_bytes,
		.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.loop = loop,
		.cut = cut,
		.owner = owner,
	};
	if (guard->event < 0)
		return err_set(-errno, "eventfd: %s", strerror(errno));
	guard->watch = (struct loop_watch){
		.fd = guard->event,
		.events = POLLIN,
		.ready = tell,
	};
	rc = loop_watch_add(loop, &guard->watch);
	return rc ? rc : take_signal(guard, mem);
}

bool memory_guard_is_cut(const struct memory_guard *guard)
{
	struct stat st;

	return guard->event >= 0 && !fstat(guard->file, &st) &&
	       (uint64_t)st.st_size < guard->bytes;
}

void memory_guard_fini(struct memory_guard *guard)
{
	if (guard->event < 0)
		return;
	if (guarded.event == guard->event)
		sigaction(SIGBUS, &guarded.before, NULL);
	guarded.event = -1;
	loop_watch_del(guard->loop, &guard->watch);
	close_fd(steal_fd(&guard->event));
}
