/* SPDX-License-Identifier: Apache-2.0 */
/* listener.c - the file of a socket: whose it is, and who may replace it */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/api/listener.h"
#include "vmm/base/err.h"

static const char path[] = "s.sock";

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static int open_one(struct listener *ret)
{
	*ret = (struct listener)LISTENER_INIT;
	return listener_open(ret, "--control ", path);
}

/* What a killed process leaves. */
static void leave_dead_socket(void)
{
	const struct sockaddr_un address = {
		.sun_family = AF_UNIX,
		.sun_path = "s.sock",
	};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (const void *)&address, sizeof(address)), 0);
	close(fd);
}

static void is_for_this_user_only(void **state)
{
	struct listener l;
	struct stat st;
	mode_t before = umask(0);

	(void)state;
	assert_int_equal(open_one(&l), 0);
	umask(before);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	listener_close(&l);
	assert_int_equal(lstat(path, &st), -1);
}

static void refuses_a_socket_where_somebody_listens(void **state)
{
	struct listener first, second;

	(void)state;
	assert_int_equal(open_one(&first), 0);
	assert_int_equal(open_one(&second), -EADDRINUSE);
	assert_string_equal(err_text(),
		"--control s.sock: another process listens there; give "
		"another path");
	listener_close(&second);
	assert_int_equal(access(path, F_OK), 0);
	listener_close(&first);
}

static void replaces_a_socket_that_nobody_serves(void **state)
{
	struct listener l;

	(void)state;
	leave_dead_socket();
	assert_int_equal(open_one(&l), 0);
	listener_close(&l);
	assert_int_equal(access(path, F_OK), -1);
}

static void replaces_no_other_file(void **state)
{
	struct listener l;

	(void)state;
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(open_one(&l), -EEXIST);
	assert_non_null(strstr(err_text(), "is not a socket"));
	assert_int_equal(access(path, F_OK), 0);
}

static void follows_no_link(void **state)
{
	struct listener l;

	(void)state;
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(open_one(&l), -EEXIST);
	assert_int_equal(access("elsewhere", F_OK), -1);
}

static void leaves_a_file_that_is_not_its_own(void **state)
{
	struct listener first, second;

	(void)state;
	assert_int_equal(open_one(&first), 0);
	unlink(path);
	assert_int_equal(open_one(&second), 0);
	listener_close(&first);
	assert_int_equal(access(path, F_OK), 0);
	listener_close(&second);
}

static void says_why_it_cannot(void **state)
{
	struct listener l = LISTENER_INIT;

	(void)state;
	assert_int_equal(
		listener_open(&l, "--control ", "absent/s.sock"), -ENOENT);
	assert_string_equal(err_text(),
		"--control absent/s.sock: cannot make a socket: No such file "
		"or directory");
	listener_close(&l);
}

#define IN_FOLDER(test) cmocka_unit_test_teardown(test, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(is_for_this_user_only),
		IN_FOLDER(refuses_a_socket_where_somebody_listens),
		IN_FOLDER(replaces_a_socket_that_nobody_serves),
		IN_FOLDER(replaces_no_other_file),
		IN_FOLDER(follows_no_link),
		IN_FOLDER(leaves_a_file_that_is_not_its_own),
		IN_FOLDER(says_why_it_cannot),
	};
	char folder[] = "/tmp/muster-listener-XXXXXX";
	int rc;

	if (!mkdtemp(folder) || chdir(folder))
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	return rmdir(folder) ? 1 : rc;
}
