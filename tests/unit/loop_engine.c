/* SPDX-License-Identifier: Apache-2.0 */
/* loop_engine.c - which engine serves, what an idle loop costs, failures */
#include "tests/unit/loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- hosts that forbid io_uring ---- */

/* From now on the system call `nr` fails with `error`. */
static void forbid(unsigned nr, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(100);
}

/* What a child, which may not make an io_uring, finds; 0 is as it should be. */
static int child_with_a_refused_ring(int error, const char *cause)
{
	struct loop *loop = NULL;

	if (loop_new(LOOP_AUTO, &loop) < 0)
		return 1;
	if (strcmp(loop_engine_name(loop), "epoll") != 0)
		return 2;
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
	if (loop_new(LOOP_IO_URING, &loop) != -error)
		return 3;
	if (!strstr(err_text(), cause))
		return 4;
	if (!strstr(err_text(), "--loop-engine epoll"))
		return 5;
	return 0;
}

static int child_without_io_uring(int error, const char *cause)
{
	forbid(__NR_io_uring_setup, error);
	return child_with_a_refused_ring(error, cause);
}

static int child_without_register(int error, const char *cause)
{
	forbid(__NR_io_uring_register, error);
	return child_with_a_refused_ring(error, cause);
}

/* Run `child` in a process of its own; it must return 0. */
static void check_child(
	int (*child)(int, const char *), int error, const char *cause)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child(error, cause));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void epoll_serves_where_seccomp_forbids_io_uring(void **state)
{
	(void)state;
	check_child(child_without_io_uring, EPERM, "forbids io_uring");
}

static void epoll_serves_where_seccomp_forbids_to_set_a_ring_up(void **state)
{
	loop_of(state);
	check_child(child_without_register, EPERM, "io_uring_register");
}

static void epoll_serves_where_the_kernel_has_no_io_uring(void **state)
{
	(void)state;
	check_child(child_without_io_uring, ENOSYS, "has no io_uring");
}

static void epoll_serves_where_locked_memory_is_short(void **state)
{
	(void)state;
	check_child(child_without_io_uring, ENOMEM, "ulimit -l");
}

static void auto_takes_io_uring_where_it_can_be_had(void **state)
{
	struct loop *loop;

	loop_of(state);
	assert_int_equal(loop_new(LOOP_AUTO, &loop), 0);
	assert_string_equal(loop_engine_name(loop), "io_uring");
	loop_free(loop);
}

/* ---- failures ---- */

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Fail the first descriptor that is wanted, then the second, … */
static void check_failures(enum loop_engine engine)
{
	unsigned before = open_descriptors();
	struct rlimit limit, tight;
	struct loop *loop = NULL;
	int lowest = dup(0), rc;

	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	tight = limit;
	for (unsigned n = 0;; n++) {
		tight.rlim_cur = (rlim_t)lowest + n;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
		rc = loop_new(engine, &loop);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		if (rc == 0)
			break;
		assert_int_equal(rc, -EMFILE);
		assert_true(n < 10);
		assert_null(loop);
		assert_int_equal(open_descriptors(), before);
	}
	loop_free(loop);
	assert_int_equal(open_descriptors(), before);
}

static void io_uring_leaks_nothing_when_descriptors_run_out(void **state)
{
	loop_of(state);
	check_failures(LOOP_IO_URING);
}

static void epoll_leaks_nothing_when_descriptors_run_out(void **state)
{
	loop_of(state);
	check_failures(LOOP_EPOLL);
}

struct lone_op {
	struct loop_op op;
	struct loop *loop;
	int res;
};

static void lone_op_done(struct loop_op *op, int res)
{
	struct lone_op *t = container_of(op, struct lone_op, op);

	t->res = res;
	loop_stop(t->loop);
}

static int child_without_threads(int error, const char *cause)
{
	struct lone_op t = { .op = { .code = LOOP_FDATASYNC,
				     .done = lone_op_done } };

	(void)cause;
	forbid(__NR_clone, error);
	forbid(__NR_clone3, error);
	if (loop_new(LOOP_EPOLL, &t.loop) < 0)
		return 1;
	loop_submit(t.loop, &t.op);
	loop_run(t.loop);
	loop_free(t.loop);
	return t.res == -error ? 0 : 2;
}

static void op_is_done_with_the_error_when_no_thread_can_be_had(void **state)
{
	(void)state;
	check_child(child_without_threads, EAGAIN, NULL);
}

static void loop_free_of_nothing_is_fine(void **state)
{
	(void)state;
	assert_null(loop_free(NULL));
}

/* ---- what it costs ---- */

#define BURST 200

struct burst {
	struct loop *loop;
	unsigned left;
	struct {
		struct loop_op op;
		struct burst *burst;
		struct iovec iov;
		char byte;
	} reads[BURST];
};

static void read_done(struct loop_op *op, int res)
{
	struct burst *b =
		(container_of(op, __typeof__(b->reads[0]), op))->burst;

	(void)res;
	if (--b->left == 0)
		loop_stop(b->loop);
}

static uint64_t metric(const char *name)
{
	for (unsigned i = 0; i < loop_metrics.count; i++)
		if (strcmp(loop_metrics.metrics[i].name, name) == 0)
			return metric_get(&loop_metrics.metrics[i]);
	fail_msg("no metric %s", name);
	return 0;
}

static void burst_of_reads_that_need_no_waiting_costs_one_system_call(
	void **state)
{
	struct burst *b = calloc(1, sizeof(*b));
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	uint64_t enters = metric("system_enters");
	uint64_t ops = metric("ops_submitted"), done = metric("completions");

	b->loop = loop_of(state);
	b->left = BURST;
	for (unsigned i = 0; i < BURST; i++) {
		b->reads[i].burst = b;
		b->reads[i].iov = (struct iovec){ &b->reads[i].byte, 1 };
		b->reads[i].op = (struct loop_op){ .code = LOOP_READV,
			.fd = fd,
			.iov = &b->reads[i].iov,
			.iov_count = 1,
			.done = read_done };
		loop_submit(b->loop, &b->reads[i].op);
	}
	loop_run(b->loop);
	assert_int_equal(metric("system_enters") - enters, 1);
	assert_int_equal(metric("ops_submitted") - ops, BURST);
	assert_int_equal(metric("completions") - done, BURST);
	close(fd);
	free(b);
}

struct idler {
	struct loop *loop;
	struct loop_poller poller;
	struct loop_call ready;
	struct completion started;
	pid_t tid;
};

static bool poll_nothing(struct loop_poller *poller)
{
	(void)poller;
	return false;
}

static void tell_tid(struct loop_call *call)
{
	struct idler *idler = container_of(call, struct idler, ready);

	idler->tid = (pid_t)syscall(__NR_gettid);
	completion_signal(&idler->started, 0);
}

static void *serve(void *arg)
{
	loop_run(((struct idler *)arg)->loop);
	return NULL;
}

/* Switches of a thread: each system call that waits, and each wake-up, is one. */
static unsigned long switches(pid_t tid)
{
	unsigned long voluntary = 0, n;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1)
			voluntary = n;
	fclose(f);
	return voluntary;
}

static bool is_asleep(pid_t tid)
{
	char path[64], word[8] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	f = fopen(path, "r");
	assert_non_null(f);
	(void)!fscanf(f, "%7s", word);
	fclose(f);
	return strcmp(word, "running") != 0;
}

static void idle_loop_makes_no_system_call(void **state)
{
	struct idler idler = { .started = COMPLETION_INIT };
	unsigned long before;
	uint64_t enters;
	pthread_t thread;

	idler.loop = loop_of(state);
	idler.poller.poll = idler.poller.arm = poll_nothing;
	idler.ready.fn = tell_tid;
	loop_poller_add(idler.loop, &idler.poller);
	loop_call(idler.loop, &idler.ready);
	assert_int_equal(thread_start(&thread, "idler", serve, &idler), 0);
	completion_wait(&idler.started);
	do
		usleep(5000);
	while (!is_asleep(idler.tid));
	before = switches(idler.tid);
	enters = metric("system_enters");
	usleep(100000);
	assert_true(is_asleep(idler.tid));
	assert_int_equal(switches(idler.tid), before);
	assert_int_equal(metric("system_enters"), enters);
	loop_stop(idler.loop);
	pthread_join(thread, NULL);
	assert_true(metric("system_enters") >= enters);
	loop_poller_del(idler.loop, &idler.poller);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(epoll_serves_where_seccomp_forbids_io_uring),
		ON_URING(epoll_serves_where_seccomp_forbids_to_set_a_ring_up),
		cmocka_unit_test(epoll_serves_where_the_kernel_has_no_io_uring),
		cmocka_unit_test(epoll_serves_where_locked_memory_is_short),
		ON_URING(auto_takes_io_uring_where_it_can_be_had),
		ON_URING(io_uring_leaks_nothing_when_descriptors_run_out),
		ON_EPOLL(epoll_leaks_nothing_when_descriptors_run_out),
		cmocka_unit_test(
			op_is_done_with_the_error_when_no_thread_can_be_had),
		cmocka_unit_test(loop_free_of_nothing_is_fine),
		ON_URING(
			burst_of_reads_that_need_no_waiting_costs_one_system_call),
		ON_BOTH(idle_loop_makes_no_system_call),
	};

	alarm(30);
	return cmocka_run_group_tests_name("loop_engine", tests, NULL, NULL);
}
