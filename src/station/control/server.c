/* SPDX-License-Identifier: MIT */
/* The control socket's server: clients, their buffers and ceilings. Loop thread.
 *
 * Invariants of a peer. `in` holds what was read and not yet answered; `sending` is with libuv while `writing`; `out`
 * comes after it. Reading goes on only while there is no whole line left to answer, the batch of this tick is not used
 * up and less than QUEUE_LOW is waiting to be sent: a client that floods or never reads fills its own socket, not us.
 * An answer that waits for the journal is `held`; what else the peer asks comes after it.
 * A subscriber is sent a status only when nothing waits for it any more; `stale` says that it missed one.
 * A peer is freed in its close callback, nowhere else; the server in the last one of its handles. */
#include "station/control/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "station/control/rpc.h"

#define READ_BYTES (64 * 1024)
#define QUEUE_LOW (64 * 1024)
#define BACKLOG 16

struct peer {
	struct peer *next;
	struct control_server *server;
	uv_pipe_t pipe;
	uv_write_t write;
	struct buf in, out, sending;
	char *held;
	int64_t held_until; /* as many changes are committed */
	struct answer_client client;
	unsigned uid;
	bool stale; /* a status was left out */
	bool writing, reading, ended /* it sends no more */, closing;
	int batch; /* requests still to be answered in this tick */
};

struct control_server {
	uv_loop_t *loop;
	uv_pipe_t listener;
	uv_timer_t tick; /* runs while some peer waits for its next batch */
	uv_timer_t push; /* runs while subscribers wait for the status */
	int64_t pushed_ms;
	char *pushed; /* the last status, without its time */
	struct control_options options;
	char *path, *instance;
	struct peer *peers;
	int peer_n, handles; /* handles: those whose close callback is still to come */
	int answering;		 /* in a handler: closing waits for its end */
	unsigned caller;	 /* whose request that is */
	bool closing, close_wanted;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
	char read_buffer[READ_BYTES];
};

static void server_close_now(struct control_server *s);

/* --- a peer's end --- */

static void server_released(struct control_server *s) {
	if (--s->handles) return;
	void (*on_closed)(void *) = s->on_closed;
	void *arg = s->on_closed_arg;
	free(s->path);
	free(s->instance);
	free(s->pushed);
	free(s);
	if (on_closed) on_closed(arg);
}

static void on_peer_closed(uv_handle_t *handle) {
	struct peer *p = handle->data;
	struct control_server *s = p->server;
	for (struct peer **at = &s->peers; *at; at = &(*at)->next) {
		if (*at != p) continue;
		*at = p->next;
		break;
	}
	s->peer_n--;
	if (s->options.on_client && !s->closing) s->options.on_client(s->options.arg);
	buf_done(&p->in);
	buf_done(&p->out);
	buf_done(&p->sending);
	free(p->held);
	free(p);
	server_released(s);
}

static void peer_close(struct peer *p) {
	if (p->closing) return;
	p->closing = true;
	uv_close((uv_handle_t *)&p->pipe, on_peer_closed);
}

/* --- writing --- */

static void peer_work(struct peer *p);
static void peer_flush(struct peer *p);

static bool peer_idle(const struct peer *p) { return !p->closing && !p->writing && !p->out.len; }

static void on_written(uv_write_t *write, int status) {
	struct peer *p = write->data;
	p->writing = false;
	buf_clear(&p->sending);
	if (status) peer_close(p);
	if (!p->closing) peer_work(p);
	if (!p->closing) peer_flush(p); /* what was answered meanwhile */
	if (p->stale && peer_idle(p)) control_changed(p->server);
}

static void peer_flush(struct peer *p) {
	if (p->writing || !p->out.len) return;
	struct buf swap = p->sending;
	p->sending = p->out;
	p->out = swap;
	p->write.data = p;
	uv_buf_t bytes = uv_buf_init(p->sending.data, (unsigned)p->sending.len);
	if (uv_write(&p->write, (uv_stream_t *)&p->pipe, &bytes, 1, on_written)) return peer_close(p);
	p->writing = true;
}

/* Into the kernel if it takes it at once, so that an answer survives the close that follows it; else queued. */
static void peer_send(struct peer *p, const char *text) {
	size_t n = strlen(text), done = 0;
	if (!p->writing && !p->out.len) {
		uv_buf_t bytes = uv_buf_init((char *)text, (unsigned)n);
		int taken = uv_try_write((uv_stream_t *)&p->pipe, &bytes, 1);
		if (taken < 0 && taken != UV_EAGAIN) return peer_close(p);
		done = (size_t)MAX(taken, 0);
	}
	if (p->sending.len + p->out.len + n - done > CONTROL_QUEUE_MAX) return peer_close(p);
	buf_add(&p->out, text + done, n - done);
	peer_flush(p);
}

/* --- answering --- */

static int64_t submitted_to(const struct control_server *s) {
	return s->options.submitted ? s->options.submitted(s->options.arg) : 0;
}

static void peer_answer(struct peer *p, size_t line_n) {
	struct control_server *s = p->server;
	struct answer_client before = p->client;
	s->answering++;
	s->caller = p->uid;
	int64_t submitted = submitted_to(s);
	const struct answers answers = {.instance = s->options.instance,
		.methods = s->options.methods,
		.method_n = s->options.method_n,
		.arg = s->options.arg,
		.subscribes = s->options.status != NULL};
	AUTO(xfree) char *answer = answer_line(&answers, &p->client, p->in.data, line_n);
	if (answer && submitted_to(s) > submitted && !s->close_wanted) {
		p->held = TAKE(answer);
		p->held_until = submitted_to(s);
	} else if (answer) peer_send(p, answer);
	s->answering--;
	if (p->client.greeted && !before.greeted && s->options.on_client) s->options.on_client(s->options.arg);
	if (!p->client.subscribed || before.subscribed) return;
	p->stale = true;
	control_changed(s);
}

/* The length of the first whole line without its end, -1 when there is none; over-long ones end the peer. */
static ssize_t peer_line(struct peer *p) {
	const char *end = p->in.len ? memchr(p->in.data, '\n', p->in.len) : NULL;
	size_t n = end ? (size_t)(end - p->in.data) : p->in.len;
	if (n > CONTROL_LINE_MAX) {
		static const struct error long_line = {.code = ERR_INPUT, .text = "a line has more than 1 MiB"};
		AUTO(xfree) char *refusal = rpc_error(NULL, RPC_REQUEST, &long_line);
		peer_send(p, refusal);
		peer_close(p);
		return -1;
	}
	return end ? (ssize_t)n : -1;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret) {
	(void)suggested;
	struct peer *p = handle->data;
	*ret = uv_buf_init(p->server->read_buffer, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes) {
	struct peer *p = stream->data;
	if (n > 0) buf_add(&p->in, bytes->base, (size_t)n);
	if (n < 0) p->ended = true;
	if (n) peer_work(p);
}

static void peer_read(struct peer *p, bool on) {
	if (on && !p->reading) uv_read_start((uv_stream_t *)&p->pipe, on_alloc, on_read);
	if (!on && p->reading) uv_read_stop((uv_stream_t *)&p->pipe);
	p->reading = on;
}

static void on_tick(uv_timer_t *tick) {
	struct control_server *s = tick->data;
	for (struct peer *p = s->peers, *next; p && !s->closing; p = next) {
		next = p->next;
		p->batch = CONTROL_BATCH;
		if (!p->closing) peer_work(p);
	}
}

/* All that can be done for this peer now. Peers are freed in close callbacks only, so p stays valid. */
static void peer_work(struct peer *p) {
	struct control_server *s = p->server;
	ssize_t line = -1;
	while (!p->closing && !p->held && !s->close_wanted && p->sending.len + p->out.len < QUEUE_LOW &&
		   (line = peer_line(p)) >= 0 && p->batch > 0) {
		p->batch--;
		peer_answer(p, (size_t)line);
		if (!p->closing) buf_consume(&p->in, (size_t)line + 1);
	}
	if (s->close_wanted && !s->answering) return server_close_now(s);
	if (p->closing) return;
	if (p->held) return peer_read(p, false);
	bool sent = p->sending.len + p->out.len == 0;
	if (p->ended && line < 0 && sent) return peer_close(p);
	peer_read(p, !p->ended && line < 0 && p->sending.len + p->out.len < QUEUE_LOW);
	if (!p->batch && !uv_is_active((uv_handle_t *)&s->tick)) uv_timer_start(&s->tick, on_tick, CONTROL_TICK_MS, 0);
}

void control_committed(struct control_server *s, int64_t delivered) {
	for (struct peer *p = s && !s->closing ? s->peers : NULL; p; p = p->next) {
		if (!p->held || p->closing || delivered < p->held_until) continue;
		AUTO(xfree) char *answer = TAKE(p->held);
		peer_send(p, answer);
		if (!p->closing) peer_work(p);
	}
}

/* --- subscribers --- */

unsigned control_caller(const struct control_server *s) { return s->caller; }

int control_clients(const struct control_server *s) {
	int n = 0;
	for (const struct peer *p = s ? s->peers : NULL; p; p = p->next) n += p->client.greeted && !p->closing;
	return n;
}

static bool has_subscribers(const struct control_server *s) {
	for (const struct peer *p = s->peers; p; p = p->next)
		if (p->client.subscribed && !p->closing) return true;
	return false;
}

/* In more than its time. */
static bool push_differs(struct control_server *s, const cJSON *status) {
	AUTO(json_free) cJSON *timeless = json_copy(status);
	json_free(json_take(timeless, "at"));
	AUTO(xfree) char *text = json_text(timeless);
	if (s->pushed && strcmp(s->pushed, text) == 0) return false;
	free(s->pushed);
	s->pushed = TAKE(text);
	return true;
}

static void on_push(uv_timer_t *push) {
	struct control_server *s = push->data;
	if (s->closing || s->close_wanted || !has_subscribers(s)) return;
	s->pushed_ms = clock_mono_ms();
	cJSON *status = s->options.status(s->options.arg);
	bool differs = push_differs(s, status);
	AUTO(xfree) char *line = rpc_notification("status", status);
	for (struct peer *p = s->peers; p; p = p->next) {
		if (!p->client.subscribed || p->closing || (!differs && !p->stale)) continue;
		p->stale = !peer_idle(p);
		if (!p->stale) peer_send(p, line);
	}
}

void control_changed(struct control_server *s) {
	if (!s || s->closing || s->close_wanted || uv_is_active((uv_handle_t *)&s->push) || !has_subscribers(s)) return;
	uv_update_time(s->loop);
	int64_t wait = s->pushed_ms + CONTROL_PUSH_MS - clock_mono_ms();
	uv_timer_start(&s->push, on_push, (uint64_t)MAX(wait, 0), 0);
}

void control_notify(struct control_server *s, const char *method, cJSON *params) {
	AUTO(xfree) char *line = rpc_notification(method, params);
	for (struct peer *p = s && !s->closing ? s->peers : NULL; p; p = p->next)
		if (p->client.subscribed && peer_idle(p)) peer_send(p, line);
}

/* --- the server --- */

/* Who connected (unix(7), SO_PEERCRED): what it says of itself is not asked for. */
static unsigned peer_user(const struct peer *p) {
	struct ucred who = {.uid = (uid_t)-1};
	socklen_t n = sizeof who;
	uv_os_fd_t fd;
	if (uv_fileno((const uv_handle_t *)&p->pipe, &fd) || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n))
		who.uid = (uid_t)-1;
	return who.uid;
}

static void on_connection(uv_stream_t *listener, int status) {
	struct control_server *s = listener->data;
	if (status || s->closing) return;
	struct peer *p = xcalloc(1, sizeof *p);
	p->server = s;
	p->in = BUF_INIT(CONTROL_LINE_MAX + READ_BYTES + 1);
	p->out = p->sending = BUF_INIT(CONTROL_QUEUE_MAX);
	p->batch = CONTROL_BATCH;
	p->next = s->peers;
	s->peers = p;
	s->peer_n++;
	s->handles++;
	uv_pipe_init(s->loop, &p->pipe, 0);
	p->pipe.data = p;
	if (uv_accept(listener, (uv_stream_t *)&p->pipe) || s->peer_n > CONTROL_CLIENTS_MAX) return peer_close(p);
	p->uid = peer_user(p);
	peer_read(p, true);
}

/* Only a socket is replaced: anything else by that name is not ours to delete. */
static int stale_remove(const char *path, struct error *err) {
	struct stat st;
	if (lstat(path, &st)) {
		return errno == ENOENT ? 0 : error_errno(err, ERR_DISK, errno, "cannot look at %s", path);
	}
	if (!S_ISSOCK(st.st_mode)) return error_set(err, ERR_DISK, "%s is not a socket; move it away", path);
	return unlink(path) ? error_errno(err, ERR_DISK, errno, "cannot remove the old socket %s", path) : 0;
}

/* fchmod before bind: the file is never open to others, not even for a moment (unix(7), "Pathname socket ownership").
 * Listening at once: whoever finds the file can connect, and waits until the loop runs. */
static int socket_bind(const char *state_dir, const char *path, const char *group, int *ret_fd, struct error *err) {
	struct sockaddr_un address;
	AUTO(fd_close) int dir = -1;
	if (control_address(state_dir, &address, &dir, err) || stale_remove(path, err)) return -1;
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, BACKLOG)) {
		return error_errno(err, ERR_DISK, errno, "cannot make the control socket %s", path);
	}
	if (group && file_group(path, group, 0660, err)) return -1;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int control_server_open(
	struct control_server **ret, uv_loop_t *loop, const struct control_options *o, struct error *err) {
	AUTO(xfree) char *path = path_join(o->state_dir, CONTROL_SOCKET);
	int fd;
	if (socket_bind(o->state_dir, path, o->group, &fd, err)) return -1;
	signal(SIGPIPE, SIG_IGN); /* libuv writes without MSG_NOSIGNAL: a client that leaves must not end the engine */
	struct control_server *s = xcalloc(1, sizeof *s);
	s->loop = loop;
	s->options = *o;
	s->options.instance = s->instance = xstrdup(o->instance);
	s->path = TAKE(path);
	s->handles = 3;
	uv_timer_init(loop, &s->tick);
	uv_timer_init(loop, &s->push);
	uv_pipe_init(loop, &s->listener, 0);
	s->tick.data = s->push.data = s->listener.data = s;
	int e = uv_pipe_open(&s->listener, fd);
	if (e) close(fd);
	if (!e) e = uv_listen((uv_stream_t *)&s->listener, BACKLOG, on_connection);
	if (e) {
		error_set(err, ERR_DISK, "cannot listen at %s: %s", s->path, uv_strerror(e));
		control_server_close(s, NULL, NULL);
		return -1;
	}
	*ret = s;
	return 0;
}

static void on_server_handle_closed(uv_handle_t *handle) { server_released(handle->data); }

static void server_close_now(struct control_server *s) {
	if (s->closing) return;
	s->closing = true;
	unlink(s->path);
	for (struct peer *p = s->peers; p; p = p->next) peer_close(p);
	uv_close((uv_handle_t *)&s->listener, on_server_handle_closed);
	uv_close((uv_handle_t *)&s->tick, on_server_handle_closed);
	uv_close((uv_handle_t *)&s->push, on_server_handle_closed);
}

void control_server_close(struct control_server *s, void (*on_closed)(void *arg), void *arg) {
	s->on_closed = on_closed;
	s->on_closed_arg = arg;
	s->close_wanted = true;
	if (!s->answering) server_close_now(s);
}
