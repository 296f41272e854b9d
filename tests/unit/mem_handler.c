/* SPDX-License-Identifier: Apache-2.0 */
/* mem_handler.c - another process gives the pages, in Firecracker's handshake */
#include "tests/unit/memkit.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/mem_handler.h"

/* ---- the handler: a process that serves a memory file ---- */

static int receive(int socket, char *text, size_t room)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { text, room - 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(socket, &message, 0);
	int uffd;

	if (n <= 0 || !CMSG_FIRSTHDR(&message))
		exit(10);
	text[n] = '\0';
	memcpy(&uffd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(uffd));
	return uffd;
}

static uint64_t member(const json_t *region, const char *name)
{
	const json_t *value = json_object_get(region, name);

	if (!json_is_integer(value))
		exit(11);
	return (uint64_t)json_integer_value(value);
}

/* Where in the file an address is. */
static uint64_t find(const json_t *regions, uint64_t address)
{
	for (size_t i = 0; i < json_array_size(regions); i++) {
		const json_t *r = json_array_get(regions, i);
		uint64_t offset = address - member(r, "base_host_virt_addr");

		if (member(r, "page_size") != MEM_PAGE_SIZE ||
			member(r, "page_size_kib") != MEM_PAGE_SIZE)
			exit(12);
		if (offset < member(r, "size"))
			return member(r, "offset") + offset;
	}
	exit(13);
}

static void serve(int uffd, const json_t *regions, int file)
{
	static uint8_t page[MEM_PAGE_SIZE] __attribute__((aligned(4096)));
	struct uffd_msg message;

	for (;;) {
		struct pollfd wait = { uffd, POLLIN, 0 };
		struct uffdio_copy copy;

		poll(&wait, 1, -1);
		if (read(uffd, &message, sizeof(message)) != sizeof(message))
			continue;
		if (message.event != UFFD_EVENT_PAGEFAULT)
			exit(14);
		copy = (struct uffdio_copy){
			.dst = align_down(
				message.arg.pagefault.address, MEM_PAGE_SIZE),
			.src = (uintptr_t)page,
			.len = MEM_PAGE_SIZE,
		};
		if (pread(file, page, sizeof(page),
			    (off_t)find(regions, copy.dst)) != sizeof(page))
			exit(15);
		ioctl(uffd, UFFDIO_COPY, &copy);
	}
}

static pid_t start_handler(const char *path, const char *memory)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[1024];
	int client, uffd;
	pid_t pid;

	strcpy(address.sun_path, path);
	assert_int_equal(
		bind(socket_fd, (struct sockaddr *)&address, sizeof(address)),
		0);
	assert_int_equal(listen(socket_fd, 1), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid) {
		close(socket_fd);
		return pid;
	}
	client = accept(socket_fd, NULL, NULL);
	uffd = receive(client, text, sizeof(text));
	serve(uffd, json_loads(text, 0, NULL), open(memory, O_RDONLY));
	exit(0);
}

static void stop_handler(pid_t pid)
{
	int status;

	/* It was there until now. */
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

/* ---- tests ---- */

static bool connect_memory(
	const char *path, struct mem *mem, struct mem_handler *handler)
{
	int rc = mem_handler_connect("--memory-handler ", path, mem, handler);

	if (!rc)
		return true;
	if (rc == -EPERM || rc == -ENOSYS)
		return false;
	fail_msg("%s", err_text());
	return false;
}

static void pages_come_from_the_handler(void **state)
{
	struct kit_path path = kit_path("socket");
	struct mem_handler handler;
	struct mem mem, back;
	pid_t pid;

	(void)state;
	assert_int_equal(mem_init(&mem, KIT_RAM), 0);
	kit_fill_pages(&mem, 1);
	kit_save("m", &mem, NULL, 1, NULL);
	pid = start_handler(path.s, kit_path("m").s);
	assert_int_equal(mem_init(&back, KIT_RAM), 0);
	if (!connect_memory(path.s, &back, &handler)) {
		stop_handler(pid);
		printf("skipped, CAP_SYS_PTRACE is missing: %s\n", __func__);
		skip();
	}
	assert_int_equal(back.backing, MEM_HANDLER);
	kit_same(&mem, &back);
	stop_handler(pid);
	mem_handler_fini(&handler);
	mem_fini(&back);
	mem_fini(&mem);
}

/* Every page must be asked for: nobody here knows which are zeros. */
static void a_snapshot_asks_the_handler_for_what_is_not_there(void **state)
{
	struct kit_path path = kit_path("socket");
	struct mem_handler handler;
	struct mem mem, back;
	struct memfile file;
	pid_t pid;

	(void)state;
	assert_int_equal(mem_init(&mem, 4 * MIB), 0);
	kit_fill_pages(&mem, 1);
	kit_save("m", &mem, NULL, 1, NULL);
	pid = start_handler(path.s, kit_path("m").s);
	assert_int_equal(mem_init(&back, 4 * MIB), 0);
	if (!connect_memory(path.s, &back, &handler)) {
		stop_handler(pid);
		printf("skipped, CAP_SYS_PTRACE is missing: %s\n", __func__);
		skip();
	}
	kit_fill(&back, 1, 2);
	kit_fill(&mem, 1, 2);
	kit_save("n", &back, NULL, 2, NULL);
	stop_handler(pid);
	mem_handler_fini(&handler);
	mem_fini(&back);
	kit_load("n", 2, &file, &back);
	kit_same(&mem, &back);
	memfile_close(&file);
	mem_fini(&back);
	mem_fini(&mem);
}

static void a_handler_that_is_gone_hangs_up(void **state)
{
	struct kit_path path = kit_path("socket");
	struct mem_handler handler;
	struct pollfd wait;
	struct mem mem;
	pid_t pid;

	(void)state;
	pid = start_handler(path.s, "/dev/zero");
	assert_int_equal(mem_init(&mem, 4 * MIB), 0);
	if (!connect_memory(path.s, &mem, &handler)) {
		stop_handler(pid);
		printf("skipped, CAP_SYS_PTRACE is missing: %s\n", __func__);
		skip();
	}
	wait = (struct pollfd){ handler.socket, POLLIN, 0 };
	assert_int_equal(poll(&wait, 1, 0), 0);
	stop_handler(pid);
	assert_int_equal(poll(&wait, 1, 5000), 1);
	assert_true(wait.revents & POLLHUP);
	mem_handler_fini(&handler);
	mem_fini(&mem);
}

static void a_handler_that_does_not_listen_is_named(void **state)
{
	struct mem_handler handler = MEM_HANDLER_INIT;
	char path[200];
	struct mem mem;
	int rc;

	(void)state;
	assert_int_equal(mem_init(&mem, 4 * MIB), 0);
	rc = mem_handler_connect(
		"--memory-handler ", "/nowhere/socket", &mem, &handler);
	if (rc == -EPERM || rc == -ENOSYS) {
		printf("skipped, CAP_SYS_PTRACE is missing: %s\n", __func__);
		skip();
	}
	assert_int_equal(rc, -ENOENT);
	kit_says("--memory-handler /nowhere/socket: cannot connect",
		"start the handler first", NULL);
	assert_int_equal(handler.uffd, -1);
	/* The memory is still zeros, and no fault waits for anybody. */
	assert_int_equal(mem.backing, MEM_ZERO);
	assert_int_equal(*(uint8_t *)mem_ptr(&mem, GPA(0), 1), 0);

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(
		mem_handler_connect("", path, &mem, &handler), -ENAMETOOLONG);
	mem_fini(&mem);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_come_from_the_handler),
		TEST(a_snapshot_asks_the_handler_for_what_is_not_there),
		TEST(a_handler_that_is_gone_hangs_up),
		TEST(a_handler_that_does_not_listen_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
