/* SPDX-License-Identifier: Apache-2.0 */
/* tty.c - console output that never blocks, input that waits for room; on both engines */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "devices/backend/tty.h"
#include "vmm/base/err.h"

#define LINE_BYTES    8
#define PATIENCE_MS   5000
#define RING_BYTES    (64 * 1024)
#define CAPTURE_BYTES (256 * 1024)

static enum loop_engine engine;

/* A model with settable room, a loop on its own thread, a tty between them. */
struct box {
	struct loop *loop;
	struct tty *tty;
	pthread_t thread;
	uint64_t lost_before, written_before;

	pthread_mutex_t lock; /* protects all below */
	size_t room;
	unsigned escapes;
	size_t len;
	char got[CAPTURE_BYTES];
};

static size_t model_room(void *model)
{
	struct box *box = model;
	size_t room;

	pthread_mutex_lock(&box->lock);
	room = box->room;
	pthread_mutex_unlock(&box->lock);
	return room;
}

static void model_input(void *model, const uint8_t *data, size_t len)
{
	struct box *box = model;

	pthread_mutex_lock(&box->lock);
	assert_true(len <= box->room);
	assert_true(box->len + len <= sizeof(box->got));
	memcpy(box->got + box->len, data, len);
	box->len += len;
	box->room -= len;
	pthread_mutex_unlock(&box->lock);
}

static void owner_escape(void *owner)
{
	struct box *box = owner;

	pthread_mutex_lock(&box->lock);
	box->escapes++;
	pthread_mutex_unlock(&box->lock);
}

static const struct tty_events events = { model_room, model_input,
	owner_escape };

static void *run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static struct box *box_new(int in_fd, int out_fd, size_t room)
{
	struct box *box = test_calloc(1, sizeof(*box));

	pthread_mutex_init(&box->lock, NULL);
	box->room = room;
	box->written_before = metric_get(&tty_metrics.metrics[0]);
	box->lost_before = metric_get(&tty_metrics.metrics[1]);
	assert_int_equal(loop_new(engine, &box->loop), 0);
	assert_int_equal(tty_new(box->loop, in_fd, out_fd, &box->tty), 0);
	tty_attach(box->tty, &events, box, box);
	assert_int_equal(
		thread_start(&box->thread, "loop", run_loop, box->loop), 0);
	return box;
}

static void box_stop(struct box *box)
{
	loop_stop(box->loop);
	pthread_join(box->thread, NULL);
	box->tty = tty_free(box->tty);
	box->loop = loop_free(box->loop);
}

static void box_free(struct box *box)
{
	if (box->loop)
		box_stop(box);
	pthread_mutex_destroy(&box->lock);
	test_free(box);
}

static uint64_t lost(const struct box *box)
{
	return metric_get(&tty_metrics.metrics[1]) - box->lost_before;
}

static uint64_t written(const struct box *box)
{
	return metric_get(&tty_metrics.metrics[0]) - box->written_before;
}

struct ping {
	struct loop_call call;
	struct completion done;
};

static void pong(struct loop_call *call)
{
	completion_signal(&container_of(call, struct ping, call)->done, 0);
}

/* Blocks for ever, and so fails by alarm(), if the loop is stuck. */
static void assert_loop_answers(struct box *box)
{
	struct ping ping = { .call.fn = pong, .done = COMPLETION_INIT };

	loop_call(box->loop, &ping.call);
	completion_wait(&ping.done);
}

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

/* Numbered lines of LINE_BYTES, `bytes` in all. */
static void write_lines(struct box *box, size_t bytes)
{
	for (size_t i = 0; i < bytes / LINE_BYTES; i++) {
		char line[LINE_BYTES + 1];

		snprintf(line, sizeof(line), "%07zu\n", i);
		tty_write(box->tty, (const uint8_t *)line, LINE_BYTES);
	}
}

/* All that there is to read, up to end of file or, on a terminal, silence. */
static size_t read_all(int fd, char *data, size_t room)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < room && poll(&p, 1, 300) == 1) {
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

/* ---- output ---- */

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
	const unsigned total = 1000;
	unsigned packets = 0, len = 0;
	struct box *box;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	box = box_new(-1, fd[1], 0);
	for (unsigned i = 0; i < total; i++)
		tty_write(box->tty, (const uint8_t *)"x", 1);
	while (len < total) {
		char data[2048];
		ssize_t n = read(fd[0], data, sizeof(data));

		assert_true(n > 0);
		len += (unsigned)n;
		packets++;
	}
	assert_int_equal(len, total);
	assert_true(packets <= total / 10);
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

/* ---- input ---- */

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

static int use_engine(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	alarm(60);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			output_that_nobody_reads_is_dropped_and_counted),
		cmocka_unit_test(a_late_reader_gets_the_newest_bytes),
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
	int failed;

	engine = LOOP_AUTO;
	failed = cmocka_run_group_tests_name("tty", tests, use_engine, NULL);
	engine = LOOP_EPOLL;
	return failed + cmocka_run_group_tests_name(
				"tty on epoll", tests, use_engine, NULL);
}
