/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - one request over a connection of its own */
#include "vmm/api/client.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/thread.h"

#define ANSWER_MAX  MIB
#define NO_DEADLINE UINT64_MAX

static void cleanup_reader_fn(struct http_reader **reader)
{
	http_reader_free(*reader);
}

static const char *remedy(int error)
{
	switch (error) {
	case ENOENT:
		return "give the socket that the VM was started with "
		       "(muster run --control)";
	case ECONNREFUSED:
		return "its VM has ended";
	case EACCES:
		return "only the user who runs the VM may";
	default:
		return "give the socket of a running VM";
	}
}

/* ---- time ---- */

/* For poll(): what is left, -1 without an end. */
static int left_ms(uint64_t deadline_ns)
{
	uint64_t now = now_ns();

	if (deadline_ns == NO_DEADLINE)
		return -1;
	if (now >= deadline_ns)
		return 0;
	return (int)MIN((deadline_ns - now) / 1000000 + 1, INT_MAX);
}

static int too_late(const struct client_request *request)
{
	return err_set(-ETIMEDOUT,
		"no answer within %g s; what was asked may still be done",
		(double)request->timeout_ms / 1000);
}

/* A server that is stuck accepts nobody, and its queue may be full. */
static void limit_connect(int fd, uint64_t timeout_ms)
{
	struct timeval time = { (time_t)(timeout_ms / 1000),
		(suseconds_t)(timeout_ms % 1000 * 1000) };

	if (timeout_ms)
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

/* ---- one request ---- */

static int connect_to(const struct client_request *request, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *path = request->path;

	if (fd < 0)
		return err_set(-errno, "socket: %s", strerror(errno));
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(-ENAMETOOLONG, "too long for a socket");
	strcpy(address.sun_path, path);
	limit_connect(fd, request->timeout_ms);
	if (connect(fd, (const void *)&address, sizeof(address)))
		return errno == EAGAIN
			       ? too_late(request)
			       : err_set(-errno, "cannot connect: %s; %s",
					 strerror(errno), remedy(errno));
	*ret_fd = steal_fd(&fd);
	return 0;
}

static void put_request(const struct client_request *request, struct buf *out)
{
	const char *body = request->body;

	buf_printf(out,
		"%s %s HTTP/1.1\r\n"
		"Host: localhost\r\n"
		"Connection: close\r\n",
		api_method_names[request->method], request->target);
	if (body)
		buf_printf(out,
			"Content-Type: application/json\r\n"
			"Content-Length: %zu\r\n",
			strlen(body));
	buf_printf(out, "\r\n");
	if (body)
		buf_append(out, body, strlen(body));
}

/* A server that refuses while we send has said why: that is read then. */
static void send_all(int fd, const struct buf *out)
{
	size_t done = 0;

	while (done < out->len) {
		ssize_t n = send(
			fd, out->data + done, out->len - done, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return;
		done += n > 0 ? (size_t)n : 0;
	}
}

/* The next bytes, 0 at the end; -ETIMEDOUT. */
static ssize_t receive_some(
	int fd, char *data, size_t len, uint64_t deadline_ns)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	ssize_t n;

	do {
		int ready = poll(&wait, 1, left_ms(deadline_ns));

		if (!ready)
			return -ETIMEDOUT;
		n = ready < 0 ? -1 : recv(fd, data, len, 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? 0 : n;
}

static int receive(int fd, const struct client_request *request,
	uint64_t deadline_ns, struct http_reader *reader)
{
	char data[4096];
	int rc = HTTP_MORE;

	while (rc != HTTP_DONE) {
		ssize_t n = receive_some(fd, data, sizeof(data), deadline_ns);
		size_t used;

		if (n == -ETIMEDOUT)
			return too_late(request);
		if (!n && http_reader_streams(reader))
			return 0;
		if (!n)
			return err_set(
				-ECONNRESET, "the VM ended before it answered");
		rc = http_read(reader, data, (size_t)n, &used);
		if (rc < 0)
			return rc;
		if (http_reader_streams(reader))
			deadline_ns = NO_DEADLINE;
	}
	return 0;
}

static int ask(const struct client_request *request, struct http_reader *reader)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	CLEANUP_CLOSE int fd = -1;
	uint64_t deadline_ns = request->timeout_ms
				       ? now_ns() +
						 request->timeout_ms * 1000000
				       : NO_DEADLINE;
	int rc;

	put_request(request, &text);
	if (text.failed)
		return err_set(-ENOMEM, "no memory for a request");
	rc = connect_to(request, &fd);
	if (rc)
		return rc;
	send_all(fd, &text);
	return receive(fd, request, deadline_ns, reader);
}

int client_ask(const struct client_request *request, struct client_answer *ret)
{
	CLEANUP(cleanup_reader_fn)
	struct http_reader *reader = http_reader_new(
		HTTP_OF_SERVER, ANSWER_MAX);
	const struct http_message *answer;
	int rc;

	if (!reader)
		return err_set(-ENOMEM, "no memory for a request");
	if (request->stream)
		http_reader_stream(reader, request->stream, request->owner);
	rc = ask(request, reader);
	if (rc)
		return err_wrap(rc, "%s%s", request->label, request->path);
	answer = http_reader_message(reader);
	*ret = (struct client_answer){ .status = answer->status };
	if (answer->body)
		ret->body = strdup(answer->body);
	return 0;
}

void client_answer_fini(struct client_answer *answer)
{
	free(answer->body);
	answer->body = NULL;
}
