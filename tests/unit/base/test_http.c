/* SPDX-License-Identifier: MIT */
/* The HTTP client against a server that misbehaves in every way a network knows; all of it bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../tiny_server.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/http_parts.h"
#include "base/text.h"

#define GUARD_MS 20000 /* no test takes that long */

/* --- the server's manners --- */

static void sleep_ms(long ms) {
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	nanosleep(&t, NULL);
}

static bool reset(int fd) {
	const struct linger now = {.l_onoff = 1};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	return false;
}

static bool serve_ok(struct tiny *s, struct tiny_request *r) {
	(void)s;
	return tiny_drain(r) &&
		   tiny_answer(r->fd, 200, "Date: Sat, 21 Nov 2026 14:02:11 GMT\r\nX-Request-Id: req-1\r\n", "hello");
}

/* The request's head as the answer's body. */
static bool serve_head(struct tiny *s, struct tiny_request *r) {
	(void)s;
	return tiny_drain(r) && tiny_answer(r->fd, 200, "", r->head);
}

static bool serve_digest(struct tiny *s, struct tiny_request *r) {
	char part[8192], hex[SHA256_HEX];
	struct sha256 sum;
	AUTO(digest_free) struct digest *d = digest_new();
	(void)s;
	for (ssize_t got; (got = tiny_read_body(r, part, sizeof part)) != 0;) {
		if (got < 0) return false;
		digest_add(d, part, (size_t)got);
	}
	digest_end(d, &sum);
	return tiny_answer(r->fd, 200, "", sha256_hex(hex, &sum));
}

static bool serve_reset(struct tiny *s, struct tiny_request *r) {
	char part[65536];
	(void)s;
	for (size_t got = 0; got < 200000;) {
		ssize_t n = tiny_read_body(r, part, sizeof part);
		if (n <= 0) break;
		got += (size_t)n;
	}
	return reset(r->fd);
}

static bool serve_truncated(struct tiny *s, struct tiny_request *r) {
	(void)s;
	tiny_write(r->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789", 50);
	return false;
}

static bool serve_endless(struct tiny *s, struct tiny_request *r) {
	char part[8192];
	memset(part, 'x', sizeof part);
	tiny_write(r->fd, "HTTP/1.1 200 OK\r\n\r\n", 19);
	while (!s->stopping && tiny_write(r->fd, part, sizeof part)) {
	}
	return false;
}

static bool serve_endless_headers(struct tiny *s, struct tiny_request *r) {
	char line[1024];
	memset(line, 'x', sizeof line);
	memcpy(line, "A: ", 3);
	memcpy(line + sizeof line - 2, "\r\n", 2);
	tiny_write(r->fd, "HTTP/1.1 200 OK\r\n", 17);
	while (!s->stopping && tiny_write(r->fd, line, sizeof line)) {
	}
	return false;
}

static bool serve_black_hole(struct tiny *s, struct tiny_request *r) {
	if (!tiny_drain(r)) return false;
	tiny_wait_gone(s, r->fd);
	return false;
}

/* Never reads the body. */
static bool serve_deaf(struct tiny *s, struct tiny_request *r) {
	while (!s->stopping) {
		struct pollfd p = {.fd = r->fd, .events = POLLRDHUP};
		if (poll(&p, 1, 50) > 0) break;
	}
	return false;
}

static bool serve_trickle(struct tiny *s, struct tiny_request *r) {
	tiny_write(r->fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", 44);
	while (!s->stopping && tiny_write(r->fd, ".", 1)) sleep_ms(20);
	return false;
}

/* Thinks for 1.5 s, then answers. */
static bool serve_late(struct tiny *s, struct tiny_request *r) {
	(void)s;
	if (!tiny_drain(r)) return false;
	sleep_ms(1500);
	return tiny_answer(r->fd, 200, "", "late");
}

/* Refuses at the head; what the client goes on sending is taken for a while, as a careful server does. */
static bool serve_early(struct tiny *s, struct tiny_request *r) {
	char sink[65536];
	(void)s;
	tiny_answer(r->fd, 412, "Connection: close\r\n", "there");
	shutdown(r->fd, SHUT_WR);
	while (recv(r->fd, sink, sizeof sink, 0) > 0) {
	}
	return false;
}

static bool serve_garbage(struct tiny *s, struct tiny_request *r) {
	(void)s;
	tiny_write(r->fd, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n\r\n", 42);
	return false;
}

static bool serve_nothing(struct tiny *s, struct tiny_request *r) {
	(void)s, (void)r;
	return false;
}

static bool serve_redirect(struct tiny *s, struct tiny_request *r) {
	(void)s;
	return tiny_answer(r->fd, 302, "Location: /ok\r\nDate: yesterday\r\n", "");
}

/* One request a connection, without saying so: answer and FIN go in one segment, so that the client that has the answer
 * finds its kept connection dead at the next request. */
static bool serve_once(struct tiny *s, struct tiny_request *r) {
	const int on = 1;
	(void)s;
	if (!tiny_drain(r)) return false;
	setsockopt(r->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
	tiny_answer(r->fd, 200, "", "once");
	shutdown(r->fd, SHUT_RDWR);
	return false;
}

/* Any request but a connection's first is taken whole and not answered. */
static bool serve_first_only(struct tiny *s, struct tiny_request *r) {
	if (r->number == 1) return serve_digest(s, r);
	(void)!tiny_drain(r);
	return false;
}

static const struct {
	const char *path;
	bool (*serve)(struct tiny *s, struct tiny_request *r);
} manners[] = {
	{"/ok", serve_ok},
	{"/head", serve_head},
	{"/digest", serve_digest},
	{"/reset", serve_reset},
	{"/truncated", serve_truncated},
	{"/endless", serve_endless},
	{"/endless-headers", serve_endless_headers},
	{"/black-hole", serve_black_hole},
	{"/deaf", serve_deaf},
	{"/trickle", serve_trickle},
	{"/late", serve_late},
	{"/early", serve_early},
	{"/garbage", serve_garbage},
	{"/nothing", serve_nothing},
	{"/redirect", serve_redirect},
	{"/once", serve_once},
	{"/first-only", serve_first_only},
};

static bool serve(struct tiny *s, struct tiny_request *r) {
	char path[256];
	snprintf(path, sizeof path, "%.*s", (int)strcspn(r->path, "?"), r->path);
	for (size_t i = 0; i < ARRAY_LEN(manners); i++)
		if (!strcmp(path, manners[i].path)) return manners[i].serve(s, r);
	return serve_head(s, r);
}

/* --- the client's side --- */

static size_t active(const struct http *h) { return h->waiting_n + h->running_n + h->ended_n; }

struct result {
	int calls, status;
	struct error err;
	char body[20000];
	size_t body_n;
	int64_t sent, date_ms, elapsed_ms;
	char request_id[64];
	int64_t progress_last;
	int progress_calls;
};
struct fixture {
	struct tiny server;
	uv_loop_t loop;
	uv_timer_t guard;
	struct http *http;
	bool closed;
};

static void on_guard(uv_timer_t *timer) {
	(void)timer;
	fail_msg("a test did not end within %d ms", GUARD_MS);
}

static void on_done(void *arg, const struct http_answer *a) {
	struct result *r = arg;
	r->calls++;
	r->status = a->status;
	r->err = a->err;
	r->body_n = a->body_n;
	text_copy(r->body, sizeof r->body, a->body);
	r->sent = a->sent_bytes;
	r->date_ms = a->date_ms;
	r->elapsed_ms = a->elapsed_ms;
	const char *id = http_header(a, "x-request-ID");
	text_copy(r->request_id, sizeof r->request_id, id ? id : "");
}

static void on_progress(void *arg, int64_t sent_bytes) {
	struct result *r = arg;
	assert_true(sent_bytes > r->progress_last);
	r->progress_last = sent_bytes;
	r->progress_calls++;
}

static void fixture_open(struct fixture *f, const struct http_options *options) {
	struct error err = ERROR_INIT;
	memset(f, 0, sizeof *f);
	tiny_start(&f->server, serve, NULL);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	uv_timer_init(&f->loop, &f->guard);
	uv_timer_start(&f->guard, on_guard, GUARD_MS, 0);
	uv_unref((uv_handle_t *)&f->guard);
	assert_int_equal(http_new(&f->http, &f->loop, options, &err), 0);
}

static int set_up(void **state) {
	struct fixture *f = xcalloc(1, sizeof *f);
	const struct http_options options = {
		.user_agent = "test/1", .connect_ms = 10000, .low_rate_bytes = 1000, .low_rate_ms = 1000, .max_connections = 4};
	fixture_open(f, &options);
	*state = f;
	return 0;
}

static void on_closed(void *arg) {
	struct fixture *f = arg;
	f->closed = true;
}

/* Closes, and proves that nothing of the client is left in the loop. */
static void fixture_close(struct fixture *f) {
	if (f->http) http_close(f->http, on_closed, f);
	f->http = NULL;
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_true(f->closed);
	uv_close((uv_handle_t *)&f->guard, NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	tiny_stop(&f->server);
}

static int tear_down(void **state) {
	fixture_close(*state);
	free(*state);
	return 0;
}

static const char *url_of(struct fixture *f, const char *path) {
	static char url[512];
	snprintf(url, sizeof url, "http://127.0.0.1:%d%s", f->server.port, path);
	return url;
}

/* Sends and runs the loop until the answer is there. */
static void ask(struct fixture *f, struct http_request request, const char *path, struct result *r) {
	memset(r, 0, sizeof *r);
	if (!request.method) request.method = "GET";
	if (!request.url) request.url = url_of(f, path);
	request.on_done = on_done;
	request.arg = r;
	http_send(f->http, &request);
	assert_int_equal(r->calls, 0); /* never from inside http_send */
	while (r->calls == 0) uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(r->calls, 1);
}

static void test_get(void **state) {
	struct fixture *f = *state;
	struct result r;
	ask(f, (struct http_request){0}, "/ok", &r);
	assert_int_equal(r.err.code, ERR_NONE);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "hello");
	assert_string_equal(r.request_id, "req-1");
	int64_t when;
	assert_int_equal(time_parse_rfc3339("2026-11-21T14:02:11Z", &when), 0);
	assert_int_equal(r.date_ms, when);
	for (int i = 0; i < 5; i++) ask(f, (struct http_request){0}, "/ok", &r);
	assert_int_equal(f->server.connections, 1); /* kept open */
	assert_int_equal(active(f->http), 0);
}

static void test_what_is_sent(void **state) {
	struct fixture *f = *state;
	struct result r;
	static const char *const headers[] = {"X-One: 1", "content-length: 999", "If-None-Match: *", NULL};
	ask(f, (struct http_request){.method = "PUT", .headers = headers, .body = "abc", .body_n = 3}, "/a/../b%2fc//d?x=y",
		&r);
	assert_int_equal(r.status, 200);
	assert_true(text_starts(r.body, "PUT /a/../b%2fc//d?x=y HTTP/1.1\r\n")); /* as it is */
	assert_non_null(strstr(r.body, "\r\nX-One: 1\r\n"));
	assert_non_null(strstr(r.body, "\r\nContent-Length: 3\r\n"));
	assert_non_null(strstr(r.body, "\r\nUser-Agent: test/1\r\n"));
	assert_null(strstr(r.body, ": 999\r\n"));
	assert_null(strcasestr(r.body, "expect:"));
	assert_null(strcasestr(r.body, "content-type:"));
	assert_int_equal(r.sent, 3);

	static const struct {
		const char *method, *begins;
		bool length;
	} rows[] = {{"POST", "POST /head HTTP/1.1", true}, {"PUT", "PUT /head HTTP/1.1", true},
		{"DELETE", "DELETE /head HTTP/1.1", false}, {"GET", "GET /head HTTP/1.1", false}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ask(f, (struct http_request){.method = rows[i].method}, "/head", &r);
		assert_true(text_starts(r.body, rows[i].begins));
		assert_int_equal(strstr(r.body, "Content-Length: 0\r\n") != NULL, rows[i].length);
		assert_null(strcasestr(r.body, "content-type:"));
		assert_null(strcasestr(r.body, "transfer-encoding:"));
	}
	ask(f, (struct http_request){.method = "HEAD"}, "/head", &r);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body_n, 0);
}

static void test_bad_requests(void **state) {
	struct fixture *f = *state;
	struct result r;
	static const char *const split[] = {"X-One: 1\r\nX-Evil: 2", NULL};
	static const char *const bare[] = {"Nonsense", NULL};
	ask(f, (struct http_request){.headers = split}, "/ok", &r);
	assert_int_equal(r.err.code, ERR_INPUT);
	ask(f, (struct http_request){.headers = bare}, "/ok", &r);
	assert_int_equal(r.err.code, ERR_INPUT);
	ask(f, (struct http_request){.url = "file:///etc/passwd"}, NULL, &r);
	assert_int_equal(r.err.code, ERR_INPUT);
	assert_non_null(strstr(r.err.text, "http://"));
	ask(f, (struct http_request){.url = "http://[::1"}, NULL, &r);
	assert_int_equal(r.err.code, ERR_INPUT);
	assert_int_equal(f->server.requests, 0);
	http_cancel(f->http, 12345); /* unknown: ignored */
	http_set_rate(f->http, 12345, 1);
}

static void test_refused(void **state) {
	struct fixture *f = *state;
	struct result r;
	char url[128];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof to;
	assert_int_equal(bind(fd, (struct sockaddr *)&to, n), 0); /* bound, not listening: refuses */
	assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &n), 0);
	snprintf(url, sizeof url, "http://user:word@127.0.0.1:%d/x?X-Amz-Signature=secret", ntohs(to.sin_port));
	ask(f, (struct http_request){.url = url}, NULL, &r);
	assert_int_equal(r.err.code, ERR_UNREACHABLE);
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.err.text, "http://127.0.0.1:"));
	assert_null(strstr(r.err.text, "secret"));
	assert_null(strstr(r.err.text, "word"));
	close(fd);
	ask(f, (struct http_request){.url = "http://no-such-host.invalid/", .deadline_ms = 5000}, NULL, &r);
	assert_int_not_equal(r.err.code, ERR_NONE);
	assert_int_equal(error_classes[r.err.code].retry, RETRY_TRANSIENT);
	snprintf(url, sizeof url, "https://127.0.0.1:%d/", f->server.port); /* TLS spoken to a plain server */
	ask(f, (struct http_request){.url = url}, NULL, &r);
	assert_int_equal(error_classes[r.err.code].retry, RETRY_TRANSIENT);
}

static void test_bad_answers(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *path;
		enum error_code code;
	} rows[] = {
		{"/truncated", ERR_UNREACHABLE},
		{"/nothing", ERR_UNREACHABLE},
		{"/reset", ERR_UNREACHABLE},
		{"/garbage", ERR_MIDDLEBOX},
		{"/endless", ERR_MIDDLEBOX},
		{"/endless-headers", ERR_MIDDLEBOX},
		{"/black-hole", ERR_TIMEOUT},
		{"/trickle", ERR_TIMEOUT},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct result r;
		ask(f, (struct http_request){.answer_max = 10000}, rows[i].path, &r);
		if (r.err.code != rows[i].code) fail_msg("%s: %s", rows[i].path, r.err.text);
		assert_int_equal(r.status, 0);
		assert_true(*r.err.text);
		assert_true(r.elapsed_ms < 8000);
	}
}

static void test_answer_ceiling(void **state) {
	struct fixture *f = *state;
	struct result r;
	ask(f, (struct http_request){.answer_max = 5}, "/ok", &r);
	assert_int_equal(r.status, 200);
	ask(f, (struct http_request){.answer_max = 4}, "/ok", &r);
	assert_int_equal(r.err.code, ERR_MIDDLEBOX);
}

static void test_statuses(void **state) {
	struct fixture *f = *state;
	struct result r;
	ask(f, (struct http_request){0}, "/redirect", &r);
	assert_int_equal(r.err.code, ERR_NONE);
	assert_int_equal(r.status, 302); /* not followed */
	assert_int_equal(r.date_ms, 0);
	assert_int_equal(f->server.requests, 1);
}

static void test_deadline(void **state) {
	struct fixture *f = *state;
	struct result r;
	ask(f, (struct http_request){.deadline_ms = 100}, "/black-hole", &r);
	assert_int_equal(r.err.code, ERR_TIMEOUT);
	assert_true(r.elapsed_ms >= 90 && r.elapsed_ms < 8000);
}

static void test_hold(void **state) {
	struct fixture *f = *state;
	struct result r;
	ask(f, (struct http_request){.method = "POST", .body = "x", .body_n = 1}, "/late", &r);
	assert_int_equal(r.err.code, ERR_TIMEOUT);
	ask(f, (struct http_request){.method = "POST", .body = "x", .body_n = 1, .hold_ms = 5000}, "/late", &r);
	assert_int_equal(r.err.code, ERR_NONE);
	assert_string_equal(r.body, "late");
}

/* --- bodies from a source --- */

struct pattern {
	int64_t size, fail_at, end_at; /* -1: never */
	int64_t asked;
	struct fixture *f;
	uint64_t cancel_id;
};

static char pattern_byte(int64_t offset) { return (char)('a' + (offset * 7 + offset / 251) % 26); }

static ssize_t pattern_read(void *arg, char *to, size_t n, int64_t offset, struct error *err) {
	struct pattern *p = arg;
	p->asked = offset;
	if (p->cancel_id && offset > 0) http_cancel(p->f->http, p->cancel_id);
	if (p->fail_at >= 0 && offset >= p->fail_at) return error_set(err, ERR_CHANGED, "the file is not what was hashed");
	if (p->end_at >= 0 && offset >= p->end_at) return 0;
	for (size_t i = 0; i < n; i++) to[i] = pattern_byte(offset + (int64_t)i);
	return (ssize_t)n;
}

static void pattern_digest(int64_t size, char hex[SHA256_HEX]) {
	AUTO(digest_free) struct digest *d = digest_new();
	struct sha256 sum;
	char part[4096];
	for (int64_t at = 0; at < size;) {
		size_t n = (size_t)MIN((int64_t)sizeof part, size - at);
		for (size_t i = 0; i < n; i++) part[i] = pattern_byte(at + (int64_t)i);
		digest_add(d, part, n);
		at += (int64_t)n;
	}
	digest_end(d, &sum);
	sha256_hex(hex, &sum);
}

static void put(struct fixture *f, struct pattern *p, const char *path, int64_t rate, struct result *r) {
	ask(f,
		(struct http_request){.method = "PUT",
			.source = {.read = pattern_read, .arg = p, .size = p->size},
			.on_progress = on_progress,
			.send_rate_max = rate,
			.hold_ms = 5000},
		path, r);
}

static void test_put_source(void **state) {
	struct fixture *f = *state;
	static const int64_t sizes[] = {0, 1, 65536, 1 << 18, (1 << 18) + 1, 20000003};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct pattern p = {.size = sizes[i], .fail_at = -1, .end_at = -1};
		char hex[SHA256_HEX];
		struct result r;
		put(f, &p, "/digest", 0, &r);
		assert_int_equal(r.status, 200);
		pattern_digest(sizes[i], hex);
		assert_string_equal(r.body, hex);
		assert_int_equal(r.sent, sizes[i]);
		assert_int_equal(r.progress_last, sizes[i]);
	}
	assert_int_equal(f->server.connections, 1);
}

static void test_put_source_fails(void **state) {
	struct fixture *f = *state;
	struct result r;
	struct pattern p = {.size = 10000000, .fail_at = 3000000, .end_at = -1};
	put(f, &p, "/digest", 0, &r);
	assert_int_equal(r.err.code, ERR_CHANGED);
	assert_string_equal(r.err.text, "the file is not what was hashed");
	p = (struct pattern){.size = 10000000, .fail_at = -1, .end_at = 3000000};
	put(f, &p, "/digest", 0, &r);
	assert_int_equal(r.err.code, ERR_CHANGED);
	assert_non_null(strstr(r.err.text, "of 10000000"));
}

static void test_put_network_fails(void **state) {
	struct fixture *f = *state;
	struct result r;
	struct pattern p = {.size = 50000000, .fail_at = -1, .end_at = -1};
	for (int i = 0; i < 20; i++) { /* cut off at any moment: it is said what happened, not what curl waited with */
		put(f, &p, "/reset", 0, &r);
		assert_int_equal(r.err.code, ERR_UNREACHABLE);
		assert_true(r.sent < p.size);
		if (strstr(r.err.text, "select/poll")) fail_msg("%s", r.err.text);
	}
	put(f, &p, "/deaf", 0, &r); /* what the kernel's buffers took is no progress */
	assert_int_equal(r.err.code, ERR_TIMEOUT);
	assert_true(r.elapsed_ms < 8000);
	put(f, &p, "/early", 0, &r);
	assert_int_equal(r.err.code, ERR_NONE);
	assert_int_equal(r.status, 412);
	assert_string_equal(r.body, "there");
	assert_true(r.sent < p.size);
}

static void test_rate(void **state) {
	struct fixture *f = *state;
	struct result r;
	struct pattern p = {.size = 600000, .fail_at = -1, .end_at = -1};
	put(f, &p, "/digest", 1000000, &r);
	assert_int_equal(r.status, 200);
	assert_true(r.elapsed_ms >= 250); /* curl lets the first buffer go at once */
	assert_true(r.progress_calls >= 2);
}

static void on_loosen(uv_timer_t *timer) {
	struct fixture *f = timer->data;
	http_set_rate(f->http, 1, 0);
}

static void test_set_rate(void **state) {
	struct fixture *f = *state;
	struct result r;
	uv_timer_t timer = {.data = f};
	struct pattern p = {.size = 3000000, .fail_at = -1, .end_at = -1};
	uv_timer_init(&f->loop, &timer);
	uv_timer_start(&timer, on_loosen, 200, 0);
	put(f, &p, "/digest", 20000, &r); /* minutes, were it not loosened */
	if (r.err.code) fail_msg("%s after %d ms, %d bytes", r.err.text, (int)r.elapsed_ms, (int)r.sent);
	assert_int_equal(r.status, 200);
	assert_true(r.elapsed_ms < 15000);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&f->loop, UV_RUN_NOWAIT);
}

static void test_dead_connection(void **state) {
	struct fixture *f = *state;
	for (int i = 0; i < 5; i++) {
		struct result r;
		ask(f, (struct http_request){.method = "POST", .body = "abc", .body_n = 3}, "/once", &r);
		if (r.err.code != ERR_NONE) fail_msg("%d %s", i, r.err.text);
		assert_string_equal(r.body, "once");
	}
}

/* A kept connection that dies under the next request, before a byte of its answer: the request is sent again on a new
 * one, its body from the start. */
static void test_connection_dies(void **state) {
	struct fixture *f = *state;
	char hex[SHA256_HEX];
	pattern_digest(3000, hex);
	for (int i = 0; i < 5; i++) {
		struct result r;
		struct pattern p = {.size = 3000, .fail_at = -1, .end_at = -1};
		ask(f, (struct http_request){0}, "/ok", &r);
		put(f, &p, "/first-only", 0, &r);
		if (r.err.code) fail_msg("%s", r.err.text);
		assert_string_equal(r.body, hex);
	}
	assert_true(f->server.connections > 5);
}

/* --- cancel, close, many --- */

static void test_cancel(void **state) {
	struct fixture *f = *state;
	struct result r[6] = {0};
	uint64_t ids[6];
	for (size_t i = 0; i < ARRAY_LEN(r); i++) { /* four run, two wait */
		const struct http_request request = {
			.method = "GET", .url = url_of(f, "/late"), .hold_ms = 5000, .on_done = on_done, .arg = &r[i]};
		ids[i] = http_send(f->http, &request);
		assert_true(i == 0 || ids[i] > ids[i - 1]);
	}
	http_cancel(f->http, ids[5]); /* before it starts */
	while (f->server.requests < 4) uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(r[5].calls, 1);
	assert_int_equal(r[5].err.code, ERR_CANCELLED);
	http_cancel(f->http, ids[0]); /* while it runs */
	http_cancel(f->http, ids[0]);
	assert_int_equal(r[0].calls, 0);
	while (active(f->http) > 0) uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(r[0].err.code, ERR_CANCELLED);
	for (size_t i = 0; i < ARRAY_LEN(r); i++) assert_int_equal(r[i].calls, 1);
	for (size_t i = 1; i < 5; i++)
		if (r[i].status != 200) fail_msg("%zu: %s", i, r[i].err.text);
}

/* From inside curl's own callback. */
static void test_cancel_in_source(void **state) {
	struct fixture *f = *state;
	struct result r;
	struct pattern p = {.size = 50000000, .fail_at = -1, .end_at = -1, .f = f, .cancel_id = 1};
	put(f, &p, "/digest", 0, &r);
	assert_int_equal(r.err.code, ERR_CANCELLED);
	assert_true(p.asked < p.size / 2);
}

struct many {
	struct fixture *f;
	int sent, done, good, total;
};

static void many_send(struct many *m);
static void on_many(void *arg, const struct http_answer *a) {
	struct many *m = arg;
	m->done++;
	m->good += a->status == 200 && !strcmp(a->body, "hello");
	if (m->sent < m->total) many_send(m); /* a request sent from on_done */
}

static void many_send(struct many *m) {
	const struct http_request request = {
		.method = "GET", .url = url_of(m->f, "/ok"), .deadline_ms = 15000, .on_done = on_many, .arg = m};
	m->sent++;
	http_send(m->f->http, &request);
}

static void test_two_thousand(void **state) {
	struct fixture *f = *state;
	struct many m = {.f = f, .total = 2000};
	for (int i = 0; i < 1000; i++) many_send(&m); /* a thousand wait; each that ends sends another */
	while (m.done < m.total) uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(m.good, 2000);
	assert_int_equal(f->server.connections, 4);
}

static void test_close_in_flight(void **state) {
	struct fixture *f = *state;
	struct result r[8] = {0};
	static const char *const paths[] = {"/late", "/black-hole", "/trickle", "/deaf"};
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		const struct http_request request = {.method = "GET",
			.url = url_of(f, paths[i % ARRAY_LEN(paths)]),
			.hold_ms = 5000,
			.on_done = on_done,
			.arg = &r[i]};
		http_send(f->http, &request);
	}
	while (f->server.requests < 4) uv_run(&f->loop, UV_RUN_ONCE);
	http_close(f->http, on_closed, f);
	const struct http_request late = {.method = "GET", .url = url_of(f, "/ok"), .on_done = on_done, .arg = &r[0]};
	http_send(f->http, &late); /* still ends once */
	f->http = NULL;
	while (!f->closed) uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(r[0].calls, 2);
	for (size_t i = 1; i < ARRAY_LEN(r); i++) {
		assert_int_equal(r[i].calls, 1);
		assert_int_equal(r[i].err.code, ERR_CANCELLED);
	}
}

static void on_done_closing(void *arg, const struct http_answer *a) {
	struct fixture *f = arg;
	assert_int_equal(a->status, 200);
	http_close(f->http, on_closed, f);
	f->http = NULL;
}

static void test_close_in_callback(void **state) {
	struct fixture *f = *state;
	const struct http_request request = {
		.method = "GET", .url = url_of(f, "/ok"), .on_done = on_done_closing, .arg = f};
	http_send(f->http, &request);
	while (!f->closed) uv_run(&f->loop, UV_RUN_ONCE);
}

static void test_defaults_and_files(void **state) {
	(void)state;
	struct fixture f;
	struct result r;
	fixture_open(&f, &(struct http_options){.ca_file = "/nonexistent/ca.pem"});
	ask(&f, (struct http_request){0}, "/head", &r);
	assert_non_null(strstr(r.body, "User-Agent: headgate/"));
	ask(&f, (struct http_request){.url = "https://127.0.0.1:1/"}, NULL, &r);
	assert_int_not_equal(r.err.code, ERR_NONE);
	fixture_close(&f);
}

static void test_url_safe(void **state) {
	(void)state;
	static const struct {
		const char *url, *safe;
	} rows[] = {
		{"https://h.example:8443/b/k?X-Amz-Signature=1", "https://h.example:8443/b/k"},
		{"https://u:p@h/b#f", "https://h/b"},
		{"https://h?q", "https://h"},
		{"https://h/a@b", "https://h/a@b"},
		{"https://u@x:p@h", "https://h"},
		{"h/p?q", "h/p"},
		{"", ""},
		{"http://h/\x1b[2J", "http://h/\\x1b[2J"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(http_url_safe((char[128]){0}, 128, rows[i].url), rows[i].safe);
}

int main(void) {
	tiny_no_proxies();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_get, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_sent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_requests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_answer_ceiling, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_statuses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deadline, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_put_source, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_put_source_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_put_network_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_set_rate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dead_connection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_connection_dies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancel_in_source, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_two_thousand, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_close_in_flight, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_close_in_callback, set_up, tear_down),
		cmocka_unit_test(test_defaults_and_files),
		cmocka_unit_test(test_url_safe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
