/* SPDX-License-Identifier: MIT */
/* The ingest client against a scripted cloud: token, renewal, retries, long poll, boxes in the middle, cancel, close.
 */
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
#include "base/http_parts.h"
#include "base/text.h"
#include "ingest/client.h"

#define GUARD_MS 20000
#define API_KEY "hg_secret-key"
#define HTML "<html><body>Welcome to HotelNet</body></html>"
#define ERROR_BODY(code) "{\"error\":{\"code\":\"" code "\",\"message\":\"in words\",\"request_id\":\"r\"}}"

#define INFO                                                                                                           \
	"{\"service\":\"headgate-cloud\",\"version\":\"1\",\"api\":1,\"minimum_client\":\"1\",\"now\":\"2026-11-20T13:45:" \
	"02.000Z\",\"limits\":{\"files_per_call\":1000,\"part_size_rule\":\"x\",\"body_bytes\":1}}"

/* --- the cloud's side --- */

static size_t active(const struct http *h) { return h->waiting_n + h->running_n + h->ended_n; }

struct answer {
	int status;
	const char *headers, *body; /* body NULL: a good token */
};
struct cloud {
	const struct answer *authenticate; /* n of them in turn, the last for ever */
	int authenticate_n;
	atomic_int authenticated, tokens, asked;
	atomic_int valid_token; /* number of the token that is good; 0: any */
	int expires_s;
};
static const struct answer good_token = {200, "", NULL};

static void sleep_ms(long ms) {
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	nanosleep(&t, NULL);
}

static void read_body(struct tiny_request *r, char *to, size_t size) {
	size_t n = 0;
	ssize_t got;
	while (n + 1 < size && (got = tiny_read_body(r, to + n, size - 1 - n)) > 0) n += (size_t)got;
	to[n] = '\0';
}

static bool serve_authenticate(struct cloud *c, struct tiny_request *r) {
	char body[1024];
	int i = c->authenticated++;
	const struct answer *a = &c->authenticate[MIN(i, c->authenticate_n - 1)];
	read_body(r, body, sizeof body);
	if (strcmp(body, "{\"api_key\":\"" API_KEY "\"}") != 0)
		return tiny_answer(r->fd, 400, "", ERROR_BODY("bad_request"));
	if (a->body) return tiny_answer(r->fd, a->status, a->headers, a->body);
	snprintf(body, sizeof body, "{\"token\":\"t%d\",\"expires_in\":%d,\"station\":\"lab-1\",\"scopes\":[\"station\"]}",
		++c->tokens, c->expires_s);
	return tiny_answer(r->fd, 200, "", body);
}

static const struct row {
	const char *path;
	struct answer first, later; /* the first two times; from the third on */
} rows[] = {
	{"/v1/ok", {200, "x-request-id: r-7\r\n", "{\"n\":1}"}, {200, "", "{\"n\":2}"}},
	{"/v1/info", {200, "", INFO}, {200, "", INFO}},
	{"/v1/changes", {200, "", "{\"changes\":[],\"cursor\":\"c\"}"}, {200, "", "{\"changes\":{},\"cursor\":\"c\"}"}},
	{"/v1/flaky", {500, "", ERROR_BODY("internal")}, {200, "", "{\"n\":3}"}},
	{"/v1/down", {502, "", HTML}, {502, "", HTML}},
	{"/v1/throttled", {429, "Retry-After: 0\r\n", ERROR_BODY("rate_limited")}, {200, "", "{}"}},
	{"/v1/pause", {429, "Retry-After: 1\r\n", ERROR_BODY("rate_limited")}, {429, "", ERROR_BODY("rate_limited")}},
	{"/v1/later", {429, "Retry-After: 120\r\n", ERROR_BODY("rate_limited")}, {200, "", "{}"}},
	{"/v1/html200", {200, "Content-Type: text/html\r\n", HTML}, {200, "", HTML}},
	{"/v1/html403", {403, "", HTML}, {403, "", HTML}},
	{"/v1/half", {200, "", "{\"n\":"}, {200, "", "{\"n\":"}},
	{"/v1/nothing", {204, "", ""}, {204, "", ""}},
	{"/v1/revoked", {401, "", ERROR_BODY("key_revoked")}, {401, "", ERROR_BODY("key_revoked")}},
	{"/v1/never", {401, "", ERROR_BODY("token_invalid")}, {401, "", ERROR_BODY("token_invalid")}},
	{"/v1/denied", {403, "x-request-id: \x1b[2Jr\r\n", ERROR_BODY("scope_missing")}, {403, "", ""}},
	{"/v1/gone", {404, "", ERROR_BODY("not_found")}, {404, "", ""}},
	{"/v1/ahead", {200, "Date: @\r\n", "{}"}, {200, "", "{}"}},
};

/* The answer's headers, "@" replaced by a Date seven minutes ahead. */
static void fill_date(const char *headers, char *to, size_t size) {
	char when[TIME_TEXT];
	int at = (int)strcspn(headers, "@");
	if (headers[at])
		snprintf(to, size, "%.*s%s%s", at, headers, time_http(when, clock_wall_ms() + 420000), headers + at + 1);
	else snprintf(to, size, "%s", headers);
}

static bool serve_row(struct tiny_request *r, const struct answer *a) {
	char headers[512];
	fill_date(a->headers, headers, sizeof headers);
	return tiny_answer(r->fd, a->status, headers, a->body);
}

static bool token_is_good(const struct cloud *c, const struct tiny_request *r) {
	char wanted[64], given[256];
	int number = c->valid_token ? c->valid_token : c->tokens;
	snprintf(wanted, sizeof wanted, "Bearer t%d", number);
	return !strcmp(tiny_header(r, "authorization", given, sizeof given), wanted);
}

static bool serve(struct tiny *s, struct tiny_request *r) {
	static atomic_int times[ARRAY_LEN(rows)];
	struct cloud *c = s->arg;
	char echo[2048], body[1024], type[64], instance[64];
	if (!strcmp(r->path, "/v1/authenticate")) return serve_authenticate(c, r);
	read_body(r, body, sizeof body);
	if (!strcmp(r->path, "/reset-counts")) {
		for (size_t i = 0; i < ARRAY_LEN(times); i++) times[i] = 0;
		return tiny_answer(r->fd, 200, "", "{}");
	}
	c->asked++;
	if (strcmp(r->path, "/v1/info") != 0 && !token_is_good(c, r))
		return tiny_answer(r->fd, 401, "", ERROR_BODY("token_expired"));
	if (!strncmp(r->path, "/v1/slow", 8)) {
		sleep_ms(2200);
		return tiny_answer(r->fd, 200, "", "{}");
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(r->path, rows[i].path)) return serve_row(r, times[i]++ < 2 ? &rows[i].first : &rows[i].later);
	snprintf(echo, sizeof echo, "{\"method\":\"%s\",\"type\":\"%s\",\"instance\":\"%s\",\"sent\":%s}", r->method,
		tiny_header(r, "content-type", type, sizeof type),
		tiny_header(r, "x-headgate-instance", instance, sizeof instance), *body ? body : "null");
	return tiny_answer(r->fd, 200, "", echo);
}

/* --- the client's side --- */

struct result {
	int calls, attempts;
	struct error err;
	char *json, request_id[64];
	int64_t retry_after_ms;
};
struct fixture {
	struct tiny server;
	struct cloud cloud;
	uv_loop_t loop;
	uv_timer_t guard;
	struct http *http;
	struct ingest *ingest;
	struct secret key;
	char endpoint[64];
	bool closed;
};

static void on_guard(uv_timer_t *timer) {
	(void)timer;
	fail_msg("a test did not end within %d ms", GUARD_MS);
}

static int set_up(void **state) {
	struct fixture *f = xcalloc(1, sizeof *f);
	struct error err = ERROR_INIT;
	f->cloud = (struct cloud){.authenticate = &good_token, .authenticate_n = 1, .expires_s = 3600};
	tiny_start(&f->server, serve, &f->cloud);
	uv_loop_init(&f->loop);
	uv_timer_init(&f->loop, &f->guard);
	uv_timer_start(&f->guard, on_guard, GUARD_MS, 0);
	uv_unref((uv_handle_t *)&f->guard);
	const struct http_options http = {.low_rate_ms = 1500};
	assert_int_equal(http_new(&f->http, &f->loop, &http, &err), 0);
	secret_set(&f->key, API_KEY, strlen(API_KEY));
	snprintf(f->endpoint, sizeof f->endpoint, "http://127.0.0.1:%d//", f->server.port);
	const struct ingest_options options = {
		.endpoint = f->endpoint, .api_key = &f->key, .http = f->http, .loop = &f->loop, .instance = "i-1"};
	assert_int_equal(ingest_new(&f->ingest, &options, &err), 0);
	*state = f;
	return 0;
}

static void on_closed(void *arg) {
	struct fixture *f = arg;
	f->closed = true;
}

static int tear_down(void **state) {
	struct fixture *f = *state;
	if (f->ingest) ingest_close(f->ingest);
	http_close(f->http, on_closed, f);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_true(f->closed);
	uv_close((uv_handle_t *)&f->guard, NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	tiny_stop(&f->server);
	secret_done(&f->key);
	free(f);
	return 0;
}

static void on_done(void *arg, const struct ingest_result *r) {
	struct result *to = arg;
	free(to->json);
	to->calls++;
	to->err = r->err;
	to->attempts = r->attempts;
	to->retry_after_ms = r->retry_after_ms;
	to->json = r->json ? json_text(r->json) : NULL;
	text_copy(to->request_id, sizeof to->request_id, r->request_id);
	assert_int_equal(r->json != NULL, r->err.code == ERR_NONE);
}

static void result_done(struct result *r) { free(r->json); }
DEFINE_AUTO_VAL(struct result, result_done)

static void wait_for(struct fixture *f, const struct result *r, int calls) {
	while (r->calls < calls) uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(r->calls, calls);
}

static void ask(struct fixture *f, const char *path, struct result *r) {
	int calls = r->calls;
	ingest_call(f->ingest, "GET", path, NULL, 0, on_done, r);
	assert_int_equal(r->calls, calls); /* never from inside */
	wait_for(f, r, calls + 1);
}

static void reset_counts(struct fixture *f) {
	AUTO(result_done) struct result r = {0};
	ask(f, "/reset-counts", &r);
	f->cloud.asked = 0;
}

static void test_plain_call(void **state) {
	struct fixture *f = *state;
	AUTO(result_done) struct result r = {0};
	struct ingest_state s;
	ingest_state(f->ingest, &s);
	assert_false(s.has_token);
	assert_int_equal(s.latency_ms, -1);
	reset_counts(f);
	ask(f, "/v1/ok", &r);
	assert_string_equal(r.json, "{\"n\":1}");
	assert_string_equal(r.request_id, "r-7");
	assert_int_equal(r.attempts, 1);
	ask(f, "/v1/ok", &r);
	assert_int_equal(f->cloud.authenticated, 1);
	ingest_state(f->ingest, &s);
	assert_true(s.has_token);
	assert_string_equal(s.station, "lab-1");
	assert_true(s.latency_ms >= 0 && s.latency_ms < 5000);
	assert_true(llabs(s.last_answer_ms - clock_wall_ms()) < 5000);
	assert_true(llabs(s.token_expires_ms - clock_wall_ms() - 3600000) < 5000);
}

static void test_body_and_headers(void **state) {
	struct fixture *f = *state;
	AUTO(result_done) struct result r = {0};
	cJSON *body = json_object();
	json_add_text(body, "session", "20260821_101500");
	ingest_call(f->ingest, "POST", "/v1/echo", body, 0, on_done, &r);
	wait_for(f, &r, 1);
	assert_string_equal(r.json, "{\"method\":\"POST\",\"type\":\"application/json\",\"instance\":\"i-1\","
								"\"sent\":{\"session\":\"20260821_101500\"}}");
	ask(f, "/v1/echo", &r);
	assert_string_equal(r.json, "{\"method\":\"GET\",\"type\":\"\",\"instance\":\"i-1\",\"sent\":null}");
}

static void test_open_call(void **state) {
	struct fixture *f = *state;
	AUTO(result_done) struct result r = {0};
	ask(f, "/v1/info", &r);
	assert_int_equal(r.err.code, ERR_NONE);
	assert_int_equal(f->cloud.authenticated, 0);
}

static void test_single_flight(void **state) {
	struct fixture *f = *state;
	AUTO(result_done) struct result r = {0};
	for (int i = 0; i < 50; i++) ingest_call(f->ingest, "GET", "/v1/echo", NULL, 0, on_done, &r);
	wait_for(f, &r, 50);
	assert_int_equal(r.err.code, ERR_NONE);
	assert_int_equal(f->cloud.authenticated, 1);
}

static void test_renewed_on_401(void **state) {
	struct fixture *f = *state;
	AUTO(result_done) struct result r = {0};
	ask(f, "/v1/echo", &r);
	f->cloud.valid_token = 2; /* the first is good no more */
	for (int i = 0; i < 20; i++) ingest_call(f->ingest, "GET", "/v1/echo", NULL, 0, on_done, &r);
	wait_for(f, &r, 21);
	assert_int_equal(r.err.code, ERR_NONE);
	assert_int_equal(f->cloud.authenticated, 2); /* once for all of them */
	f->cloud.valid_token = 0;
	ask(f, "/v1/never", &r);
	assert_int_equal(r.err.code, ERR_TOKEN);
	assert_int_equal(r.err.http, 401);
	assert_int_equal(r.attempts, 2);
	assert_int_equal(f->cloud.authenticated, 3);
}

static void test_renewed_early(void **state) {
	struct fixture *f = *state;
	AUTO(result_done) struct result r = {0};
	f->cloud.expires_s = 1; /* renewed at half its life */
	for (int calls = 1; calls <= 2; calls++) {
		ingest_call(f->ingest, "GET", "/v1/slow", NULL, 5000, on_done, &r);
		wait_for(f, &r, calls);
		assert_int_equal(r.err.code, ERR_NONE);
	}
	assert_int_equal(f->cloud.authenticated, 2);
	assert_int_equal(f->cloud.asked, 2); /* and no call was refused for it */
}

static void test_key_refused(void **state) {
	struct fixture *f = *state;
	static const struct answer answers[] = {
		{401, "x-request-id: r-9\r\n", ERROR_BODY("key_refused")},
		{403, "", ERROR_BODY("address_refused")},
		{401, "", ERROR_BODY("some_new_word")},
	};
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		AUTO(result_done) struct result r = {0};
		struct ingest_state s;
		f->cloud.authenticate = &answers[i];
		for (int n = 0; n < 3; n++) ingest_call(f->ingest, "GET", "/v1/echo", NULL, 0, on_done, &r);
		wait_for(f, &r, 3);
		assert_int_equal(r.err.code, ERR_KEY);
		assert_int_equal(error_classes[r.err.code].exit_status, 77);
		assert_null(strstr(r.err.text, API_KEY));
		assert_int_equal(f->cloud.authenticated, (int)i + 1);
		ingest_state(f->ingest, &s);
		assert_false(s.has_token);
	}
	f->cloud.authenticate = &good_token;
	AUTO(result_done) struct result r = {0};
	ask(f, "/v1/echo", &r); /* nothing is held against it */
	assert_int_equal(r.err.code, ERR_NONE);
	reset_counts(f);
	ask(f, "/v1/revoked", &r);
	assert_int_equal(r.err.code, ERR_KEY);
	assert_int_equal(r.attempts, 1);
}

static void test_authenticate_odd(void **state) {
	struct fixture *f = *state;
	static const struct answer html = {403, "", HTML}, portal = {200, "", HTML}, other = {200, "", "{\"ok\":true}"},
							   typed = {200, "", "{\"token\":7,\"expires_in\":1,\"station\":\"s\"}"},
							   steering = {200, "", "{\"token\":\"a\\r\\nX: y\",\"expires_in\":1,\"station\":\"s\"}"};
	static const struct answer *const answers[] = {&html, &portal, &other, &typed, &steering};
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		AUTO(result_done) struct result r = {0};
		f->cloud.authenticate = answers[i];
		ask(f, "/v1/echo", &r);
		assert_int_equal(r.err.code, i < 2 ? ERR_MIDDLEBOX : ERR_ANSWER);
		assert_int_equal(f->cloud.asked, 0);
		struct ingest_state s;
		ingest_state(f->ingest, &s);
		assert_false(s.has_token);
		assert_string_equal(s.station, "");
	}
}

static void test_authenticate_retried(void **state) {
	struct fixture *f = *state;
	static const struct answer answers[] = {{503, "", "busy"}, {500, "", ERROR_BODY("internal")}, {200, "", NULL}};
	AUTO(result_done) struct result r = {0};
	f->cloud.authenticate = answers;
	f->cloud.authenticate_n = 3;
	ask(f, "/v1/echo", &r);
	assert_int_equal(r.err.code, ERR_NONE);
	assert_int_equal(f->cloud.authenticated, 3);
}

static void test_answers(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *path;
		enum error_code code;
		int attempts;
	} wanted[] = {
		{"/v1/flaky", ERR_NONE, 3},
		{"/v1/down", ERR_SERVER, 3},
		{"/v1/throttled", ERR_NONE, 3},
		{"/v1/later", ERR_THROTTLED, 1}, /* too long to wait inside a call */
		{"/v1/html200", ERR_MIDDLEBOX, 3},
		{"/v1/html403", ERR_MIDDLEBOX, 3},
		{"/v1/half", ERR_MIDDLEBOX, 3},
		{"/v1/nothing", ERR_NONE, 1},
		{"/v1/denied", ERR_DENIED, 1},
		{"/v1/gone", ERR_NOT_FOUND, 1},
	};
	reset_counts(f);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		AUTO(result_done) struct result r = {0};
		ask(f, wanted[i].path, &r);
		if (r.err.code != wanted[i].code || r.attempts != wanted[i].attempts)
			fail_msg("%s: %s, %d attempts", wanted[i].path, r.err.text, r.attempts);
		if (r.err.code) assert_non_null(strstr(r.err.text, wanted[i].path));
		assert_null(strchr(r.request_id, '\x1b'));
		if (!strcmp(wanted[i].path, "/v1/later")) assert_int_equal(r.retry_after_ms, 120000);
	}
}

static const struct answer_changes *changes_seen;

static void on_changes(void *arg, const struct ingest_result *r) {
	changes_seen = ingest_changes(r);
	if (changes_seen) assert_string_equal(changes_seen->cursor, "c");
	assert_null(ingest_presign(r)); /* it is what its path says */
	on_done(arg, r);
}

/* Read as its path says that it is; what does not fit is asked for again, and never seen. */
static void test_shapes(void **state) {
	struct fixture *f = *state;
	AUTO(result_done) struct result r = {0};
	reset_counts(f);
	for (int calls = 1; calls <= 3; calls++) {
		ingest_call(f->ingest, "GET", "/v1/changes", NULL, 0, on_changes, &r);
		wait_for(f, &r, calls);
		assert_int_equal(r.err.code, calls < 3 ? ERR_NONE : ERR_ANSWER);
		assert_int_equal(changes_seen != NULL, calls < 3);
	}
	assert_int_equal(r.attempts, 3);
	assert_non_null(strstr(r.err.text, "GET /v1/changes"));
	assert_non_null(strstr(r.err.text, "changes must be an array"));
}

static void test_retry_after(void **state) {
	struct fixture *f = *state;
	AUTO(result_done) struct result r = {0};
	reset_counts(f);
	int64_t before_ms = clock_mono_ms();
	ask(f, "/v1/pause", &r);
	assert_int_equal(r.err.code, ERR_THROTTLED);
	assert_int_equal(r.attempts, 3);
	int64_t took_ms = clock_mono_ms() - before_ms;
	if (took_ms < 2000)
		fail_msg(
			"took %d ms, %d requests, %s", (int)took_ms, f->cloud.asked, r.err.text); /* twice a second, as asked */
}

static void test_long_poll(void **state) {
	struct fixture *f = *state;
	AUTO(result_done) struct result r = {0};
	struct ingest_state before, after;
	ask(f, "/v1/echo", &r);
	ingest_state(f->ingest, &before);
	ingest_call(f->ingest, "GET", "/v1/slow?wait=1", NULL, 5000, on_done, &r);
	wait_for(f, &r, 2);
	assert_int_equal(r.err.code, ERR_NONE);
	assert_int_equal(r.attempts, 1);
	ingest_state(f->ingest, &after);
	assert_int_equal(before.latency_ms, after.latency_ms); /* a held answer says nothing of it */
	ask(f, "/v1/slow", &r);								   /* the same silence, not allowed for */
	assert_int_equal(r.err.code, ERR_TIMEOUT);
}

static void test_clock(void **state) {
	struct fixture *f = *state;
	AUTO(result_done) struct result r = {0};
	struct ingest_state s;
	reset_counts(f);
	ask(f, "/v1/ahead", &r);
	ingest_state(f->ingest, &s);
	assert_true(llabs(s.clock_offset_ms - 420000) < 3000);
}

static void test_unreachable(void **state) {
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	AUTO(result_done) struct result r = {0};
	ingest_close(f->ingest);
	const struct ingest_options options = {
		.endpoint = "http://127.0.0.1:1", .api_key = &f->key, .http = f->http, .loop = &f->loop};
	assert_int_equal(ingest_new(&f->ingest, &options, &err), 0);
	ask(f, "/v1/echo", &r);
	assert_int_equal(r.err.code, ERR_UNREACHABLE);
	assert_int_equal(r.attempts, 3);
	struct ingest *none = NULL;
	const struct ingest_options bad = {.endpoint = "ftp://x", .api_key = &f->key, .http = f->http, .loop = &f->loop};
	assert_int_equal(ingest_new(&none, &bad, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_null(none);
}

/* --- cancel and close --- */

static void test_close_with_calls(void **state) {
	struct fixture *f = *state;
	AUTO(result_done) struct result r = {0}, never = {0};
	reset_counts(f);
	ingest_call(f->ingest, "GET", "/v1/pause", NULL, 0, on_done, &never);
	ingest_call(f->ingest, "POST", "/v1/slow", json_object(), 5000, on_done, &never);
	ask(f, "/v1/echo", &r);
	while (f->cloud.asked < 3) uv_run(&f->loop, UV_RUN_ONCE);
	ingest_close(f->ingest);
	f->ingest = NULL;
	while (active(f->http) > 0) uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(never.calls, 0);
}

/* An on_done that closes the client while others wait for the same token. */
static void on_done_closing(void *arg, const struct ingest_result *r) {
	struct fixture *f = arg;
	assert_int_equal(r->err.code, ERR_KEY);
	assert_non_null(f->ingest);
	ingest_close(f->ingest);
	f->ingest = NULL;
}

static void test_close_in_callback(void **state) {
	struct fixture *f = *state;
	static const struct answer refused = {401, "", ERROR_BODY("key_refused")};
	f->cloud.authenticate = &refused;
	for (int i = 0; i < 5; i++) ingest_call(f->ingest, "GET", "/v1/echo", NULL, 0, on_done_closing, f);
	while (f->ingest) uv_run(&f->loop, UV_RUN_ONCE);
}

/* An on_done that calls again when authenticating failed: that call is not one of those that waited. */
struct again {
	struct fixture *f;
	int calls;
};
static void on_done_again(void *arg, const struct ingest_result *r) {
	struct again *a = arg;
	a->calls++;
	if (r->err.code == ERR_KEY) {
		a->f->cloud.authenticate = &good_token;
		ingest_call(a->f->ingest, "GET", "/v1/echo", NULL, 0, on_done_again, a);
	}
}

static void test_call_in_callback(void **state) {
	struct fixture *f = *state;
	static const struct answer refused = {401, "", ERROR_BODY("key_refused")};
	struct again a = {.f = f};
	f->cloud.authenticate = &refused;
	ingest_call(f->ingest, "GET", "/v1/echo", NULL, 0, on_done_again, &a);
	ingest_call(f->ingest, "GET", "/v1/echo", NULL, 0, on_done_again, &a);
	while (a.calls < 4) uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(f->cloud.authenticated, 2);
}

int main(void) {
	tiny_no_proxies();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain_call, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_body_and_headers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_open_call, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_single_flight, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_renewed_on_401, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_renewed_early, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_authenticate_odd, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shapes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_authenticate_retried, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_retry_after, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_poll, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clock, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unreachable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_close_with_calls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_close_in_callback, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_call_in_callback, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
