/* SPDX-License-Identifier: MIT */
/* What the API's tests share: an open API over a scratch folder, and requests to it without an HTTP server. */
#pragma once

#include "store_help.h"

#include "base/text.h"
#include "cloud/api/handlers.h"
#include "cloud/api/token.h"
#include "cloud/call/call.h"
#include "cloud/serve/surfaces.h"

#define TEST_SESSION "20261121_101010"

struct bench {
	struct scratch scratch;
	struct cloud_config config;
	struct api *api;
	char key_text[2][128], key_id[2][24]; /* of lab-1 (station), and of ops (admin) */
};

static inline void bench_key(struct bench *b, int i, const char *station, int scopes) {
	struct api_key key;
	AUTO(secret_done) struct secret text = {0};
	OK(catalog_key_add(b->api->catalog, station, scopes, &text, &key, &err));
	text_copy(b->key_text[i], sizeof b->key_text[i], text.bytes);
	text_copy(b->key_id[i], sizeof b->key_id[i], key.id);
}

/* flags: pairs ended by NULL, after the data folder. */
static inline void bench_open(struct bench *b, const char *const *flags) {
	const char *all[32] = {"data", b->scratch.dir};
	size_t n = 2;
	for (; flags && *flags; flags++) all[n++] = *flags;
	OK(cloud_config_load(&b->config, NULL, all, &err));
	OK(api_open(&b->api, &b->config, surfaces, &err));
}

static inline void bench_close(struct bench *b) {
	api_close(b->api);
	cloud_config_done(&b->config);
}

static inline int bench_make(void **state) {
	struct bench *b = xcalloc(1, sizeof *b);
	snprintf(b->scratch.dir, sizeof b->scratch.dir, "/tmp/headgate-api-XXXXXX");
	*state = b;
	if (!mkdtemp(b->scratch.dir)) return -1;
	bench_open(b, (const char *const[]){"rate", "0", NULL});
	bench_key(b, 0, "lab-1", SCOPE_STATION);
	bench_key(b, 1, "ops", SCOPE_ADMIN);
	return 0;
}

static inline int bench_remove(void **state) {
	struct bench *b = *state;
	struct error err;
	bench_close(b);
	int failed = file_remove_tree(b->scratch.dir, &err);
	xfree((char *)b);
	return failed;
}
#define TEST_ON_BENCH(f) cmocka_unit_test_setup_teardown(f, bench_make, bench_remove)

/* --- one request --- */

struct ask {
	const char *method, *target; /* "/v1/info?x=1" */
	const char *token, *body, *type;
	const struct sigv4_header *headers; /* further ones */
	size_t header_n;
	const char *address; /* NULL: 127.0.0.1 */
};
struct got {
	int status;
	char *text; /* the body; of a file, its bytes */
	size_t n;
	const char *type; /* NULL: none is said */
	cJSON *json;	  /* NULL: not JSON */
	char *headers;	  /* "Name: value\n"... */
};

static inline void got_done(struct got *g) {
	free(g->text);
	free(g->headers);
	cJSON_Delete(g->json);
}
DEFINE_AUTO_VAL(struct got, got_done)

static inline void call_add_header(struct call *c, const char *name, const char *value) {
	if (value) c->headers[c->header_n++] = (struct sigv4_header){name, value};
}

static inline void got_take(struct got *g, struct reply *r) {
	AUTO(buf_done) struct buf headers = BUF_INIT(64 << 10);
	g->status = r->status;
	g->type = r->type;
	for (size_t i = 0; i < r->header_n; i++) buf_fmt(&headers, "%s: %s\n", r->headers[i].name, r->headers[i].value);
	g->headers = strdup(buf_text(&headers));
	if (r->fd >= 0) {
		g->n = (size_t)r->size;
		g->text = calloc(1, g->n + 1);
		assert_int_equal(pread(r->fd, g->text, g->n, r->offset), (ssize_t)g->n);
	} else {
		g->n = r->body_n;
		g->text = calloc(1, g->n + 1);
		if (g->n) memcpy(g->text, r->body, g->n);
	}
	g->json = r->type && strcmp(r->type, "application/json") == 0 ? cJSON_Parse(g->text) : NULL;
}

/* As a front does it: a refusal ends it, the body comes in pieces of 1,000 bytes. */
static inline void call_drive(struct call *c, struct reply *r, const char *body, size_t n) {
	bool good = call_begin(c, r);
	for (size_t at = 0; good && at < n; at += 1000)
		good = call_body_in_time(c, MIN(n - at, 1000)) && call_body(c, r, body + at, MIN(n - at, 1000));
	if (good) call_end(c, r);
	call_finish(c, r);
}

static inline struct got ask_bytes(struct api *a, const struct ask *q, size_t body_n) {
	struct call c;
	struct reply r;
	struct got g = {0};
	char target[4096], bearer[2100], length[24];
	call_init(&c, a);
	reply_init(&r);
	text_copy(target, sizeof target, q->target);
	char *mark = strchr(target, '?');
	if (mark) *mark = '\0';
	c.method = q->method;
	c.path = target;
	c.query = mark ? mark + 1 : "";
	assert_int_equal(address_parse(q->address ? q->address : "127.0.0.1", &c.address), 0);
	snprintf(bearer, sizeof bearer, "Bearer %s", q->token ? q->token : "");
	snprintf(length, sizeof length, "%zu", body_n);
	call_add_header(&c, "Host", "cloud.test:8080");
	if (q->token) call_add_header(&c, "Authorization", bearer);
	if (q->body) {
		call_add_header(&c, "Content-Type", q->type ? q->type : "application/json");
		call_add_header(&c, "Content-Length", length);
		c.body_announced = (int64_t)body_n;
	}
	for (size_t i = 0; i < q->header_n; i++) call_add_header(&c, q->headers[i].name, q->headers[i].value);
	call_drive(&c, &r, q->body, body_n);
	got_take(&g, &r);
	call_done(&c);
	reply_done(&r);
	return g;
}

static inline struct got ask(struct api *a, const struct ask *q) {
	return ask_bytes(a, q, q->body ? strlen(q->body) : 0);
}
#define ASK(a, ...) ask((a), &(struct ask){__VA_ARGS__})

static inline const char *got_word(const struct got *g) {
	const cJSON *error = cJSON_GetObjectItem(g->json, "error");
	const char *word = cJSON_GetStringValue(cJSON_GetObjectItem(error, "code"));
	return word ? word : "";
}

#define REFUSES(want_status, want_word, ...)                                                                           \
	do {                                                                                                               \
		AUTO(got_done) struct got refused_ = ASK(__VA_ARGS__);                                                         \
		assert_int_equal(refused_.status, want_status);                                                                \
		assert_string_equal(got_word(&refused_), want_word);                                                           \
		assert_non_null(strstr(refused_.headers, "x-request-id: "));                                                   \
	} while (0)

static inline void bench_token(struct bench *b, int i, char to[TOKEN_MAX]) {
	char body[256];
	snprintf(body, sizeof body, "{\"api_key\":\"%s\"}", b->key_text[i]);
	AUTO(got_done) struct got g = ASK(b->api, .method = "POST", .target = "/v1/authenticate", .body = body);
	assert_int_equal(g.status, 200);
	text_copy(to, TOKEN_MAX, cJSON_GetStringValue(cJSON_GetObjectItem(g.json, "token")));
}
