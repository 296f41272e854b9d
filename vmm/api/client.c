/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - one request over a connection of its own */
#include "vmm/api/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define ANSWER_MAX MIB

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

static int connect_to(const char *label, const char *path, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(-errno, "socket: %s", strerror(errno));
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(-ENAMETOOLONG, "%s%s: too long for a socket",
			label, path);
	strcpy(address.sun_path, path);
	if (connect(fd, (const void *)&address, sizeof(address)))
		return err_set(-errno, "%s%s: cannot connect: %s; %s", label,
			path, strerror(errno), remedy(errno));
	*ret_fd = steal_fd(&fd);
	return 0;
}

static void put_request(enum api_method method, const char *target,
	const char *body, struct buf *out)
{
	buf_printf(out,
		"%s %s HTTP/1.1\r\n"
		"Host: localhost\r\n"
		"Connection: close\r\n",
		api_method_names[method], target);
	if (body)
		buf_printf(out,
			"Content-Type: application/json\r\n"
			"Content-Length: %zu\r\n",
			strlen(body));
	buf_printf(out, "\r\n%s", body ? body : "");
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

static int receive(int fd, struct http_reader *reader)
{
	char data[4096];
	int rc = HTTP_MORE;

	while (rc != HTTP_DONE) {
		ssize_t n = recv(fd, data, sizeof(data), 0);
		size_t used;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(
				-ECONNRESET, "the VM ended before it answered");
		rc = http_read(reader, data, (size_t)n, &used);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int client_ask(const char *label, const char *path, enum api_method method,
	const char *target, const char *body, struct client_answer *ret)
{
	CLEANUP(cleanup_reader_fn)
	struct http_reader *reader = http_reader_new(
		HTTP_OF_SERVER, ANSWER_MAX);
	CLEANUP(buf_fini) struct buf request = BUF_INIT;
	CLEANUP_CLOSE int fd = -1;
	const struct http_message *answer;
	int rc;

	put_request(method, target, body, &request);
	if (!reader || request.failed)
		return err_set(-ENOMEM, "no memory for a request");
	rc = connect_to(label, path, &fd);
	if (rc)
		return rc;
	send_all(fd, &request);
	rc = receive(fd, reader);
	if (rc)
		return err_wrap(rc, "%s%s", label, path);
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
