/* SPDX-License-Identifier: Apache-2.0 */
/* listener.c - the file of a socket: whose it is, and who may replace it */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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

#define RIVALS 4
#define ROUNDS 50

struct rival {
	pthread_t thread;
	pthread_barrier_t *start;
	struct listener listener;
	int rc;
};

static void *compete(void *arg)
{
	struct rival *rival = arg;

	pthread_barrier_wait(rival->start);
	rival->rc = open_one(&rival->listener);
	return NULL;
}

/* Without the lock, one takes another's fresh socket for a dead one. */
static void gives_a_dead_socket_to_one_of_many(void **state)
{
	struct rival rival[RIVALS];
	pthread_barrier_t start;

	(void)state;
	pthread_barrier_init(&start, NULL, RIVALS);
	for (int round = 0; round < ROUNDS; round++) {
		unsigned winners = 0;

		leave_dead_socket();
		for (int i = 0; i < RIVALS; i++) {
			rival[i].start = &start;
			assert_int_equal(pthread_create(&rival[i].thread, NULL,
						 compete, &rival[i]),
				0);
		}
		for (int i = 0; i < RIVALS; i++)
			pthread_join(rival[i].thread, NULL);
		for (int i = 0; i < RIVALS; i++) {
			winners += !rival[i].rc;
			listener_close(&rival[i].listener);
		}
		assert_int_equal(winners, 1);
		assert_int_equal(access(path, F_OK), -1);
	}
	pthread_barrier_destroy(&start);
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

static void leaves_the_file_of_who_made_the_socket(void **state)
{
	struct listener maker, l;

	(void)state;
	assert_int_equal(open_one(&maker), 0);
	assert_int_equal(
		listener_adopt(&l, "--api-fd ", fcntl(maker.fd, F_DUPFD, 0)),
		0);
	assert_true(fcntl(l.fd, F_GETFL) & O_NONBLOCK);
	listener_close(&l);
	assert_int_equal(access(path, F_OK), 0);
	listener_close(&maker);
}

static void adopts_only_a_unix_socket_that_listens(void **state)
{
	const int wrong[] = {
		socket(AF_UNIX, SOCK_STREAM, 0),
		socket(AF_UNIX, SOCK_DGRAM, 0),
		open("/dev/null", O_RDWR),
		socket(AF_INET, SOCK_STREAM, 0),
	};
	struct listener l = LISTENER_INIT;

	(void)state;
	listen(wrong[3], 1);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(
			listener_adopt(&l, "--api-fd ", wrong[i]), -ENOTSOCK);
		close(wrong[i]);
	}
	assert_int_equal(listener_adopt(&l, "--api-fd ", 1000), -EBADF);
	assert_string_equal(
		err_text(), "--api-fd 1000: not an open descriptor");
	assert_int_equal(l.fd, -1);
}

#define IN_FOLDER(test) cmocka_unit_test_teardown(test, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(is_for_this_user_only),
		IN_FOLDER(refuses_a_socket_where_somebody_listens),
		IN_FOLDER(replaces_a_socket_that_nobody_serves),
		IN_FOLDER(gives_a_dead_socket_to_one_of_many),
		IN_FOLDER(replaces_no_other_file),
		IN_FOLDER(follows_no_link),
		IN_FOLDER(leaves_a_file_that_is_not_its_own),
		IN_FOLDER(says_why_it_cannot),
		IN_FOLDER(leaves_the_file_of_who_made_the_socket),
		IN_FOLDER(adopts_only_a_unix_socket_that_listens),
	};
	char folder[] = "/tmp/muster-listener-XXXXXX";
	int rc;

	if (!mkdtemp(folder) || chdir(folder))
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	return rmdir(folder) ? 1 : rc;
}
