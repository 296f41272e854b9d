/* SPDX-License-Identifier: Apache-2.0 */
/* tty_out.c - console output: never blocks, keeps its order, counts its losses */
#include "tests/unit/tty.h"

#include <poll.h>
#include <sys/socket.h>
#include <termios.h>

static uint64_t lost(const struct box *box)
{
	return metric_get(&tty_metrics.metrics[1]) - box->lost_before;
}

static uint64_t written(const struct box *box)
{
	return metric_get(&tty_metrics.metrics[0]) - box->written_before;
}

/* All that there is to read, up to end of file or, on a terminal, silence. */
static size_t read_all(int fd, char *data, size_t room)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < room && poll(&p, 1, 1000) == 1) {
		n = read(fd, data + len, room - len);
		len += n > 0 ? (size_t)n : 0;
	}
	return len;
}

/* Whole lines follow one another upwards, whatever is missing between them. */
static void assert_lines_in_order(const char *data, size_t len)
{
	long before = -1;

	for (size_t at = 0; at + LINE_BYTES <= len; at += LINE_BYTES) {
		long now = strtol(data + at, NULL, 10);

		assert_int_equal(data[at + LINE_BYTES - 1], '\n');
		assert_true(now > before);
		before = now;
	}
}

static void output_that_nobody_reads_is_dropped_and_counted(void **state)
{
	const size_t total = 1024 * 1024;
	static char data[CAPTURE_BYTES];
	int fd[2];
	size_t len;
	struct box *box;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	box = box_new(-1, fd[1], 0);
	write_lines(box, total);
	assert_loop_answers(box);
	box_stop(box);
	close(fd[1]);
	len = read_all(fd[0], data, sizeof(data));
	assert_int_equal(written(box), len);
	assert_int_equal(lost(box), total - len);
	assert_true(lost(box) >= total - 3 * RING_BYTES);
	assert_lines_in_order(data, len);
	close(fd[0]);
	box_free(box);
}

static void a_late_reader_gets_the_newest_bytes(void **state)
{
	const size_t total = 1024 * 1024;
	static char data[CAPTURE_BYTES];
	int fd[2];
	size_t len;
	struct box *box;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	box = box_new(-1, fd[1], 0);
	write_lines(box, total);
	len = read_all(fd[0], data, sizeof(data));
	assert_true(len > RING_BYTES);
	assert_lines_in_order(data, len);
	assert_int_equal(strtoul(data + len - LINE_BYTES, NULL, 10),
		total / LINE_BYTES - 1);
	close(fd[0]);
	close(fd[1]);
	box_free(box);
}

static void what_is_past_the_rate_is_dropped_and_counted(void **state)
{
	const struct rate rate = {
		.size = 3, .refill_ms = 3600 * 1000, .burst = 2
	};
	uint64_t before = metric_get(&tty_metrics.metrics[2]);
	char data[16];
	int fd[2];
	struct box *box;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	box = box_new(-1, fd[1], 0);
	tty_limit(box->tty, &rate);
	for (const char *c = "abcdefgh"; *c; c++)
		tty_write(box->tty, (const uint8_t *)c, 1);
	box_stop(box);
	close(fd[1]);
	assert_int_equal(read_all(fd[0], data, sizeof(data)), 5);
	assert_memory_equal(data, "abcde", 5);
	assert_int_equal(metric_get(&tty_metrics.metrics[2]), before + 3);
	close(fd[0]);
	box_free(box);
}

struct writer {
	struct box *box;
	pthread_t thread;
};

static void *write_some(void *arg)
{
	write_lines(((struct writer *)arg)->box, 16 * 1024);
	return NULL;
}

static void two_threads_lose_nothing_to_each_other(void **state)
{
	static char data[CAPTURE_BYTES];
	struct writer writer[2];
	int fd[2];
	struct box *box;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	box = box_new(-1, fd[1], 0);
	for (int i = 0; i < 2; i++) {
		writer[i].box = box;
		assert_int_equal(thread_start(&writer[i].thread, "writer",
					 write_some, &writer[i]),
			0);
	}
	assert_int_equal(read_all(fd[0], data, sizeof(data)), 2 * 16 * 1024);
	for (int i = 0; i < 2; i++)
		pthread_join(writer[i].thread, NULL);
	box_stop(box);
	assert_int_equal(lost(box), 0);
	close(fd[0]);
	close(fd[1]);
	box_free(box);
}

static void what_is_written_last_is_out_when_the_tty_is_freed(void **state)
{
	char data[64];
	int fd[2];
	struct box *box;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	box = box_new(-1, fd[1], 0);
	tty_write(box->tty, (const uint8_t *)"reboot: Power down\n", 19);
	box_stop(box);
	assert_int_equal(read(fd[0], data, sizeof(data)), 19);
	close(fd[0]);
	close(fd[1]);
	box_free(box);
}

static void bytes_written_singly_leave_in_bursts(void **state)
{
	const unsigned total = 200;
	unsigned packets = 0, len = 0;
	struct box *box;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	box = box_new(-1, fd[1], 0);
	/* A guest's pace: slower than the loop is, faster than its delay. */
	for (unsigned i = 0; i < total; i++) {
		tty_write(box->tty, (const uint8_t *)"x", 1);
		usleep(20);
	}
	while (len < total) {
		char data[2048];
		ssize_t n = read(fd[0], data, sizeof(data));

		assert_true(n > 0);
		len += (unsigned)n;
		packets++;
	}
	assert_int_equal(len, total);
	assert_true(packets <= total / 3);
	close(fd[0]);
	close(fd[1]);
	box_free(box);
}

static void a_reader_that_left_costs_only_its_output(void **state)
{
	struct box *box;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	box = box_new(-1, fd[1], 0);
	close(fd[0]);
	write_lines(box, 1024);
	assert_loop_answers(box);
	usleep(5000);
	write_lines(box, 1024);
	assert_loop_answers(box);
	box_stop(box);
	assert_int_equal(written(box), 0);
	assert_int_equal(lost(box), 2 * 1024);
	close(fd[1]);
	box_free(box);
}

static void a_full_socket_does_not_block(void **state)
{
	const size_t total = 1024 * 1024;
	static char data[CAPTURE_BYTES * 2];
	struct box *box;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	box = box_new(fd[1], fd[1], 0);
	write_lines(box, total);
	assert_loop_answers(box);
	assert_lines_in_order(data, read_all(fd[0], data, sizeof(data)));
	assert_false(fcntl(fd[1], F_GETFL) & O_NONBLOCK);
	close(fd[0]);
	close(fd[1]);
	box_free(box);
}

/* A pty's master cannot be opened again: the way for what cannot. */
static void a_shared_description_does_not_block_either(void **state)
{
	struct termios raw;
	int master, slave;
	struct box *box;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	box = box_new(-1, master, 0);
	write_lines(box, 1024 * 1024);
	assert_loop_answers(box);
	usleep(20000);
	assert_loop_answers(box);
	assert_false(fcntl(master, F_GETFL) & O_NONBLOCK);
	box_stop(box);
	assert_true(lost(box) > 0);
	close(slave);
	close(master);
	box_free(box);
}

static void a_pipe_that_we_share_keeps_its_flags(void **state)
{
	struct box *box;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	box = box_new(fd[0], fd[1], 0);
	assert_false(fcntl(fd[0], F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(fd[1], F_GETFL) & O_NONBLOCK);
	box_free(box);
	close(fd[0]);
	close(fd[1]);
}

static void a_file_gets_every_byte(void **state)
{
	char path[] = "/tmp/muster-tty-XXXXXX";
	static char data[CAPTURE_BYTES];
	int fd = mkstemp(path);
	struct box *box;

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	box = box_new(-1, fd, 0);
	write_lines(box, RING_BYTES);
	box_stop(box);
	assert_int_equal(pread(fd, data, sizeof(data), 0), RING_BYTES);
	assert_lines_in_order(data, RING_BYTES);
	assert_int_equal(lost(box), 0);
	close(fd);
	box_free(box);
}

static void a_closed_descriptor_is_an_error_that_names_it(void **state)
{
	struct loop *loop;
	struct tty *tty;

	(void)state;
	assert_int_equal(loop_new(engine, &loop), 0);
	assert_int_equal(tty_new(loop, -1, 999, &tty), -EBADF);
	assert_non_null(strstr(err_text(), "999"));
	assert_int_equal(tty_new(loop, 999, STDERR_FILENO, &tty), -EBADF);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			output_that_nobody_reads_is_dropped_and_counted),
		cmocka_unit_test(a_late_reader_gets_the_newest_bytes),
		cmocka_unit_test(what_is_past_the_rate_is_dropped_and_counted),
		cmocka_unit_test(two_threads_lose_nothing_to_each_other),
		cmocka_unit_test(
			what_is_written_last_is_out_when_the_tty_is_freed),
		cmocka_unit_test(bytes_written_singly_leave_in_bursts),
		cmocka_unit_test(a_reader_that_left_costs_only_its_output),
		cmocka_unit_test(a_full_socket_does_not_block),
		cmocka_unit_test(a_shared_description_does_not_block_either),
		cmocka_unit_test(a_pipe_that_we_share_keeps_its_flags),
		cmocka_unit_test(a_file_gets_every_byte),
		cmocka_unit_test(a_closed_descriptor_is_an_error_that_names_it),
	};

	return TTY_RUN("tty_out", tests);
}
