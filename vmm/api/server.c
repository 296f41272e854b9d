/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - accept clients, and see to it that none stays for ever */
#include "vmm/api/server.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vmm/api/conn.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"

#define MS_NS           1000000ull
#define LINGER_MS       1000
#define ACCEPT_RETRY_MS 1000
#define ACCEPTS_MAX     16 /* at a time */
#define FULL_SENTENCE                                                       \
	"too many connections; this socket serves 10 at a time, close one " \
	"first"

static_assert(SERVER_CONNECTIONS_MAX == 10, "FULL_SENTENCE says so");

/* ---- time ---- */

void server_wake_at(struct server *server, uint64_t time_ns)
{
	uint64_t now = now_ns();

	if (time_ns == NEVER ||
		(server->timer_at_ns && server->timer_at_ns <= time_ns))
		return;
	server->timer_at_ns = time_ns;
	loop_timer_set(&server->timer, time_ns > now ? time_ns - now : 1);
}

/* ---- clients ---- */

static struct conn *find_free(struct conn *conn, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!conn_is_open(&conn[i]))
			return &conn[i];
	return NULL;
}

unsigned server_connections(const struct server *server)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SERVER_CONNECTIONS_MAX; i++)
		n += conn_is_open(&server->conn[i]);
	return n;
}

void server_add(struct server *server, int fd)
{
	struct conn *conn = find_free(server->conn, SERVER_CONNECTIONS_MAX);

	claim_loop_thread();
	if (conn) {
		conn_open(conn, fd);
		return;
	}
	conn = find_free(server->conn + SERVER_CONNECTIONS_MAX, REFUSALS_MAX);
	if (conn)
		conn_refuse(conn, fd, STATUS_FULL, FULL_SENTENCE);
	else
		close_fd(fd);
}

/* Those that we lack descriptors for are for the timer. */
static void accept_clients(struct server *server) ON_LOOP
{
	for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0) {
			server_add(server, fd);
			continue;
		}
		if (errno == EAGAIN)
			return;
		log_limited(LOG_WARN, "a client cannot be accepted: %s",
			strerror(errno));
		server_wake_at(server, now_ns() + ACCEPT_RETRY_MS * MS_NS);
		return;
	}
	server->accept_again = true;
	loop_defer(server->loop, &server->again);
}

/* ---- events ---- */

static void clients_come(struct loop_watch *watch, uint32_t events) ON_LOOP
{
	(void)events;
	accept_clients(container_of(watch, struct server, accepts));
}

static void time_is_up(struct loop_timer *timer) ON_LOOP
{
	struct server *server = container_of(timer, struct server, timer);

	server->timer_at_ns = 0;
	if (server->listener.fd >= 0)
		accept_clients(server);
	for (unsigned i = 0; i < CONNS_MAX; i++) {
		struct conn *conn = &server->conn[i];

		conn_check_time(conn);
		if (conn_is_open(conn))
			server_wake_at(server, conn->deadline_ns);
	}
}

static void serve_again(struct loop_defer *defer) ON_LOOP
{
	struct server *server = container_of(defer, struct server, again);

	if (server->accept_again) {
		server->accept_again = false;
		accept_clients(server);
	}
	for (unsigned i = 0; i < CONNS_MAX; i++) {
		struct conn *conn = &server->conn[i];

		if (conn->again) {
			conn->again = false;
			conn_serve(conn);
		}
	}
}

/* ---- making and freeing ---- */

static void set_times(struct server *server)
{
	const struct server_options *o = &server->options;
	const struct {
		enum conn_phase phase;
		unsigned ms, fallback;
	} times[] = {
		{ CONN_IDLE, o->idle_ms, SERVER_IDLE_MS },
		{ CONN_REQUEST, o->request_ms, SERVER_REQUEST_MS },
		{ CONN_REPLY, o->reply_ms, SERVER_REPLY_MS },
		{ CONN_LINGER, 0, LINGER_MS },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(times); i++)
		server->phase_ns[times[i].phase] =
			(times[i].ms ? times[i].ms : times[i].fallback) * MS_NS;
}

static int make_conns(struct server *server)
{
	size_t body_max = server->options.body_max;

	for (unsigned i = 0; i < CONNS_MAX; i++) {
		struct conn *conn = &server->conn[i];

		conn->reader = http_reader_new(
			HTTP_OF_CLIENT, body_max ? body_max : HTTP_BODY_MAX);
		if (!conn->reader)
			return err_set(-ENOMEM, "no memory for a server");
	}
	return 0;
}

static int start_listening(struct server *server)
{
	const struct server_options *o = &server->options;
	int rc;

	if (!o->path && !o->fd)
		return 0;
	rc = o->fd ? listener_adopt(&server->listener, o->label, o->fd)
		   : listener_open(&server->listener, o->label, o->path);
	if (rc)
		return rc;
	server->accepts.fd = server->listener.fd;
	return loop_watch_add(server->loop, &server->accepts);
}

int server_new(struct loop *loop, const struct server_options *options,
	struct server **ret)
{
	struct server *server = calloc(1, sizeof(*server));
	int rc;

	if (!server)
		return err_set(-ENOMEM, "no memory for a server");
	server->loop = loop;
	server->options = *options;
	server->listener = (struct listener)LISTENER_INIT;
	server->accepts = (struct loop_watch){ .events = POLLIN,
		.ready = clients_come };
	server->again.fn = serve_again;
	for (unsigned i = 0; i < CONNS_MAX; i++) {
		server->conn[i].server = server;
		server->conn[i].watch.fd = -1;
	}
	set_times(server);
	rc = loop_timer_init(loop, &server->timer, time_is_up);
	if (!rc)
		rc = make_conns(server);
	if (!rc)
		rc = start_listening(server);
	if (rc) {
		server_free(server);
		return rc;
	}
	*ret = server;
	return 0;
}

struct server *server_free(struct server *server)
{
	if (!server)
		return NULL;
	claim_loop_thread();
	for (unsigned i = 0; i < CONNS_MAX; i++) {
		/* The last events, as far as their reader has room for them. */
		if (server->conn[i].stream)
			conn_serve(&server->conn[i]);
		conn_close(&server->conn[i]);
		http_reader_free(server->conn[i].reader);
	}
	if (server->listener.fd >= 0)
		loop_watch_del(server->loop, &server->accepts);
	listener_close(&server->listener);
	loop_timer_fini(server->loop, &server->timer);
	free(server);
	return NULL;
}
