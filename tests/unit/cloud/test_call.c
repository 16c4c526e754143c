/* SPDX-License-Identifier: MIT */
/* Who may call, what a body may be, and what each call of the API answers. */
#include "api_help.h"

#include <sys/stat.h>

#include "cloud/api/surface.h"

static void who_may_call(void **state) {
	struct bench *b = *state;
	char station[TOKEN_MAX], admin[TOKEN_MAX];
	bench_token(b, 0, station);
	bench_token(b, 1, admin);
	REFUSES(401, "token_missing", b->api, .method = "GET", .target = "/v1/sessions");
	REFUSES(401, "token_invalid", b->api, .method = "GET", .target = "/v1/sessions", .token = "a.b.c");
	const struct sigv4_header basic = {"Authorization", "Basic eDp5"};
	REFUSES(401, "token_missing", b->api, .method = "GET", .target = "/v1/sessions", .headers = &basic, .header_n = 1);
	REFUSES(403, "scope_missing", b->api, .method = "POST", .target = "/v1/presign", .token = admin, .body = "{}");
	OK(catalog_key_revoke(b->api->catalog, b->key_id[0], &err));
	REFUSES(401, "key_revoked", b->api, .method = "GET", .target = "/v1/sessions", .token = station);
	const struct principal stranger = {.station = "lab-1", .key_id = "nobody", .scopes = SCOPE_STATION},
						   changed = {.station = "lab-9", .scopes = SCOPE_STATION | SCOPE_ADMIN};
	AUTO(xfree) char *token = NULL, *other = NULL;
	OK(token_make(&b->api->token_key, &stranger, clock_wall_ms(), 60000, &token, &err));
	REFUSES(401, "token_invalid", b->api, .method = "GET", .target = "/v1/sessions", .token = token);
	struct principal moved = changed;
	text_copy(moved.key_id, sizeof moved.key_id, b->key_id[1]);
	OK(token_make(&b->api->token_key, &moved, clock_wall_ms(), 60000, &other, &err));
	REFUSES(401, "token_invalid", b->api, .method = "GET", .target = "/v1/sessions", .token = other);
	AUTO(xfree) char *old = NULL;
	OK(token_make(&b->api->token_key, &stranger, clock_wall_ms() - 120000, 60000, &old, &err));
	AUTO(got_done) struct got over = ASK(b->api, .method = "GET", .target = "/v1/sessions", .token = old);
	assert_int_equal(over.status, 401);
	assert_string_equal(got_word(&over), "token_expired");
	assert_non_null(strstr(over.headers, "WWW-Authenticate: Bearer\n"));
}

/* A token never says more than its key does now, whatever it said when it was made; nor does the key add to it. */
static void scopes_are_those_of_the_key(void **state) {
	struct bench *b = *state;
	const int said[] = {SCOPE_ADMIN, SCOPE_STATION | SCOPE_ADMIN}; /* of a station's key, of an admin's */
	for (int i = 0; i < 2; i++) {
		struct api_key key;
		AUTO(xfree) char *token = NULL;
		struct principal who = {.scopes = said[i]};
		OK(catalog_key_by_id(b->api->catalog, b->key_id[i], &key, &err));
		text_copy(who.key_id, sizeof who.key_id, key.id);
		text_copy(who.station, sizeof who.station, key.station);
		OK(token_make(&b->api->token_key, &who, clock_wall_ms(), 60000, &token, &err));
		REFUSES(403, "scope_missing", b->api, .method = "POST", .target = "/v1/presign", .token = token, .body = "{}");
	}
}

/* The message of a refused key, without its request id. */
static void refused_key(struct bench *b, const char *key, char *to, size_t size) {
	char body[256];
	snprintf(body, sizeof body, "{\"api_key\":\"%s\"}", key);
	AUTO(got_done) struct got g = ASK(b->api, .method = "POST", .target = "/v1/authenticate", .body = body);
	assert_int_equal(g.status, 401);
	assert_string_equal(got_word(&g), "key_refused");
	text_copy(to, size, cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(g.json, "error"), "message")));
}

static void a_refused_key_tells_nothing(void **state) {
	struct bench *b = *state;
	char unknown[512], revoked[512];
	refused_key(b, "hg_nobody_0000000000000000000000000000000000000000", unknown, sizeof unknown);
	OK(catalog_key_revoke(b->api->catalog, b->key_id[0], &err));
	refused_key(b, b->key_text[0], revoked, sizeof revoked);
	assert_string_equal(unknown, revoked);
	REFUSES(400, "bad_request", b->api, .method = "POST", .target = "/v1/authenticate", .body = "{\"api_key\":5}");
}

static void bodies(void **state) {
	struct bench *b = *state;
	AUTO(xfree) char *big = xcalloc(1, 20001);
	memset(big, ' ', 20000);
	REFUSES(413, "body_too_large", b->api, .method = "POST", .target = "/v1/authenticate", .body = big);
	REFUSES(415, "type_unsupported", b->api, .method = "POST", .target = "/v1/authenticate", .body = "{}",
		.type = "text/plain");
	REFUSES(415, "type_unsupported", b->api, .method = "POST", .target = "/v1/authenticate");
	REFUSES(415, "type_unsupported", b->api, .method = "POST", .target = "/v1/authenticate", .body = "{}",
		.type = "application/jsonp");
	REFUSES(400, "bad_request", b->api, .method = "POST", .target = "/v1/authenticate", .body = "{}",
		.type = "Application/JSON; charset=utf-8");
	REFUSES(400, "bad_request", b->api, .method = "POST", .target = "/v1/authenticate", .body = "");
	REFUSES(400, "bad_request", b->api, .method = "POST", .target = "/v1/authenticate", .body = "\"text\"");
	struct sigv4_header many[CALL_HEADERS_MAX - 4];
	for (size_t i = 0; i < ARRAY_LEN(many); i++) many[i] = (struct sigv4_header){"x-more", "1"};
	AUTO(got_done)
	struct got g = ASK(b->api, .method = "GET", .target = "/v1/info", .headers = many, .header_n = ARRAY_LEN(many));
	assert_int_equal(g.status, 200);

	/* What announces no length is counted as it comes; a front that cut headers says so. */
	struct call c;
	struct reply r;
	call_init(&c, b->api);
	reply_init(&r);
	c.method = "POST";
	c.path = "/v1/authenticate";
	call_add_header(&c, "content-type", "application/json");
	call_drive(&c, &r, big, 20000);
	assert_int_equal(r.status, 413);
	call_done(&c);
	reply_done(&r);
	call_init(&c, b->api);
	reply_init(&r);
	c.method = "GET";
	c.path = "/v1/info";
	c.headers_cut = true;
	call_drive(&c, &r, NULL, 0);
	assert_int_equal(r.status, 431);
	call_done(&c);
	reply_done(&r);
}

static void a_trickle_is_noticed(void **state) {
	struct bench *b = *state;
	struct call c;
	call_init(&c, b->api);
	c.known = true;
	assert_true(call_body_in_time(&c, 1));
	c.begun_mono_ms -= 61000;
	assert_false(call_body_in_time(&c, 1));
	assert_true(call_body_in_time(&c, 100000));
	c.paced.begun_mono_ms -= 61000; /* what came fast before does not count for ever */
	assert_true(call_body_in_time(&c, 1));
	c.paced.begun_mono_ms -= 61000;
	assert_false(call_body_in_time(&c, 1));
	call_done(&c);
	call_init(&c, b->api); /* without a key: all of it soon */
	c.begun_mono_ms -= 5000;
	assert_true(call_body_in_time(&c, 1));
	c.begun_mono_ms -= 5001;
	assert_false(call_body_in_time(&c, 10000));
	call_done(&c);
}

/* Whatever others send from the same address: right keys are let through, wrong ones are slowed down. */
static void a_right_key_is_let_through(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX];
	static const struct ask others[] = {
		{.method = "GET", .target = "/v1/none"},
		{.method = "POST", .target = "/v1/authenticate", .body = "{\"api_key\":\"hg_wrong\"}"},
		{.method = "POST", .target = "/v1/authenticate", .body = "{"},
		{.method = "POST", .target = "/v1/authenticate?a=1&a=2", .body = "{\"api_key\":\"hg_wrong\"}"},
		{.method = "POST", .target = "/v1/authenticate?%zz", .body = "{\"api_key\":\"hg_wrong\"}"},
	};
	static const int refused[] = {404, 401, 400, 400, 400};
	bench_close(b);
	bench_open(b, (const char *const[]){"rate", "1", "burst", "20", NULL});
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		int limited = 0;
		for (int k = 0; k < 100; k++) {
			AUTO(got_done) struct got g = ask(b->api, &others[i]);
			limited += g.status == 429;
			assert_true(g.status == 429 || g.status == refused[i]);
		}
		assert_true(limited > 20);
		bench_token(b, 0, token);
	}
}

/* How the body of a caller without a key may end before its key was looked at. */
static void body_overlong(struct call *c, struct reply *r) {
	static const char big[20000];
	assert_false(call_body(c, r, big, sizeof big / 2) && call_body_in_time(c, sizeof big) && call_body(c, r, big, 1));
}

static void body_broken(struct call *c, struct reply *r) { call_body_broken(c, r); }

static void body_abandoned(struct call *c, struct reply *r) {
	call_abandoned(c);
	reply_fault(r, FAULT_BAD_REQUEST, "nobody reads this");
}

static void a_stranger_is_counted_however_its_body_ends(void **state) {
	struct bench *b = *state;
	static void (*const ends[])(struct call *, struct reply *) = {body_overlong, body_broken, body_abandoned};
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		bench_close(b);
		bench_open(b, (const char *const[]){"rate", "1", "burst", "5", NULL});
		for (int k = 0; k < 10; k++) {
			struct call c;
			struct reply r;
			call_init(&c, b->api);
			reply_init(&r);
			c.method = "POST";
			c.path = "/v1/authenticate";
			assert_int_equal(address_parse("127.0.0.1", &c.address), 0);
			call_add_header(&c, "content-type", "application/json");
			assert_true(call_begin(&c, &r));
			ends[i](&c, &r);
			call_finish(&c, &r);
			call_done(&c);
			reply_done(&r);
		}
		AUTO(got_done) struct got next = ASK(b->api, .method = "GET", .target = "/v1/info");
		assert_int_equal(next.status, 429);
	}
}

static void what_holds_memory_must_come_on(void **state) {
	struct bench *b = *state;
	struct call c;
	call_init(&c, b->api);
	c.known = true;
	assert_true(budget_take(b->api->memory, &c.memory, "somebody", 8 << 20, 0));
	assert_true(call_body_in_time(&c, 4000000)); /* fast in the beginning, then a byte now and then */
	assert_true(call_body_in_time(&c, 1));
	c.window_mono_ms -= 15000;
	assert_false(call_body_in_time(&c, 1));
	c.window_mono_ms -= 15000;
	assert_true(call_body_in_time(&c, 600000));
	budget_shrink(&c.memory, 0);
	c.window_mono_ms -= 15000;
	assert_true(call_body_in_time(&c, 1)); /* it holds nothing that others wait for */
	call_done(&c);
}

/* However short its text is. */
static void a_tree_of_many_values_is_counted(void **state) {
	struct bench *b = *state;
	struct budget_share rest = {0};
	char token[TOKEN_MAX];
	AUTO(buf_done) struct buf body = BUF_INIT(65536);
	bench_token(b, 0, token);
	buf_fmt(&body, "{\"events\":[{\"detail\":[0");
	for (int i = 0; i < 30000; i++) buf_fmt(&body, ",0");
	buf_fmt(&body, "]}]}");
	REFUSES(
		400, "bad_request", b->api, .method = "POST", .target = "/v1/events", .token = token, .body = buf_text(&body));
	assert_true(budget_take(b->api->memory, &rest, b->key_id[0], b->config.memory / 2 - 200000, 0));
	REFUSES(
		503, "unavailable", b->api, .method = "POST", .target = "/v1/events", .token = token, .body = buf_text(&body));
	REFUSES(400, "bad_request", b->api, .method = "POST", .target = "/v1/events", .token = token,
		.body = "{\"events\":[{\"detail\":[0]}]}");
	budget_shrink(&rest, 0);
}

static void queries_are_checked(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX];
	bench_token(b, 0, token);
	static const char *const bad[] = {"/v1/sessions?limit=0", "/v1/sessions?limit=1001", "/v1/sessions?limit=x",
		"/v1/sessions?state=lost", "/v1/sessions?since=yesterday", "/v1/sessions?cursor=%ff",
		"/v1/sessions?cursor=nonsense", "/v1/changes?wait=21", "/v1/changes?wait=-1", "/v1/changes?after=%ff",
		"/v1/sessions?x=%zz", "/v1/sessions?limit=1&limit=1"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		REFUSES(400, "bad_request", b->api, .method = "GET", .target = bad[i], .token = token);
	REFUSES(400, "bad_request", b->api, .method = "GET", .token = token,
		.target = "/v1/sessions?processing=0123456789012345678901234567890123456789");
}

static void limits_and_addresses(void **state) {
	struct bench *b = *state;
	bench_close(b);
	bench_open(b, (const char *const[]){"rate", "1", "burst", "2", "allow", "127.0.0.0/8", "allow", "::1", NULL});
	REFUSES(403, "address_refused", b->api, .method = "GET", .target = "/v1/info", .address = "192.0.2.1");
	for (int i = 0; i < 2; i++) {
		AUTO(got_done) struct got g = ASK(b->api, .method = "GET", .target = "/v1/info");
		assert_int_equal(g.status, 200);
	}
	AUTO(got_done) struct got much = ASK(b->api, .method = "GET", .target = "/v1/info");
	assert_int_equal(much.status, 429);
	assert_string_equal(got_word(&much), "rate_limited");
	assert_non_null(strstr(much.headers, "Retry-After: 1\n"));
	AUTO(got_done) struct got other = ASK(b->api, .method = "GET", .target = "/v1/info", .address = "::1");
	assert_int_equal(other.status, 200);
	AUTO(got_done) struct got object = ASK(b->api, .method = "GET", .target = "/headgate-raw/x");
	assert_int_equal(object.status, 503);
	assert_non_null(strstr(object.text, "<Code>SlowDown</Code>"));
}

static void the_rate_of_a_key_counts_over_addresses(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX], address[32];
	bench_close(b);
	bench_open(b, (const char *const[]){"rate", "1", "burst", "3", NULL});
	bench_token(b, 0, token);
	int limited = 0;
	for (int i = 0; i < 6; i++) {
		snprintf(address, sizeof address, "127.0.1.%d", i);
		AUTO(got_done)
		struct got g = ASK(b->api, .method = "GET", .target = "/v1/sessions", .token = token, .address = address);
		limited += g.status == 429;
	}
	assert_in_range(limited, 3, 4); /* the token was one more */
}

/* --- what the calls answer --- */

static const char *member(const cJSON *o, const char *name) {
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(o, name));
	return text ? text : "";
}

static void begin(struct bench *b, const char *station, const char *session, int64_t revision) {
	begin_session(b->api->catalog, station, session, revision);
}

static void decide(struct bench *b, const char *station, const char *session, int64_t revision, enum cloud_state s) {
	AUTO(check_list_done) struct check_list checks = {0};
	struct metadata metadata = {0};
	bool again;
	OK(catalog_session_decide(b->api->catalog, station, session, revision, s, &checks, &metadata, NULL, &again, &err));
}

static void a_station_sees_its_own_sessions(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX], admin[TOKEN_MAX];
	bench_token(b, 0, token);
	bench_token(b, 1, admin);
	begin(b, "lab-1", "20260101_000001", 1);
	decide(b, "lab-1", "20260101_000001", 1, CLOUD_REJECTED);
	begin(b, "lab-1", "20260101_000001", 2);
	begin(b, "lab-2", "20260101_000002", 1);
	AUTO(got_done) struct got own = ASK(b->api, .method = "GET", .target = "/v1/sessions", .token = token);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(own.json, "sessions")), 1);
	AUTO(got_done)
	struct got sly = ASK(b->api, .method = "GET", .target = "/v1/sessions?station=lab-2", .token = token);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(sly.json, "sessions")), 1);
	AUTO(got_done) struct got all = ASK(b->api, .method = "GET", .target = "/v1/sessions", .token = admin);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(all.json, "sessions")), 2);
	AUTO(got_done)
	struct got theirs =
		ASK(b->api, .method = "GET", .target = "/v1/sessions?station=lab-2&state=uploading", .token = admin);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(theirs.json, "sessions")), 1);

	AUTO(got_done)
	struct got one = ASK(b->api, .method = "GET", .target = "/v1/sessions/20260101_000001", .token = token);
	assert_int_equal(one.status, 200);
	assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(one.json, "revision")), 2);
	assert_string_equal(member(one.json, "state"), "uploading");
	const cJSON *older = cJSON_GetObjectItem(one.json, "revisions");
	assert_int_equal(cJSON_GetArraySize(older), 1);
	assert_string_equal(member(cJSON_GetArrayItem(older, 0), "state"), "rejected");
	AUTO(got_done)
	struct got full = ASK(b->api, .method = "GET", .target = "/v1/sessions/lab-1/20260101_000001", .token = token);
	assert_int_equal(full.status, 200);
	REFUSES(404, "not_found", b->api, .method = "GET", .target = "/v1/sessions/lab-2/20260101_000002", .token = token);
	REFUSES(404, "not_found", b->api, .method = "GET", .target = "/v1/sessions/20260101_000002", .token = token);
	AUTO(got_done)
	struct got as_admin = ASK(b->api, .method = "GET", .target = "/v1/sessions/lab-2/20260101_000002", .token = admin);
	assert_int_equal(as_admin.status, 200);
}

static void pages_are_followed_by_their_cursor(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX], session[16], target[256] = "/v1/sessions?limit=2";
	bench_token(b, 0, token);
	for (int i = 0; i < 5; i++) {
		snprintf(session, sizeof session, "20260101_00000%d", i);
		begin(b, "lab-1", session, 1);
	}
	int seen = 0, pages = 0;
	for (const char *next = "first"; next[0]; pages++) {
		AUTO(got_done) struct got g = ASK(b->api, .method = "GET", .target = target, .token = token);
		assert_int_equal(g.status, 200);
		seen += cJSON_GetArraySize(cJSON_GetObjectItem(g.json, "sessions"));
		snprintf(target, sizeof target, "/v1/sessions?limit=2&cursor=%s", member(g.json, "next"));
		next = member(g.json, "next")[0] ? "more" : "";
	}
	assert_int_equal(seen, 5);
	assert_int_equal(pages, 3);
}

struct later {
	struct bench *bench;
	const char *station;
};
static void *decide_later(void *arg) {
	const struct later *l = arg;
	sleep_us(150000);
	decide(l->bench, l->station, "20260101_000001", 1, CLOUD_ACCEPTED);
	return NULL;
}

static void a_change_ends_the_wait(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX], target[128];
	bench_token(b, 0, token);
	begin(b, "lab-1", "20260101_000001", 1);
	AUTO(got_done) struct got none = ASK(b->api, .method = "GET", .target = "/v1/changes?after=", .token = token);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(none.json, "changes")), 0);
	snprintf(target, sizeof target, "/v1/changes?wait=20&after=%s", member(none.json, "cursor"));
	pthread_t thread;
	struct later later = {b, "lab-1"};
	assert_int_equal(pthread_create(&thread, NULL, decide_later, &later), 0);
	int64_t begun_ms = clock_mono_ms();
	AUTO(got_done) struct got g = ASK(b->api, .method = "GET", .target = target, .token = token);
	assert_true(clock_mono_ms() - begun_ms < 5000);
	pthread_join(thread, NULL);
	const cJSON *change = cJSON_GetArrayItem(cJSON_GetObjectItem(g.json, "changes"), 0);
	assert_string_equal(member(change, "session"), "20260101_000001");
	assert_string_equal(member(change, "state"), "accepted");
}

static void anothers_change_does_not(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX];
	bench_token(b, 0, token);
	begin(b, "lab-2", "20260101_000001", 1);
	pthread_t thread;
	struct later later = {b, "lab-2"};
	assert_int_equal(pthread_create(&thread, NULL, decide_later, &later), 0);
	int64_t begun_ms = clock_mono_ms();
	AUTO(got_done) struct got g = ASK(b->api, .method = "GET", .target = "/v1/changes?wait=1", .token = token);
	assert_true(clock_mono_ms() - begun_ms >= 900);
	pthread_join(thread, NULL);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(g.json, "changes")), 0);
	/* An admin without a station's scope sees it; too many that wait are answered at once. */
	char admin[TOKEN_MAX];
	bench_token(b, 1, admin);
	AUTO(got_done) struct got all = ASK(b->api, .method = "GET", .target = "/v1/changes", .token = admin);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(all.json, "changes")), 1);
	atomic_store(&b->api->polls, (int)b->config.connections);
	begun_ms = clock_mono_ms();
	AUTO(got_done) struct got full = ASK(b->api, .method = "GET", .target = "/v1/changes?wait=20", .token = token);
	assert_true(clock_mono_ms() - begun_ms < 5000);
	assert_int_equal(full.status, 200);
}

static void *stop_later(void *arg) {
	const struct bench *b = arg;
	sleep_us(150000);
	api_stop(b->api);
	return NULL;
}

static void a_stop_ends_the_wait(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX];
	bench_token(b, 0, token);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, stop_later, b), 0);
	int64_t begun_ms = clock_mono_ms();
	AUTO(got_done) struct got g = ASK(b->api, .method = "GET", .target = "/v1/changes?wait=20", .token = token);
	assert_true(clock_mono_ms() - begun_ms < 5000);
	assert_int_equal(g.status, 200);
	pthread_join(thread, NULL);
}

#define EVENT(id)                                                                                                      \
	"{\"id\":\"" id "\",\"at\":\"2026-11-21T10:10:10.000Z\",\"level\":\"error\",\"code\":\"x\",\"message\":\"m\"}"

static int count_event(void *arg, int64_t id, const char *group, const char *stream, int64_t at_ms, const char *json) {
	(void)id, (void)group, (void)at_ms;
	assert_non_null(strstr(json, "\"station\":\"lab-"));
	assert_null(strstr(json, "\"station\":\"forged\""));
	assert_true(text_starts(stream, "lab-"));
	(*(int *)arg)++;
	return 0;
}

static int64_t events(struct bench *b, const char *token, const char *body) {
	AUTO(got_done) struct got g = ASK(b->api, .method = "POST", .target = "/v1/events", .token = token, .body = body);
	assert_int_equal(g.status, 200);
	return (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(g.json, "stored"));
}

static void events_are_kept_once_a_station(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX], other[TOKEN_MAX];
	int n = 0;
	bench_token(b, 0, token);
	bench_key(b, 1, "lab-2", SCOPE_STATION);
	bench_token(b, 1, other);
	assert_int_equal(events(b, token, "{\"events\":[" EVENT("1") "," EVENT("2") "," EVENT("1") "]}"), 2);
	assert_int_equal(events(b, token, "{\"events\":[" EVENT("2") "]}"), 0);
	assert_int_equal(events(b, other, "{\"events\":[" EVENT("2") "]}"), 1); /* ids count within a station */
	assert_int_equal(events(b, token,
						 "{\"events\":[{\"id\":\"3\",\"at\":\"2026-11-21T10:10:10Z\",\"level\":\"info\","
						 "\"code\":\"x\",\"message\":\"m\",\"session\":\"20260101_000001\",\"station\":\"forged\"}]}"),
		1);
	assert_int_equal(events(b, token, "{\"events\":[]}"), 0);
	OK(logs_read(b->api->logs, LOG_GROUP_STATIONS, 0, 0, 100, count_event, &n, &err));
	assert_int_equal(n, 4);
	static const char *const bad[] = {"{}", "{\"events\":[1]}", "{\"events\":[{}]}", "{\"events\":[" EVENT("") "]}",
		"{\"events\":[{\"id\":\"4\",\"at\":\"now\",\"level\":\"info\",\"code\":\"x\",\"message\":\"m\"}]}"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		REFUSES(400, "bad_request", b->api, .method = "POST", .target = "/v1/events", .token = token, .body = bad[i]);
}

#define BEAT "\"version\":\"0.1.0\",\"queue\":2,\"bytes_left\":100,\"disk_free\":5000,\"held\":1"

/* However many instances a station names, a bounded number of them is kept. */
static void a_station_has_a_few_instances(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX], body[256];
	int most = 0;
	bench_token(b, 0, token);
	for (int i = 0; i < 100; i++) {
		snprintf(body, sizeof body, "{\"instance\":\"i%d\"," BEAT "}", i);
		AUTO(got_done)
		struct got g = ASK(b->api, .method = "POST", .target = "/v1/heartbeat", .token = token, .body = body);
		assert_int_equal(g.status, 200);
		most = MAX(most, (int)cJSON_GetNumberValue(cJSON_GetObjectItem(g.json, "stations_with_this_key")));
	}
	assert_in_range(most, 30, 34);
}

static void heartbeats_and_the_fleet(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX], admin[TOKEN_MAX];
	bench_token(b, 0, token);
	bench_token(b, 1, admin);
	bench_key(b, 1, "lab-2", SCOPE_STATION);
	AUTO(got_done)
	struct got g = ASK(b->api, .method = "POST", .target = "/v1/heartbeat", .token = token,
		.body = "{\"instance\":\"i1\",\"oldest_unsafe_at\":\"2026-11-21T10:10:10.000Z\"," BEAT "}");
	assert_int_equal(g.status, 200);
	assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(g.json, "stations_with_this_key")), 1);
	static const char *const bad[] = {"{" BEAT "}", "{\"instance\":\"i\"}", "{\"instance\":\"\"," BEAT "}",
		"{\"instance\":\"i\",\"oldest_unsafe_at\":\"soon\"," BEAT "}",
		"{\"instance\":\"i\",\"version\":\"1\",\"queue\":-1,\"bytes_left\":1,\"disk_free\":1,\"held\":1}"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		REFUSES(
			400, "bad_request", b->api, .method = "POST", .target = "/v1/heartbeat", .token = token, .body = bad[i]);
	AUTO(got_done) struct got own = ASK(b->api, .method = "GET", .target = "/v1/stations", .token = token);
	const cJSON *stations = cJSON_GetObjectItem(own.json, "stations");
	assert_int_equal(cJSON_GetArraySize(stations), 1);
	assert_string_equal(member(cJSON_GetArrayItem(stations, 0), "station"), "lab-1");
	assert_string_equal(member(cJSON_GetArrayItem(stations, 0), "instance"), "i1");
	AUTO(got_done) struct got fleet = ASK(b->api, .method = "GET", .target = "/v1/stations", .token = admin);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(fleet.json, "stations")), 2);
	REFUSES(400, "bad_request", b->api, .method = "GET", .target = "/v1/stations?cursor=?", .token = admin);
	REFUSES(400, "bad_request", b->api, .method = "GET", .target = "/v1/stations?limit=0", .token = admin);
}

static void stat_tells_what_is_stored(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX];
	bench_token(b, 0, token);
	struct object_row row = {.bucket = "headgate-raw",
		.key = "k",
		.station = "lab-1",
		.session = TEST_SESSION,
		.name = "f",
		.revision = 1,
		.size = 3};
	sha256_of("abc", 3, &row.sha256);
	OK(catalog_objects_promise(b->api->catalog, NULL, &row, 1, NULL, &err));
	object_put(b->api->objects, "headgate-raw", "k", "abc", 3);
	OK(catalog_object_stored(b->api->catalog, "headgate-raw", "k", 3, &row.sha256, 1795234071500, &err));
	AUTO(got_done)
	struct got g = ASK(b->api, .method = "POST", .target = "/v1/objects/stat", .token = token,
		.body = "{\"session\":\"" TEST_SESSION "\",\"revision\":1,\"names\":[\"f\",\"g\"]}");
	const cJSON *objects = cJSON_GetObjectItem(g.json, "objects");
	assert_string_equal(
		member(cJSON_GetArrayItem(objects, 0), "checksum"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
	assert_string_equal(member(cJSON_GetArrayItem(objects, 0), "stored_at"), "2026-11-21T04:07:51.500Z");
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetArrayItem(objects, 1), "missing")));
	assert_null(cJSON_GetObjectItem(cJSON_GetArrayItem(objects, 0), "read"));
	REFUSES(400, "bad_request", b->api, .method = "POST", .target = "/v1/objects/stat", .token = token, .body = "{}");
	REFUSES(400, "bad_request", b->api, .method = "POST", .target = "/v1/objects/stat", .token = token,
		.body = "{\"session\":\"" TEST_SESSION "\",\"revision\":1,\"names\":[1]}");
}

static void health_is_measured(void **state) {
	struct bench *b = *state;
	AUTO(got_done) struct got good = ASK(b->api, .method = "GET", .target = "/healthz");
	assert_int_equal(good.status, 200);
	b->api->health.good = false; /* within a second the last look is told again */
	snprintf(b->api->health.why, sizeof b->api->health.why, "the disk is full");
	AUTO(got_done) struct got bad = ASK(b->api, .method = "GET", .target = "/healthz");
	assert_int_equal(bad.status, 503);
	assert_non_null(strstr(bad.text, "the disk is full"));
	b->api->health.checked_mono_ms -= 2000;
	AUTO(got_done) struct got again = ASK(b->api, .method = "GET", .target = "/healthz");
	assert_int_equal(again.status, 200);
}

/* Moved away or replaced under the running cloud: nothing is taken or well until it is back. */
static void what_is_open_stays_under_its_name(void **state) {
	struct bench *b = *state;
	static const char *const names[] = {"catalog.db", "objects", "objects/headgate-raw"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(xfree) char *path = path_join(b->scratch.dir, names[i]);
		AUTO(xfree) char *away = xasprintf("%s.away", path);
		struct object_write *w = NULL;
		assert_int_equal(rename(path, away), 0);
		b->api->health.checked_mono_ms = 0;
		AUTO(got_done) struct got bad = ASK(b->api, .method = "GET", .target = "/healthz");
		assert_int_equal(bad.status, 503);
		assert_non_null(strstr(bad.text, "put it back"));
		if (i) {
			OK(file_mkdirs(path, 0700, &err)); /* another one in its place */
			FAILS(ERR_DISK, object_begin(b->api->objects, "headgate-raw", "k", 1, &w, &err));
			OK(file_remove_tree(path, &err));
		}
		assert_int_equal(rename(away, path), 0);
		b->api->health.checked_mono_ms = 0;
		AUTO(got_done) struct got good = ASK(b->api, .method = "GET", .target = "/healthz");
		assert_int_equal(good.status, 200);
	}
}

/* Objects without the catalog that knows them, and what others could change. */
static void a_start_looks_at_what_it_finds(void **state) {
	struct bench *b = *state;
	static const char *const writable[] = {"objects", "objects/headgate-raw", "catalog.db"};
	AUTO(xfree) char *path = path_join(b->scratch.dir, "catalog.db");
	AUTO(xfree) char *away = xasprintf("%s.away", path);
	struct api *again = NULL;
	struct catalog *catalog = NULL;
	object_put(b->api->objects, "headgate-raw", "k", "abc", 3);
	bench_close(b);
	const char *const flags[] = {"data", b->scratch.dir, NULL};
	OK(cloud_config_load(&b->config, NULL, flags, &err));
	for (size_t i = 0; i < ARRAY_LEN(writable); i++) {
		AUTO(xfree) char *of = path_join(b->scratch.dir, writable[i]);
		struct stat st;
		assert_int_equal(stat(of, &st), 0);
		assert_int_equal(chmod(of, st.st_mode | 0022), 0);
		FAILS(ERR_CONFIG, api_open(&again, &b->config, surfaces, &err));
		assert_int_equal(chmod(of, st.st_mode & 07777), 0);
	}
	assert_int_equal(rename(path, away), 0);
	FAILS(ERR_CONFIG, api_open(&again, &b->config, surfaces, &err));
	FAILS(ERR_CONFIG, catalog_open(&catalog, b->scratch.dir, &err)); /* as `key add` does */
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rename(away, path), 0);
	OK(api_open(&b->api, &b->config, surfaces, &err));
}

static int find_log(void *arg, int64_t id, const char *group, const char *stream, int64_t at_ms, const char *json) {
	(void)id, (void)stream, (void)at_ms;
	assert_null(strstr(json, "secret-cursor"));
	if (strcmp(group, LOG_GROUP_API) == 0 && strstr(json, "\"route\":\"/v1/sessions\"") &&
		strstr(json, "\"station\":\"lab-1\"") && strstr(json, "\"status\":400") &&
		strstr(json, "\"code\":\"bad_request\"") && strstr(json, "\"request_id\":\""))
		*(bool *)arg = true;
	return 0;
}

static void a_call_is_logged_without_its_query(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX];
	bool found = false;
	bench_token(b, 0, token);
	REFUSES(400, "bad_request", b->api, .method = "GET", .target = "/v1/sessions?cursor=secret-cursor", .token = token);
	for (int64_t end_ms = clock_mono_ms() + 10000; !found && clock_mono_ms() < end_ms; sleep_us(20000))
		OK(logs_read(b->api->logs, NULL, 0, 0, 1000, find_log, &found, &err));
	assert_true(found);
}

static void a_store_that_fails_is_named_to_the_log_only(void **state) {
	(void)state;
	struct reply r;
	struct error err = ERROR_INIT;
	reply_init(&r);
	error_set(&err, ERR_DISK, "the file /srv/secret is damaged");
	reply_error(&r, &err);
	assert_int_equal(r.fault, FAULT_UNAVAILABLE);
	assert_null(strstr(r.message, "/srv"));
	assert_string_equal(r.why, err.text);
	error_set(&err, ERR_INTERNAL, "a bug");
	reply_error(&r, &err);
	assert_int_equal(r.fault, FAULT_INTERNAL);
	const struct call c = {.path = "/x", .request_id = "id"};
	api_surface.render(&c, &r);
	assert_int_equal(r.status, 500);
	assert_null(strstr(r.body, "a bug"));
	reply_done(&r);
}

static void one_server_a_data_folder(void **state) {
	struct bench *b = *state;
	struct api *second;
	FAILS(ERR_BUSY, api_open(&second, &b->config, surfaces, &err));
	bench_close(b);
	bench_open(b, NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_ON_BENCH(who_may_call),
		TEST_ON_BENCH(scopes_are_those_of_the_key),
		TEST_ON_BENCH(a_refused_key_tells_nothing),
		TEST_ON_BENCH(bodies),
		TEST_ON_BENCH(a_trickle_is_noticed),
		TEST_ON_BENCH(what_holds_memory_must_come_on),
		TEST_ON_BENCH(a_tree_of_many_values_is_counted),
		TEST_ON_BENCH(queries_are_checked),
		TEST_ON_BENCH(limits_and_addresses),
		TEST_ON_BENCH(a_right_key_is_let_through),
		TEST_ON_BENCH(a_stranger_is_counted_however_its_body_ends),
		TEST_ON_BENCH(the_rate_of_a_key_counts_over_addresses),
		TEST_ON_BENCH(a_station_sees_its_own_sessions),
		TEST_ON_BENCH(pages_are_followed_by_their_cursor),
		TEST_ON_BENCH(a_change_ends_the_wait),
		TEST_ON_BENCH(anothers_change_does_not),
		TEST_ON_BENCH(a_stop_ends_the_wait),
		TEST_ON_BENCH(events_are_kept_once_a_station),
		TEST_ON_BENCH(heartbeats_and_the_fleet),
		TEST_ON_BENCH(a_station_has_a_few_instances),
		TEST_ON_BENCH(stat_tells_what_is_stored),
		TEST_ON_BENCH(health_is_measured),
		TEST_ON_BENCH(what_is_open_stays_under_its_name),
		TEST_ON_BENCH(a_start_looks_at_what_it_finds),
		TEST_ON_BENCH(a_call_is_logged_without_its_query),
		cmocka_unit_test(a_store_that_fails_is_named_to_the_log_only),
		TEST_ON_BENCH(one_server_a_data_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
