/* SPDX-License-Identifier: MIT */
/* The life of a connection and of its requests.
 *
 *   accept -> [TLS] -> head -> call_begin -> body -> call_end -> answer -> head …
 *                        |         \ refused: the answer at once, then the body is thrown away up to a bound
 *                        \ no request: 400 in our words, and the connection ends
 *
 * A thread a connection, and one that accepts. Every wait is for the connection's socket and has a deadline; what a
 * caller can hold is bounded: the head (HEAD_BYTES_MAX), a piece of a body, the drain of a refused one. `lock` guards
 * the TLS settings alone. */
#include "cloud/http/http.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cloud/call/call.h"
#include "cloud/http/chunks.h"
#include "cloud/http/guests.h"
#include "cloud/http/head.h"
#include "cloud/http/reason.h"

#define STACK_BYTES (1024 * 1024)
#define DRAIN_KEEP (1 << 20) /* a refused body up to this does not end the connection */
#define HEAD_BYTES 2048		 /* at first; doubled up to HEAD_BYTES_MAX */
#define STREAM_BYTES (128 * 1024)
#define BODY_BYTES (16 * 1024)
#define CONNECTION_FILES 3 /* a connection with a body: its socket, the object, the folder it comes to lie in */
#define OWN_FILES 60	   /* of catalog, logs, store and validation */

const struct http_limits http_limits = {
	.idle_ms = 60000, .head_ms = 20000, .stall_ms = 30000, .drain_ms = 5000, .drain_bytes = 32 << 20};

struct http_server {
	struct http_limits limits;
	struct api *api;
	struct guests *guests;
	pthread_mutex_t lock;
	SSL_CTX *tls;
	int listen_fd, wake_fd;
	pthread_t thread;
	bool accepting;
};
struct connection {
	struct http_server *server;
	struct guest *guest;
	struct wire wire;
	int fd; /* until wire has it */
	struct address address;
	bool tls;
	bool known; /* the call that is served, or the one before, has a key */
	char *in;	/* what came and was not used yet: in_n bytes, of which `used` are of the request before */
	size_t in_n, in_size;
};
struct request {
	struct connection *connection;
	struct head head;
	struct call call;
	struct reply reply;
	char *path;	  /* with the query behind its NUL */
	bool keep;	  /* the connection goes on after the answer */
	int64_t left; /* of a body with a length */
	struct chunks chunks;
	bool body_whole;
};

static void moves(struct connection *c, enum guest_state state) { guest_is(c->guest, state, clock_mono_ms()); }

static enum guest_state moving_of(const struct connection *c) { return c->known ? GUEST_MOVING : GUEST_STRANGER; }

/* --- the head --- */

static void inbox_use(struct connection *c, size_t n) {
	c->in_n -= n;
	memmove(c->in, c->in + n, c->in_n);
}

/* Room for what comes; 0 when there is none left. */
static size_t inbox_room(struct connection *c) {
	if (c->in_n == c->in_size && c->in_size < HEAD_BYTES_MAX) {
		c->in_size = c->in_size ? c->in_size * 2 : HEAD_BYTES;
		c->in = xrealloc(c->in, c->in_size);
	}
	return c->in_size - c->in_n;
}

enum head_end { HEAD_IS_WHOLE, HEAD_IS_BAD, HEAD_IS_LONG, HEAD_IS_LATE, HEAD_IS_GONE };

/* *ret_size: bytes of the inbox that the head's texts stand in. */
static enum head_end request_head(struct connection *c, struct head *ret, size_t *ret_size) {
	size_t at = 0;
	int64_t until_ms = clock_mono_ms() + (c->in_n ? c->server->limits.head_ms : c->server->limits.idle_ms);
	for (;;) {
		enum head_verdict v = c->in_n ? head_read(c->in, c->in_n, &at, ret_size, ret) : HEAD_MORE;
		if (v != HEAD_MORE) return v == HEAD_WHOLE ? HEAD_IS_WHOLE : HEAD_IS_BAD;
		size_t room = inbox_room(c);
		if (!room) return HEAD_IS_LONG;
		ssize_t n = wire_read(&c->wire, c->in + c->in_n, room, until_ms);
		if (n <= 0) return n < 0 && c->in_n && clock_mono_ms() >= until_ms ? HEAD_IS_LATE : HEAD_IS_GONE;
		if (!c->in_n) until_ms = clock_mono_ms() + c->server->limits.head_ms;
		c->in_n += (size_t)n;
	}
}

/* --- the answer --- */

static void answer_head(const struct request *rq, int64_t size, struct buf *out) {
	const struct reply *r = &rq->reply;
	char date[TIME_TEXT];
	buf_fmt(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", r->status, http_reason(r->status), time_http(date, clock_wall_ms()));
	if (r->type) buf_fmt(out, "Content-Type: %s\r\n", r->type);
	if (r->status != 304) buf_fmt(out, "Content-Length: %lld\r\n", (long long)size);
	for (size_t i = 0; i < r->header_n; i++) buf_fmt(out, "%s: %s\r\n", r->headers[i].name, r->headers[i].value);
	if (!rq->keep) buf_str(out, "Connection: close\r\n");
	else if (rq->head.http10) buf_str(out, "Connection: keep-alive\r\n");
	buf_str(out, "\r\n");
}

/* -1: the caller is gone, or does not read. */
static int request_answer(struct request *rq) {
	struct connection *c = rq->connection;
	struct reply *r = &rq->reply;
	AUTO(buf_done) struct buf out = BUF_INIT(SIZE_MAX / 4);
	const int64_t stall_ms = c->server->limits.stall_ms;
	if (atomic_load(&c->server->api->stopping)) rq->keep = false;
	call_finish(&rq->call, r);
	bool file = r->fd >= 0 && r->size > 0;
	bool body = strcmp(rq->head.method, "HEAD") != 0 && r->status != 304;
	if (r->files_out) guests_thin(c->server->guests); /* so that it goes when it is tried again */
	c->known = rq->call.known;
	answer_head(rq, file ? r->size : (int64_t)r->body_n, &out);
	moves(c, moving_of(c));
	if (body && !file && r->body_n <= BODY_BYTES) buf_add(&out, r->body, r->body_n); /* one segment */
	else body = body && (file || r->body_n);
	if (wire_write(&c->wire, buf_text(&out), out.len, stall_ms)) return -1;
	if (!body || (!file && r->body_n <= BODY_BYTES)) return 0;
	return file ? wire_send_file(&c->wire, r->fd, r->offset, r->size, stall_ms)
				: wire_write(&c->wire, r->body, r->body_n, stall_ms);
}

/* --- the body --- */

static bool has_body(const struct request *rq) { return rq->head.chunked || rq->head.length > 0; }

/* Bytes of the body's framing into the inbox, or, of one with a length, straight to `to`. */
static ssize_t body_read(struct connection *c, char *to, size_t n) {
	ssize_t got = wire_read(&c->wire, to, n, clock_mono_ms() + c->server->limits.stall_ms);
	if (got > 0 && c->known) moves(c, GUEST_MOVING); /* who has no key gains nothing by a byte now and then */
	return got;
}

/* The next piece of the body: 1 and the piece (in `bytes` or the inbox), 0 at its end, -1 when it does not come, -2
 * when it is no chunked body. */
static int piece_chunked(struct request *rq, const char **ret, size_t *ret_n) {
	struct connection *c = rq->connection;
	for (;;) {
		size_t used = 0;
		enum chunk_verdict v = chunks_read(&rq->chunks, c->in, c->in_n, &used, ret, ret_n);
		if (v == CHUNK_BAD) return -2;
		if (v == CHUNK_PIECE) return 1; /* used up by piece_done: it lies there */
		inbox_use(c, used);
		if (v == CHUNK_END) return 0;
		ssize_t n = body_read(c, c->in, c->in_size);
		if (n <= 0) return -1;
		c->in_n = (size_t)n;
	}
}

static int piece_plain(struct request *rq, char *bytes, size_t size, const char **ret, size_t *ret_n) {
	struct connection *c = rq->connection;
	if (!rq->left) return 0;
	if (c->in_n) {
		*ret = c->in;
		*ret_n = (size_t)MIN(rq->left, (int64_t)c->in_n);
		return 1;
	}
	ssize_t n = body_read(c, bytes, (size_t)MIN(rq->left, (int64_t)size));
	if (n <= 0) return -1;
	*ret = bytes;
	*ret_n = (size_t)n;
	return 1;
}

static void piece_done(struct request *rq, const char *piece, size_t n) {
	struct connection *c = rq->connection;
	if (!rq->head.chunked) rq->left -= (int64_t)n;
	if (c->in_n && piece >= c->in && piece < c->in + c->in_n) inbox_use(c, (size_t)(piece - c->in) + n);
}

enum body_end { BODY_CAME, BODY_REFUSED, BODY_BROKEN, BODY_STOPPED };

static enum body_end request_body(struct request *rq) {
	struct call *call = &rq->call;
	size_t size = call->route->body == BODY_STREAM ? STREAM_BYTES : BODY_BYTES, n = 0;
	AUTO(xfree) char *bytes = NULL;
	const char *piece = NULL;
	if (!has_body(rq)) return BODY_CAME;
	if (rq->head.expects && !rq->connection->in_n) {
		static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
		if (wire_write(&rq->connection->wire, go_on, sizeof go_on - 1, rq->connection->server->limits.stall_ms))
			return BODY_STOPPED;
		rq->head.expects = false;
	}
	if (!rq->head.chunked && rq->left > (int64_t)rq->connection->in_n) bytes = xcalloc(1, size);
	for (;;) {
		int more = rq->head.chunked ? piece_chunked(rq, &piece, &n) : piece_plain(rq, bytes, size, &piece, &n);
		if (more < 0) return more == -2 ? BODY_BROKEN : BODY_STOPPED;
		if (!more) break;
		if (!call_body_in_time(call, n)) return BODY_STOPPED;
		bool kept = call_body(call, &rq->reply, piece, n);
		piece_done(rq, piece, n);
		if (!kept) return BODY_REFUSED;
	}
	return BODY_CAME;
}

/* After an answer that came before the body's end: what is left of a short one is read, so that the connection can go
 * on. False: it cannot. */
static bool body_skip(struct request *rq) {
	char bytes[BODY_BYTES];
	struct connection *c = rq->connection;
	int64_t until_ms = clock_mono_ms() + c->server->limits.drain_ms;
	guest_is(c->guest, GUEST_LEAVING, clock_mono_ms());
	while (rq->left) {
		if (c->in_n) {
			size_t n = (size_t)MIN(rq->left, (int64_t)c->in_n);
			inbox_use(c, n);
			rq->left -= (int64_t)n;
			continue;
		}
		ssize_t n = wire_read(&c->wire, bytes, (size_t)MIN(rq->left, (int64_t)sizeof bytes), until_ms);
		if (n <= 0) return false;
		rq->left -= n;
	}
	return true;
}

/* --- the request --- */

static void request_init(struct request *rq, struct connection *c) {
	*rq = (struct request){.connection = c, .head = {.method = "", .target = "", .length = -1}};
	call_init(&rq->call, c->server->api);
	reply_init(&rq->reply);
	rq->call.method = "";
	rq->call.path = "/";
	rq->call.address = c->address;
	rq->call.tls = c->tls;
}

static void request_done(struct request *rq) {
	call_done(&rq->call);
	reply_done(&rq->reply);
	xfree(rq->path);
}
DEFINE_AUTO_VAL(struct request, request_done)

/* The head's texts stand in the inbox, which the body uses anew: they are moved to memory of the request's own. */
static char *request_take_head(struct request *rq, size_t size) {
	struct connection *c = rq->connection;
	struct head *h = &rq->head;
	char *own = xcalloc(1, size);
	memcpy(own, c->in, size);
	ptrdiff_t by = own - c->in;
	if (h->method[0]) h->method += by;
	if (h->target[0]) h->target += by;
	for (size_t i = 0; i < h->field_n; i++) {
		h->fields[i].name += by;
		h->fields[i].value += by;
	}
	inbox_use(c, size);
	return own;
}

static void request_describe(struct request *rq) {
	struct call *c = &rq->call;
	const struct head *h = &rq->head;
	if (h->method[0]) c->method = h->method;
	if (h->target[0]) {
		rq->path = xstrdup(h->target);
		char *mark = strchr(rq->path, '?');
		if (mark) *mark = '\0';
		c->path = rq->path;
		c->query = mark ? mark + 1 : "";
	}
	for (size_t i = 0; i < h->field_n; i++) c->headers[c->header_n++] = h->fields[i];
	c->headers_cut = h->fields_cut;
	c->body_announced = h->length;
	rq->left = MAX(h->length, 0);
	rq->keep = h->keep_alive;
}

/* What is no request is answered all the same, and ends the connection. */
static void head_refuse(struct request *rq, enum head_end end) {
	if (end == HEAD_IS_BAD) reply_fault(&rq->reply, FAULT_BAD_REQUEST, "not a request of HTTP/1.1: %s", rq->head.why);
	else if (end == HEAD_IS_LATE)
		reply_fault(&rq->reply, FAULT_TOO_SLOW, "the request's head did not come within %lld s",
			(long long)rq->connection->server->limits.head_ms / 1000);
	else reply_fault(&rq->reply, FAULT_HEADERS_TOO_LARGE, "the head of a request may have %d bytes", HEAD_BYTES_MAX);
	rq->keep = false;
}

/* Everything up to the answer; false: there is nobody to answer. */
static bool request_run(struct request *rq) {
	struct call *c = &rq->call;
	if (!call_begin(c, &rq->reply)) {
		/* Who waits for a 100 may send the body or not: only the connection's end is clear to both. */
		if (has_body(rq)) rq->keep = rq->keep && !rq->head.chunked && !rq->head.expects && rq->left <= DRAIN_KEEP;
		return true;
	}
	rq->connection->known = c->known;
	moves(rq->connection, has_body(rq) ? moving_of(rq->connection) : GUEST_SERVED);
	switch (request_body(rq)) {
	case BODY_STOPPED: call_abandoned(c); return false;
	case BODY_BROKEN:
		call_body_broken(c, &rq->reply);
		rq->keep = false;
		return true;
	case BODY_REFUSED: rq->keep = rq->keep && !rq->head.chunked && rq->left <= DRAIN_KEEP; return true;
	case BODY_CAME: break;
	}
	moves(rq->connection, GUEST_SERVED);
	call_end(c, &rq->reply);
	return true;
}

/* One request. False: the connection has ended. */
static bool connection_serve(struct connection *c) {
	AUTO(xfree) char *texts = NULL; /* outlives the request, which points into it */
	AUTO(request_done) struct request rq;
	size_t size = 0;
	request_init(&rq, c);
	moves(c, c->known ? GUEST_RESTING : GUEST_IDLE);
	enum head_end end = request_head(c, &rq.head, &size);
	if (end == HEAD_IS_GONE) return false;
	rq.call.begun_mono_ms = clock_mono_ms();
	if (end == HEAD_IS_WHOLE) texts = request_take_head(&rq, size);
	else head_begin(c->in, c->in_n, &rq.head);
	request_describe(&rq);
	if (end != HEAD_IS_WHOLE) head_refuse(&rq, end);
	else if (!request_run(&rq)) return false;
	if (request_answer(&rq)) return false;
	if (rq.keep && body_skip(&rq)) return true;
	guest_is(c->guest, GUEST_LEAVING, clock_mono_ms());
	wire_linger(&c->wire, c->server->limits.drain_bytes, clock_mono_ms() + c->server->limits.drain_ms);
	return false;
}

/* --- the connection --- */

static SSL_CTX *tls_take(struct http_server *s) {
	pthread_mutex_lock(&s->lock);
	SSL_CTX *tls = s->tls;
	if (tls) wire_tls_keep(tls);
	pthread_mutex_unlock(&s->lock);
	return tls;
}

/* Counted by address, as what anybody can bring about. */
static void handshake_log(const struct connection *c) {
	char client[ADDRESS_TEXT], kind[128];
	cJSON *event = json_object();
	json_add_text(event, "level", "info");
	json_add_text(event, "code", "tls_handshake_failed");
	json_add_text(event, "address", address_group(&c->address, client));
	snprintf(kind, sizeof kind, "tls_handshake_failed %s", client);
	logs_count(c->server->api->logs, LOG_GROUP_API, "api", kind, event);
}

static void *connection_main(void *arg) {
	struct connection *c = arg;
	struct http_server *s = c->server;
	struct guest *guest = c->guest;
	SSL_CTX *tls = tls_take(s);
	c->tls = tls != NULL;
	pthread_setname_np(pthread_self(), "hg-connection");
	if (wire_open(&c->wire, c->fd, tls, clock_mono_ms() + s->limits.head_ms) == 0)
		while (connection_serve(c)) continue;
	else handshake_log(c);
	guest_unplug(s->guests, guest);
	wire_close(&c->wire);
	if (tls) wire_tls_close(tls);
	xfree(c->in);
	xfree(c);
	guest_leave(s->guests, guest);
	return NULL;
}

/* Takes fd. */
static void connection_begin(struct http_server *s, int fd, const struct sockaddr *from) {
	pthread_t thread;
	pthread_attr_t attributes;
	struct connection *c = xcalloc(1, sizeof *c);
	*c = (struct connection){.server = s, .fd = fd, .wire.fd = -1};
	if (address_of(from, &c->address)) c->address = (struct address){{0}};
	struct guest *guest = c->guest = guest_enter(s->guests, fd, &c->address, clock_mono_ms());
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (guest && pthread_create(&thread, &attributes, connection_main, c) != 0) {
		guest_unplug(s->guests, guest);
		guest_leave(s->guests, guest);
		guest = NULL;
	}
	pthread_attr_destroy(&attributes);
	if (guest) return; /* c is its thread's */
	fd_close(fd);
	xfree(c);
}

/* --- the server --- */

static void *accept_main(void *arg) {
	struct http_server *s = arg;
	struct pollfd ready[] = {{.fd = s->listen_fd, .events = POLLIN}, {.fd = s->wake_fd, .events = POLLIN}};
	while (poll(ready, 2, -1) >= 0 || errno == EINTR) {
		struct sockaddr_storage from;
		socklen_t n = sizeof from;
		if (ready[1].revents) break;
		int fd = accept4(s->listen_fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			connection_begin(s, fd, (const struct sockaddr *)&from);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			guests_thin(s->guests);
			poll(&ready[1], 1, 20); /* until its thread has closed it */
		}
	}
	return NULL;
}

/* As many as the limit on open files allows: above it a handler would lack the files of its work. */
static size_t connections_most(int64_t wanted) {
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur == RLIM_INFINITY) return (size_t)wanted;
	int64_t have = (int64_t)MIN(files.rlim_cur, (rlim_t)INT32_MAX),
			most = MAX((have - OWN_FILES) / CONNECTION_FILES, 1);
	if (most >= wanted) return (size_t)wanted;
	char text[24], limit[24];
	snprintf(text, sizeof text, "%lld", (long long)most);
	snprintf(limit, sizeof limit, "%lld", (long long)have);
	log_event(LOG_WARN, "server", "fewer connections than configured: raise the limit on open files (LimitNOFILE)",
		"connections", text, "open_files", limit, NULL);
	return (size_t)most;
}

int http_server_start(struct http_server **ret, struct api *api, int listen_fd, SSL_CTX *tls,
	const struct http_limits *limits, struct error *err) {
	struct http_server *s = xcalloc(1, sizeof *s);
	*s = (struct http_server){.limits = *limits, .api = api, .tls = tls, .listen_fd = listen_fd};
	pthread_mutex_init(&s->lock, NULL);
	s->guests = guests_new(connections_most(api->config->connections));
	s->wake_fd = eventfd(0, EFD_CLOEXEC);
	int e = s->wake_fd < 0 || fcntl(listen_fd, F_SETFL, O_NONBLOCK) ? errno
																	: pthread_create(&s->thread, NULL, accept_main, s);
	s->accepting = e == 0;
	if (e) {
		http_server_stop(s, 0);
		return error_errno(err, ERR_INTERNAL, e, "start the HTTP server");
	}
	*ret = s;
	return 0;
}

void http_server_tls(struct http_server *s, SSL_CTX *tls) {
	pthread_mutex_lock(&s->lock);
	SSL_CTX *before = s->tls;
	s->tls = tls;
	pthread_mutex_unlock(&s->lock);
	wire_tls_close(before);
}

int http_server_stop(struct http_server *s, int64_t wait_ms) {
	size_t left = 0;
	if (s->accepting) {
		if (eventfd_write(s->wake_fd, 1)) abort();
		pthread_join(s->thread, NULL);
	}
	shutdown(s->listen_fd, SHUT_RDWR);
	fd_close(s->listen_fd);
	guests_dismiss(s->guests, false);
	guests_wait(s->guests, false, wait_ms);
	left = guests_dismiss(s->guests, true);
	while (guests_wait(s->guests, true, 1000)) continue;
	guests_free(s->guests);
	wire_tls_close(s->tls);
	if (s->wake_fd >= 0) fd_close(s->wake_fd);
	pthread_mutex_destroy(&s->lock);
	xfree(s);
	return (int)left;
}
