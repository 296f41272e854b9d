/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stopwatch.c - how long a command takes to print a marker
 *
 *     stopwatch MARKER COMMAND [ARG...]
 *
 * Prints the milliseconds from just before the command was started until the
 * marker had come through the pipe that is its standard output, kills the
 * command, and exits 0.  Where the output ends without the marker, it is passed
 * on to standard error and the exit status is 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* A guest that prints more than this before the marker has gone astray. */
#define OUTPUT_MAX (1 << 20)

static char output[OUTPUT_MAX];
static size_t used;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Starts the command with nothing to read; returns an errno, as spawn does. */
static int start(char **argv, int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	r = posix_spawnp(ret_pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

/* 1 once the marker has been read, 0 when the output ended without it. */
static int wait_for(int in, const char *marker)
{
	while (used < OUTPUT_MAX) {
		ssize_t n = read(in, output + used, OUTPUT_MAX - used);

		if (n <= 0)
			return 0;
		used += (size_t)n;
		if (memmem(output, used, marker, strlen(marker)))
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int ends[2], r, found;
	double begun, ms;
	pid_t pid;

	if (argc < 3) {
		fputs("usage: stopwatch MARKER COMMAND [ARG...]\n", stderr);
		return 2;
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		perror("stopwatch: pipe");
		return 2;
	}
	begun = now_ms();
	r = start(argv + 2, ends[1], &pid);
	if (r) {
		fprintf(stderr, "stopwatch: %s: %s\n", argv[2], strerror(r));
		return 2;
	}
	close(ends[1]);
	found = wait_for(ends[0], argv[1]);
	ms = now_ms() - begun;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (found)
		printf("%.3f\n", ms);
	else
		fwrite(output, 1, used, stderr);
	return !found;
}
