/* SPDX-License-Identifier: MIT */
/* The control socket's blocking client, for commands. Every wait has an end; any thread, one at a time. */
#include "station/journal/access.h"
#include "station/control/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "station/control/rpc.h"

struct control_client {
	int fd;
	int64_t timeout_ms, next_id;
	struct buf in;
};

/* --- waiting --- */

static int too_late(const struct control_client *c, struct error *err) {
	return error_set(
		err, ERR_TIMEOUT, "the engine does not answer within %.1f s; look at its log", (double)c->timeout_ms / 1000);
}

/* e: errno, 0 for an orderly end. */
static int gone(struct error *err, int e) {
	static const char text[] = "the engine closed the connection; look whether it still runs";
	return e ? error_errno(err, ERR_NOT_FOUND, e, "%s", text) : error_set(err, ERR_NOT_FOUND, "%s", text);
}

static int wait_for(const struct control_client *c, short events, int64_t deadline, struct error *err) {
	for (;;) {
		int64_t left = deadline - clock_mono_ms();
		if (left <= 0) return too_late(c, err);
		struct pollfd p = {.fd = c->fd, .events = events};
		int n = poll(&p, 1, (int)MIN(left, INT32_MAX));
		if (n > 0) return 0;
		if (n < 0 && errno != EINTR) return error_errno(err, ERR_INTERNAL, errno, "cannot wait for the engine");
	}
}

static int send_all(struct control_client *c, const char *bytes, size_t n, int64_t deadline, struct error *err) {
	while (n) {
		ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) return gone(err, errno);
		if (sent < 0 && wait_for(c, POLLOUT, deadline, err)) return -1;
		if (sent < 0) continue;
		bytes += sent;
		n -= (size_t)sent;
	}
	return 0;
}

/* The next line into *ret_n (without its end), at the start of c->in. */
static int read_line(struct control_client *c, int64_t deadline, size_t *ret_n, struct error *err) {
	char chunk[16384];
	for (size_t seen = 0;;) {
		const char *end = c->in.len > seen ? memchr(c->in.data + seen, '\n', c->in.len - seen) : NULL;
		if (end) return *ret_n = (size_t)(end - c->in.data), 0;
		seen = c->in.len;
		ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
		if (n == 0) return gone(err, 0);
		if (n < 0 && errno != EAGAIN && errno != EINTR) return gone(err, errno);
		if (n < 0 && wait_for(c, POLLIN, deadline, err)) return -1;
		if (n > 0) buf_add(&c->in, chunk, (size_t)n);
		if (buf_check(&c->in, "the engine's answer", err)) return -1;
	}
}

/* --- calling --- */

static int read_answer(struct control_client *c, int64_t id, int64_t deadline, cJSON **ret, struct error *err) {
	size_t n;
	AUTO(rpc_said_done) struct rpc_said said = {0};
	if (read_line(c, deadline, &n, err)) return -1;
	int bad = rpc_said(&said, c->in.data, n, err);
	buf_consume(&c->in, n + 1);
	if (bad) return error_prefix(err, "the engine's answer");
	if (!said.result && !said.method) {
		*err = said.refusal;
		return -1;
	}
	if (said.id != id) {
		return error_set(
			err, ERR_INPUT, "the engine answered request %lld, %lld was asked", (long long)said.id, (long long)id);
	}
	*ret = json_take(said.line, "result");
	return 0;
}

int control_call(struct control_client *c, const char *method, cJSON *params, cJSON **ret_result, struct error *err) {
	int64_t deadline = clock_mono_ms() + c->timeout_ms, id = c->next_id++;
	AUTO(xfree) char *line = rpc_request(id, method, params);
	size_t n = strlen(line);
	if (n > CONTROL_LINE_MAX + 1) {
		return error_set(
			err, ERR_USAGE, "a request of %zu bytes is too long for the engine; name fewer sessions", n - 1);
	}
	if (send_all(c, line, n, deadline, err)) return -1;
	return read_answer(c, id, deadline, ret_result, err);
}

/* --- connecting --- */

static int no_engine(struct error *err, int e, const char *state_dir) {
	if (e == EACCES || e == EPERM) return station_denied(err, state_dir);
	if (e == ENOENT || e == ECONNREFUSED || e == ENOTDIR) {
		return error_set(err, ERR_NOT_FOUND, "no engine runs for %s; start one with: headgate run", state_dir);
	}
	return error_errno(err, ERR_DISK, e, "cannot reach the engine of %s", state_dir);
}

int control_dial(const char *state_dir, int *ret_fd, struct error *err) {
	struct sockaddr_un address;
	AUTO(fd_close) int dir = -1;
	if (control_address(state_dir, &address, &dir, err)) return -1;
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return error_errno(err, ERR_INTERNAL, errno, "cannot make a socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
		if (errno != EAGAIN && errno != EINTR) return no_engine(err, errno, state_dir);
		return error_set(err, ERR_TIMEOUT, "the engine of %s is busy; it is asked again", state_dir);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* A full backlog of a busy engine says EAGAIN (unix(7)): asked again until the time is over. */
static int connect_until(struct control_client *c, const char *state_dir, int64_t deadline, struct error *err) {
	struct sockaddr_un address;
	AUTO(fd_close) int dir = -1;
	if (control_address(state_dir, &address, &dir, err)) return -1;
	while (connect(c->fd, (struct sockaddr *)&address, sizeof address)) {
		if (errno != EAGAIN && errno != EINTR) return no_engine(err, errno, state_dir);
		if (clock_mono_ms() >= deadline) return too_late(c, err);
		poll(NULL, 0, 5);
	}
	return 0;
}

static int say_hello(struct control_client *c, struct error *err) {
	AUTO(json_free) cJSON *result = NULL;
	return control_call(c, "hello", rpc_hello(), &result, err) ? -1 : rpc_greeted(result, true, err);
}

int control_connect(struct control_client **ret, const char *state_dir, int64_t timeout_ms, struct error *err) {
	AUTO(control_close) struct control_client *c = xcalloc(1, sizeof *c);
	c->timeout_ms = timeout_ms;
	c->next_id = 1;
	c->in = BUF_INIT(CONTROL_QUEUE_MAX + 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0) return error_errno(err, ERR_INTERNAL, errno, "cannot make a socket");
	if (connect_until(c, state_dir, clock_mono_ms() + timeout_ms, err) || say_hello(c, err)) return -1;
	*ret = TAKE(c);
	return 0;
}

void control_close(struct control_client *c) {
	if (!c) return;
	if (c->fd >= 0) close(c->fd);
	buf_done(&c->in);
	free(c);
}
