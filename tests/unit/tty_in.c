/* SPDX-License-Identifier: Apache-2.0 */
/* tty_in.c - console input: waits for room, ends quietly; terminals and their key */
#include "tests/unit/tty.h"

#include <termios.h>
#include <time.h>

#define PATIENCE_MS 5000

/* Wait until the model has got `len` bytes. */
static bool got(struct box *box, size_t len)
{
	for (int i = 0; i < PATIENCE_MS; i++) {
		size_t now;

		pthread_mutex_lock(&box->lock);
		now = box->len;
		pthread_mutex_unlock(&box->lock);
		if (now >= len)
			return now == len;
		usleep(1000);
	}
	return false;
}

static bool escaped(struct box *box)
{
	for (int i = 0; i < PATIENCE_MS; i++) {
		unsigned now;

		pthread_mutex_lock(&box->lock);
		now = box->escapes;
		pthread_mutex_unlock(&box->lock);
		if (now)
			return now == 1;
		usleep(1000);
	}
	return false;
}

static void give_room(struct box *box, size_t room)
{
	pthread_mutex_lock(&box->lock);
	box->room = room;
	pthread_mutex_unlock(&box->lock);
	tty_want(box->tty);
}

static void input_waits_for_room(void **state)
{
	struct box *box;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	box = box_new(fd[0], STDERR_FILENO, 3);
	assert_int_equal(write(fd[1], "abcdefgh", 8), 8);
	assert_true(got(box, 3));
	usleep(5000);
	assert_true(got(box, 3));
	give_room(box, 4);
	assert_true(got(box, 7));
	give_room(box, 4);
	assert_true(got(box, 8));
	assert_memory_equal(box->got, "abcdefgh", 8);
	/* Room is left: the next byte needs no tty_want(). */
	assert_int_equal(write(fd[1], "i", 1), 1);
	assert_true(got(box, 9));
	box_free(box);
	close(fd[0]);
	close(fd[1]);
}

static void a_file_is_read_as_room_appears(void **state)
{
	char path[] = "/tmp/muster-tty-XXXXXX";
	int fd = mkstemp(path);
	struct box *box;
	size_t len = 0;

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(write(fd, "0123456789", 10), 10);
	lseek(fd, 0, SEEK_SET);
	box = box_new(fd, STDERR_FILENO, 0);
	while (len < 50000) {
		give_room(box, 10000);
		len += 10000;
		assert_true(got(box, len));
	}
	for (size_t i = 0; i < len; i++)
		assert_int_equal(box->got[i], '0' + i % 10);
	box_free(box);
	close(fd);
}

static uint64_t cpu_time_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void assert_idle(void)
{
	uint64_t before;

	usleep(20000);
	before = cpu_time_us();
	usleep(100000);
	assert_true(cpu_time_us() - before < 20000);
}

static void end_of_input_does_not_spin(void **state)
{
	int null = open("/dev/null", O_RDONLY);
	struct box *box;
	int fd[2];

	(void)state;
	box = box_new(null, STDERR_FILENO, 16);
	assert_idle();
	box_free(box);
	close(null);

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "last", 4), 4);
	close(fd[1]);
	box = box_new(fd[0], STDERR_FILENO, 16);
	assert_true(got(box, 4));
	assert_idle();
	box_free(box);
	close(fd[0]);
}

static void the_escape_byte_is_plain_data_in_a_pipe(void **state)
{
	struct box *box;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	box = box_new(fd[0], STDERR_FILENO, 16);
	assert_false(tty_is_raw(box->tty));
	assert_int_equal(write(fd[1],
				 "a\x1d"
				 "b",
				 3),
		3);
	assert_true(got(box, 3));
	assert_int_equal(box->escapes, 0);
	box_free(box);
	close(fd[0]);
	close(fd[1]);
}

/* ---- terminals ---- */

static void a_terminal_is_raw_until_the_tty_is_freed(void **state)
{
	struct termios before, during, after;
	struct box *box;
	int master, slave;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(slave, &before), 0);
	assert_true(before.c_lflag & ICANON);
	box = box_new(slave, slave, 16);
	assert_true(tty_is_raw(box->tty));
	assert_int_equal(tcgetattr(slave, &during), 0);
	assert_false(during.c_lflag & (ICANON | ECHO | ISIG));
	assert_false(fcntl(slave, F_GETFL) & O_NONBLOCK);
	box_free(box);
	assert_int_equal(tcgetattr(slave, &after), 0);
	assert_int_equal(after.c_lflag, before.c_lflag);
	assert_int_equal(after.c_iflag, before.c_iflag);
	assert_int_equal(after.c_oflag, before.c_oflag);
	close(slave);
	close(master);
}

static void keys_reach_the_model_and_the_escape_key_its_owner(void **state)
{
	struct box *box;
	int master, slave;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	box = box_new(slave, slave, 16);
	assert_int_equal(write(master, "ls\r\x03", 4), 4);
	assert_true(got(box, 4));
	assert_memory_equal(box->got, "ls\r\x03", 4);
	assert_int_equal(write(master, "x\x1d", 2), 2);
	assert_true(escaped(box));
	assert_true(got(box, 5));
	box_free(box);
	close(slave);
	close(master);
}

static void the_escape_key_works_when_the_guest_reads_nothing(void **state)
{
	struct box *box;
	int master, slave;
	char keys[500];

	(void)state;
	memset(keys, 'k', sizeof(keys));
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	box = box_new(slave, slave, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			write(master, keys, sizeof(keys)), sizeof(keys));
	assert_int_equal(write(master, "\x1d", 1), 1);
	assert_true(escaped(box));
	/* What was typed ahead is kept up to a bound. */
	give_room(box, 5000);
	assert_true(got(box, 1024));
	box_free(box);
	close(slave);
	close(master);
}

static void a_terminal_that_hangs_up_ends_input(void **state)
{
	struct box *box;
	int master, slave;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	box = box_new(slave, slave, 16);
	close(master);
	write_lines(box, 1024);
	assert_loop_answers(box);
	assert_idle();
	box_free(box);
	close(slave);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input_waits_for_room),
		cmocka_unit_test(a_file_is_read_as_room_appears),
		cmocka_unit_test(end_of_input_does_not_spin),
		cmocka_unit_test(the_escape_byte_is_plain_data_in_a_pipe),
		cmocka_unit_test(a_terminal_is_raw_until_the_tty_is_freed),
		cmocka_unit_test(
			keys_reach_the_model_and_the_escape_key_its_owner),
		cmocka_unit_test(
			the_escape_key_works_when_the_guest_reads_nothing),
		cmocka_unit_test(a_terminal_that_hangs_up_ends_input),
	};

	return TTY_RUN("tty_in", tests);
}
