/* SPDX-License-Identifier: Apache-2.0 */
/* readiness.c - who started this process is told, or was never there */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/base/err.h"
#include "vmm/readiness.h"

#define LINE "READY=1\n"

static char folder[] = "/tmp/muster-readiness-XXXXXX";

/* A service manager at `name`, as NOTIFY_SOCKET has it; its socket. */
static int manager_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(
		bind(fd, (const void *)&address,
			offsetof(struct sockaddr_un, sun_path) + strlen(name)),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void assert_was_told(int fd)
{
	char text[32] = "";

	assert_int_equal(read(fd, text, sizeof(text)), strlen(LINE));
	assert_string_equal(text, LINE);
}

static int forget_manager(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	return 0;
}

static void writes_a_line_and_closes(void **state)
{
	char text[32] = "";
	int end[2];

	(void)state;
	assert_int_equal(pipe(end), 0);
	assert_int_equal(readiness_check(end[1]), 0);
	readiness_tell(end[1]);
	assert_was_told(end[0]);
	assert_int_equal(read(end[0], text, sizeof(text)), 0);
	close(end[0]);
}

static void goes_on_when_nobody_waits(void **state)
{
	int end[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(end), 0);
	close(end[0]);
	readiness_tell(end[1]);
	assert_int_equal(fcntl(end[1], F_GETFD), -1);
}

static void tells_a_manager_at_a_path(void **state)
{
	char path[64];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/notify", folder);
	fd = manager_at(path);
	readiness_tell(0);
	assert_was_told(fd);
	close(fd);
	unlink(path);
}

static void tells_a_manager_of_an_abstract_name(void **state)
{
	char name[64];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@muster-readiness-%d", (int)getpid());
	fd = manager_at(name);
	readiness_tell(0);
	assert_was_told(fd);
	close(fd);
}

static void survives_any_manager(void **state)
{
	static char longest[200];
	static const char *const names[] = { "", "@", "/", "relative",
		"vsock:2", "/absent/notify", longest };

	(void)state;
	memset(longest, '/', sizeof(longest) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		readiness_tell(0);
	}
}

static void refuses_what_cannot_be_written(void **state)
{
	int end[2];

	(void)state;
	assert_int_equal(pipe(end), 0);
	assert_int_equal(readiness_check(end[0]), -EBADF);
	assert_non_null(strstr(err_text(), "only open for reading"));
	close(end[0]);
	close(end[1]);
	assert_int_equal(readiness_check(end[1]), -EBADF);
	assert_non_null(strstr(err_text(), "not an open descriptor"));
}

#define ALONE(test) cmocka_unit_test_teardown(test, forget_manager)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(writes_a_line_and_closes),
		ALONE(goes_on_when_nobody_waits),
		ALONE(tells_a_manager_at_a_path),
		ALONE(tells_a_manager_of_an_abstract_name),
		ALONE(survives_any_manager),
		ALONE(refuses_what_cannot_be_written),
	};
	int rc;

	unsetenv("NOTIFY_SOCKET");
	if (!mkdtemp(folder))
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	return rmdir(folder) ? 1 : rc;
}
