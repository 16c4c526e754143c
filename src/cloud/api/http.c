/* SPDX-License-Identifier: MIT */
/* libmicrohttpd's side of a call. What its version 0.9.75 wants (measured.md):
 *  - the URL as it came is seen in MHD_OPTION_URI_LOG_CALLBACK only: the handler's is decoded already;
 *  - the handler is called first with the headers, then with each piece of the body, then once more. An answer is
 * queued at the last call; at the first one only to refuse a body unseen, for that closes the connection;
 *  - a pool of 128 KB: more slows small requests, less slows uploads.
 *  - its time-out is for silence: who sends a header's byte now and then holds a connection for ever. Hence the peers
 *    below, looked over by http_server_tick.
 * One thread a connection; `lock` guards the count of requests under way and the list of peers. */
#include "cloud/api/http.h"

#include <microhttpd.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cloud/api/call.h"

#define POOL_BYTES (128 * 1024)
#define STACK_BYTES (1024 * 1024)
#define IDLE_S 60
#define HEADERS_MS 60000 /* from the connection, or from the answer before, until the headers are whole */
/* A refused body up to this is read to its end: a client that sends without waiting (no Expect) could otherwise lose
 * the answer to the reset that closing with unread bytes gives. */
#define DRAIN_MAX (32 << 20)
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct http_server {
	struct MHD_Daemon *daemon;
	struct api *api;
	bool tls;
	int listen_fd;
	pthread_mutex_t lock;
	pthread_cond_t ended; /* CLOCK_MONOTONIC */
	int under_way;
	struct peer *peers;
};
/* A connection. Its socket is open while it stands in the list: MHD tells of the end before it closes. */
struct peer {
	struct peer *next, **to_this;
	int fd;
	int64_t since_mono_ms;
	bool in_request;
};
struct request {
	struct http_server *server;
	struct call call;
	struct reply reply;
	char *uri; /* path and query, taken apart in place */
	bool begun, refused, answered;
};

/* --- connections --- */

static void peer_begin(struct http_server *s, struct MHD_Connection *connection, void **context) {
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct peer *p = xcalloc(1, sizeof *p);
	p->fd = info ? info->connect_fd : -1;
	p->since_mono_ms = clock_mono_ms();
	pthread_mutex_lock(&s->lock);
	p->next = s->peers;
	p->to_this = &s->peers;
	if (p->next) p->next->to_this = &p->next;
	s->peers = p;
	pthread_mutex_unlock(&s->lock);
	*context = p;
}

static void peer_end(struct http_server *s, struct peer *p) {
	pthread_mutex_lock(&s->lock);
	*p->to_this = p->next;
	if (p->next) p->next->to_this = p->to_this;
	pthread_mutex_unlock(&s->lock);
	xfree(p);
}

static void on_connection(
	void *arg, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code) {
	if (code == MHD_CONNECTION_NOTIFY_STARTED) peer_begin(arg, connection, context);
	else if (*context) peer_end(arg, TAKE(*context));
}

static void peer_set(struct http_server *s, struct MHD_Connection *connection, bool in_request) {
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct peer *p = info ? info->socket_context : NULL;
	if (!p) return;
	pthread_mutex_lock(&s->lock);
	p->in_request = in_request;
	p->since_mono_ms = clock_mono_ms();
	pthread_mutex_unlock(&s->lock);
}

void http_server_tick(struct http_server *s, int64_t now_mono_ms) {
	pthread_mutex_lock(&s->lock);
	for (const struct peer *p = s->peers; p; p = p->next)
		if (!p->in_request && now_mono_ms - p->since_mono_ms > HEADERS_MS) shutdown(p->fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
}

/* --- the life of a request --- */

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *connection) {
	(void)connection;
	struct http_server *s = arg;
	struct request *rq = xcalloc(1, sizeof *rq);
	rq->server = s;
	call_init(&rq->call, s->api);
	reply_init(&rq->reply);
	rq->uri = xstrdup(uri);
	char *mark = strchr(rq->uri, '?');
	if (mark) *mark = '\0';
	rq->call.path = rq->uri;
	rq->call.query = mark ? mark + 1 : "";
	rq->call.tls = s->tls;
	pthread_mutex_lock(&s->lock);
	s->under_way++;
	pthread_mutex_unlock(&s->lock);
	return rq;
}

static void on_completed(
	void *arg, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode code) {
	(void)code;
	struct http_server *s = arg;
	struct request *rq = *con_cls;
	peer_set(s, connection, false);
	if (!rq) return;
	*con_cls = NULL;
	if (rq->begun && !rq->answered) call_abandoned(&rq->call);
	call_done(&rq->call);
	reply_done(&rq->reply);
	xfree(rq->uri);
	xfree(rq);
	pthread_mutex_lock(&s->lock);
	s->under_way--;
	pthread_cond_broadcast(&s->ended);
	pthread_mutex_unlock(&s->lock);
}

/* --- the answer --- */

static struct MHD_Response *response_of(struct reply *r) {
	if (r->fd >= 0 && r->size > 0)
		return MHD_create_response_from_fd_at_offset64((uint64_t)r->size, TAKE_FD(r->fd), (uint64_t)r->offset);
	return MHD_create_response_from_buffer(r->body_n, TAKE(r->body), MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result request_answer(struct request *rq, struct MHD_Connection *connection) {
	struct reply *r = &rq->reply;
	call_finish(&rq->call, r);
	rq->answered = true;
	struct MHD_Response *response = response_of(r);
	if (!response) return MHD_NO;
	bool added = !r->type || MHD_add_response_header(response, "Content-Type", r->type) == MHD_YES;
	for (size_t i = 0; i < r->header_n; i++)
		added &= MHD_add_response_header(response, r->headers[i].name, r->headers[i].value) == MHD_YES;
	if (atomic_load(&rq->server->api->stopping))
		added &= MHD_add_response_header(response, "Connection", "close") == MHD_YES;
	enum MHD_Result queued = added ? MHD_queue_response(connection, (unsigned)r->status, response) : MHD_NO;
	MHD_destroy_response(response);
	return queued;
}

/* --- headers --- */

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value) {
	(void)kind;
	struct call *c = arg;
	if (c->header_n == CALL_HEADERS_MAX) c->headers_cut = true;
	else c->headers[c->header_n++] = (struct sigv4_header){name, value ? value : ""};
	return MHD_YES;
}

static void request_address(struct call *c, struct MHD_Connection *connection) {
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (!info || address_of(info->client_addr, &c->address)) c->address = (struct address){{0}};
}

static void request_length(struct call *c) {
	const char *length = call_header(c, "content-length");
	int64_t n;
	if (length && !call_header(c, "transfer-encoding") && text_to_i64(length, 0, INT64_MAX, &n) == 0)
		c->body_announced = n;
}

static enum MHD_Result request_begin(struct request *rq, struct MHD_Connection *connection, const char *method) {
	struct call *c = &rq->call;
	rq->begun = true;
	peer_set(rq->server, connection, true);
	c->method = method;
	MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, c);
	request_address(c, connection);
	request_length(c);
	rq->refused = !call_begin(c, &rq->reply);
	bool unseen = rq->refused && (call_header(c, "expect") || c->body_announced > DRAIN_MAX);
	return unseen ? request_answer(rq, connection) : MHD_YES;
}

/* MHD_NO closes the connection: the way out of a body that never ends. */
static enum MHD_Result request_body(struct request *rq, const char *bytes, size_t n) {
	struct call *c = &rq->call;
	if (!call_body_in_time(c, n)) return MHD_NO;
	if (!rq->refused) rq->refused = !call_body(c, &rq->reply, bytes, n);
	bool kept = !rq->refused && c->route->body != BODY_NONE;
	return kept || c->body_bytes <= DRAIN_MAX || c->body_announced - c->body_bytes <= DRAIN_MAX ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *bytes, size_t *n, void **con_cls) {
	(void)arg, (void)url, (void)version;
	struct request *rq = *con_cls;
	if (!rq) return MHD_NO;
	if (!rq->begun) return request_begin(rq, connection, method);
	if (*n) {
		size_t came = *n;
		*n = 0;
		return request_body(rq, bytes, came);
	}
	if (!rq->refused) call_end(&rq->call, &rq->reply);
	return request_answer(rq, connection);
}

/* --- the daemon --- */

static void on_log(void *arg, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
static void on_log(void *arg, const char *fmt, va_list args) {
	(void)arg;
	char text[512];
	vsnprintf(text, sizeof text, fmt, args);
	text[strcspn(text, "\n")] = '\0';
	log_event(LOG_DEBUG, "http", text, NULL);
}

int http_server_start(struct http_server **ret, struct api *api, int listen_fd, const char *cert_pem,
	const char *key_pem, struct error *err) {
	struct http_server *s = xcalloc(1, sizeof *s);
	*s = (struct http_server){.api = api, .tls = cert_pem != NULL, .listen_fd = listen_fd};
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	const struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert_pem},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key_pem},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	const struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
	const unsigned most = (unsigned)api->config->connections; /* one address never has them all */
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC |
					 MHD_USE_ERROR_LOG | (s->tls ? MHD_USE_TLS : 0u);
	s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, s, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_LIMIT, most,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, most - most / 4, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES,
		MHD_OPTION_ARRAY, s->tls ? tls : plain, MHD_OPTION_END);
	if (!s->daemon) {
		http_server_stop(s, 0);
		return error_set(err, ERR_CONFIG, "the HTTP server does not start%s",
			cert_pem ? "; are certificate and key a pair, in PEM?" : "");
	}
	*ret = s;
	return 0;
}

static int wait_ended(struct http_server *s, int64_t wait_ms) {
	struct timespec end;
	clock_gettime(CLOCK_MONOTONIC, &end);
	int64_t end_ns = end.tv_nsec + wait_ms % 1000 * 1000000;
	end.tv_sec += wait_ms / 1000 + end_ns / 1000000000;
	end.tv_nsec = end_ns % 1000000000;
	pthread_mutex_lock(&s->lock);
	while (s->under_way && pthread_cond_timedwait(&s->ended, &s->lock, &end) == 0) continue;
	int left = s->under_way;
	pthread_mutex_unlock(&s->lock);
	return left;
}

int http_server_stop(struct http_server *s, int64_t wait_ms) {
	int left = 0;
	if (s->daemon) {
		/* The socket may be closed only after the daemon's end; until then a shutdown makes it refuse. */
		MHD_quiesce_daemon(s->daemon);
		shutdown(s->listen_fd, SHUT_RDWR);
		left = wait_ended(s, wait_ms);
		MHD_stop_daemon(s->daemon);
	}
	fd_close(s->listen_fd);
	pthread_cond_destroy(&s->ended);
	pthread_mutex_destroy(&s->lock);
	xfree(s);
	return left;
}
