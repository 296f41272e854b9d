/* SPDX-License-Identifier: Apache-2.0 */
/* fatal.c - one line and a status for each signal that ends a process */
#include "cli/fatal.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/util.h"

static const struct {
	int signal;
	int status;
	const char *line;
} fatal[] = {
	{ SIGSYS, 148,
		"muster: SIGSYS: a system call that the host forbids\n" },
	{ SIGBUS, 149,
		"muster: SIGBUS: memory that a file no longer has; was it "
		"truncated?\n" },
	{ SIGSEGV, 150, "muster: SIGSEGV: a fault of muster\n" },
	{ SIGXFSZ, 151, "muster: SIGXFSZ: sent by another process\n" },
	{ SIGXCPU, 154,
		"muster: SIGXCPU: the limit of CPU time is reached "
		"(RLIMIT_CPU)\n" },
	{ SIGILL, 157, "muster: SIGILL: a fault of muster\n" },
};

/* Whatever the thread was doing, locks included, stays undone. */
static void end(int signal, siginfo_t *info, void *context)
{
	(void)context;
	/* For a write of ours, which says EFBIG too, the kernel sends it so. */
	if (signal == SIGXFSZ && info->si_pid == getpid())
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(fatal); i++)
		if (fatal[i].signal == signal) {
			ssize_t n = write(STDERR_FILENO, fatal[i].line,
				strlen(fatal[i].line));

			(void)n;
			_exit(fatal[i].status);
		}
}

void fatal_catch(void)
{
	struct sigaction action = {
		.sa_sigaction = end,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	sigfillset(&action.sa_mask);
	for (unsigned i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i].signal, &action, NULL);
}
