/* SPDX-License-Identifier: MIT */
/* The ingest client. A call is in one of three states:
 *
 *   call_go --no token--> TOKEN --authenticated--> SENT --answer--> on_done
 *      `---------------------token-----------------^  `--retry--> PAUSED --timer--> call_go
 *
 * Authenticating is such a call itself, with no token needed; at most one is under way, and those that wait for it go
 * on or end with it. HTTP requests are found again by their id, so that an answer to a cancelled call finds nobody. The
 * struct outlives ingest_close until its timer is closed and the last HTTP request has ended. Loop's thread. */
#include "ingest/client.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "ingest/words.h"

#define ANSWER_MAX (1024 * 1024) /* of a call of no row */
#define VALUES_MAX 200000		 /* a tree of JSON takes some 60 times as much as its text: so many members at most */
#define DEADLINE_MS 60000
#define PAUSE_MAX_MS 20000 /* a longer Retry-After is the caller's to wait out */
#define TOKEN_MARGIN_MS 30000
#define CLOCK_OFF_MS 60000 /* a clock that is off by so much is said */

enum call_state { CALL_TOKEN, CALL_SENT, CALL_PAUSED };
struct call {
	TAILQ_ENTRY(call) link;
	uint64_t id, http_id; /* http_id 0: no request under way */
	char *method, *path, *body;
	enum answer_id answer;
	int64_t hold_ms;
	ingest_on_done *on_done;
	void *arg;
	enum call_state state;
	bool open;	  /* needs no token */
	bool renewed; /* a 401 was answered with a new token once */
	uint64_t token_number;
	int attempts;
	int64_t due_ms; /* monotonic, when paused */
};
struct ingest {
	struct http *http;
	char *endpoint, *instance;
	struct secret api_key, token;
	uint64_t token_number;	/* grows with each token */
	int64_t token_until_ms; /* monotonic */
	struct ingest_state state;
	struct retry_budget budget;
	TAILQ_HEAD(call_list, call) calls;
	uint64_t last_id, authenticating; /* id of the authenticate call, 0: none */
	size_t http_pending;
	uv_timer_t timer;
	bool closed, timer_closed;
};

/* Paths that are answered without a token (api.md). */
static const char *const open_paths[] = {"/v1/info", "/v1/authenticate", "/healthz"};

static void call_go(struct ingest *c, struct call *call);

/* --- calls --- */

static void call_free(struct call *call) {
	if (call->body) secret_wipe(call->body, strlen(call->body)); /* authenticate's has the key */
	free(call->method);
	free(call->path);
	free(call->body);
	free(call);
}

static struct call *call_by_http_id(struct ingest *c, uint64_t http_id) {
	struct call *call;
	TAILQ_FOREACH(call, &c->calls, link)
	if (call->http_id == http_id) return call;
	return NULL;
}

/* The end of a call: out of the list first, so that its on_done may call, cancel and close as it likes. */
static void call_end(struct ingest *c, struct call *call, const struct ingest_result *r) {
	TAILQ_REMOVE(&c->calls, call, link);
	call->on_done(call->arg, r);
	call_free(call);
}

static void on_timer(uv_timer_t *timer);

static void timer_arm(struct ingest *c) {
	const struct call *call;
	int64_t due_ms = INT64_MAX;
	TAILQ_FOREACH(call, &c->calls, link)
	if (call->state == CALL_PAUSED) due_ms = MIN(due_ms, call->due_ms);
	uv_timer_stop(&c->timer);
	if (due_ms == INT64_MAX) return;
	int64_t left_ms = due_ms - clock_mono_ms();
	uv_timer_start(&c->timer, on_timer, (uint64_t)MAX(0, left_ms), 0);
}

static void call_pause(struct ingest *c, struct call *call, int64_t pause_ms) {
	call->state = CALL_PAUSED;
	call->due_ms = clock_mono_ms() + pause_ms;
	timer_arm(c);
}

static void on_timer(uv_timer_t *timer) {
	struct ingest *c = timer->data;
	struct call *call;
	int64_t now_ms = clock_mono_ms();
	TAILQ_FOREACH(call, &c->calls, link)
	if (call->state == CALL_PAUSED && call->due_ms <= now_ms) call_go(c, call); /* calls nobody back */
	timer_arm(c);
}

/* --- the token --- */

static bool token_good(const struct ingest *c) { return c->token.len > 0 && clock_mono_ms() < c->token_until_ms; }

static void token_drop(struct ingest *c) {
	secret_done(&c->token);
	c->state.has_token = false;
}

static void token_take(struct ingest *c, const struct answer_authenticate *a) {
	int64_t lasts_ms = a->expires_in_s * 1000;
	secret_set(&c->token, a->token, strlen(a->token));
	c->token_number++;
	/* A token is renewed a little early, one of a short life at half of it. */
	c->token_until_ms = clock_mono_ms() + lasts_ms - MIN(TOKEN_MARGIN_MS, lasts_ms / 2);
	c->state.has_token = true;
	c->state.token_expires_ms = clock_wall_ms() + lasts_ms;
	text_copy(c->state.station, sizeof c->state.station, a->station);
}

/* A 403 may be anybody's, a login page's or another service's: by these words it is the cloud's. */
static bool refuses_key(const struct error *err) {
	static const char *const words[] = {"address_refused", "scope_missing", "key_refused", "key_revoked"};
	if (err->code == ERR_MIDDLEBOX) return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(err->word, words[i]) == 0) return true;
	return err->http == 401;
}

/* Those that waited go on with the new token, or end as authenticating did. Calls made by an on_done here are none of
 * them: they begin to authenticate anew. */
static void on_authenticated(void *arg, const struct ingest_result *r) {
	struct ingest *c = arg;
	struct ingest_result result = *r;
	uint64_t last = c->last_id;
	c->authenticating = 0;
	if (r->err.code == ERR_NONE) token_take(c, ingest_authenticate(r));
	if (refuses_key(&result.err)) {
		result.err.code = ERR_KEY;
		error_prefix(&result.err, "the API key is refused");
	}
	result.json = NULL;
	result.read = NULL;
	for (struct call *call = TAILQ_FIRST(&c->calls); call && !c->closed;) {
		struct call *next = TAILQ_NEXT(call, link);
		if (call->state == CALL_TOKEN && call->id <= last) {
			if (result.err.code == ERR_NONE) call_go(c, call);
			else {
				call_end(c, call, &result);
				next = TAILQ_FIRST(&c->calls); /* on_done may have changed the list */
			}
		}
		call = next;
	}
}

static void authenticate(struct ingest *c) {
	if (c->authenticating) return;
	cJSON *body = json_object();
	json_add_text(body, "api_key", c->api_key.bytes);
	c->authenticating = ingest_call(c, "POST", "/v1/authenticate", body, 0, on_authenticated, c);
}

/* --- answers --- */

static void note_answer(struct ingest *c, const struct call *call, const struct http_answer *a) {
	if (a->status == 0) return;
	c->state.last_answer_ms = clock_wall_ms();
	if (call->hold_ms == 0) c->state.latency_ms = a->elapsed_ms;
	/* Date has whole seconds and was written half a latency ago, give or take. */
	if (a->date_ms > 0)
		c->state.clock_offset_ms =
			a->date_ms + 500 - (c->state.last_answer_ms - (call->hold_ms == 0 ? a->elapsed_ms / 2 : 0));
}

static bool too_many_values(const struct http_answer *a) {
	size_t n = 0;
	for (size_t i = 0; i < a->body_n; i++) n += a->body[i] == ',' || a->body[i] == '[' || a->body[i] == '{';
	return n > VALUES_MAX;
}

static int parse_body(const struct http_answer *a, cJSON **ret, struct error *err) {
	if (a->body_n == 0) {
		*ret = json_object();
		return 0;
	}
	if (too_many_values(a)) return error_set(err, ERR_INPUT, "it has more than %d values", VALUES_MAX);
	return json_parse(a->body, a->body_n, ret, err);
}

/* 0 with the parsed answer and what it was read as, or the error. */
static int read_answer(const struct ingest *c, const struct call *call, const struct http_answer *a, cJSON **ret,
	void **ret_read, struct error *err) {
	char what[160];
	const struct shape_rules rules = {.https = text_starts(c->endpoint, "https://")};
	snprintf(what, sizeof what, "%s %.*s", call->method, (int)strcspn(call->path, "?"), call->path);
	if (answer_check(a, &ingest_words, what, err) < 0) return -1;
	if (parse_body(a, ret, err) < 0) {
		err->code = ERR_MIDDLEBOX;
		err->http = a->status;
		return error_prefix(err, "%s: the answer is not whole", what);
	}
	if (call->answer == ANSWER_UNKNOWN || answer_read(call->answer, *ret, &rules, ret_read, err) == 0) return 0;
	const struct error fault = *err;
	error_set(err, fault.code, "%s: the answer is not the ingest API's: %s; is %s the address of the cloud?", what,
		fault.text, TEXT_SAFE(c->endpoint));
	err->http = a->status;
	return -1;
}

/* True when the call goes on by itself: with a new token, or after a pause. */
static bool call_again(struct ingest *c, struct call *call, struct ingest_result *r) {
	enum retry_class retry = error_classes[r->err.code].retry;
	if (retry == RETRY_AUTHENTICATE && !call->open && !call->renewed) {
		call->renewed = true;
		if (call->token_number == c->token_number) token_drop(c); /* else another call had it renewed */
		call_go(c, call);
		return true;
	}
	if ((retry != RETRY_TRANSIENT && retry != RETRY_THROTTLE) || call->attempts >= RETRY_ATTEMPTS ||
		r->retry_after_ms > PAUSE_MAX_MS || !retry_budget_take(&c->budget, &r->err))
		return false;
	const struct backoff *b = retry == RETRY_THROTTLE ? &backoff_request_throttle : &backoff_request_transient;
	int64_t pause_ms = backoff_ms(b, call->attempts);
	call_pause(c, call, MAX(pause_ms, r->retry_after_ms));
	return true;
}

static void memory_gone(struct ingest *c) {
	if (!c->closed || !c->timer_closed || c->http_pending > 0) return;
	secret_done(&c->api_key);
	secret_done(&c->token);
	free(c->endpoint);
	free(c->instance);
	free(c);
}

static void call_answered(struct ingest *c, struct call *call, const struct http_answer *a) {
	AUTO(json_free) cJSON *json = NULL;
	void *read = NULL;
	const enum answer_id id = call->answer;
	struct ingest_result r = {.id = id, .elapsed_ms = a->elapsed_ms};
	const char *request_id = http_header(a, "x-request-id");
	if (request_id) text_safe(r.request_id, sizeof r.request_id, request_id);
	call->http_id = 0;
	note_answer(c, call, a);
	int failed = read_answer(c, call, a, &json, &read, &r.err);
	r.retry_after_ms = answer_retry_after_ms(a, &r.err, clock_wall_ms());
	if (!failed) retry_budget_success(&c->budget, call->attempts > 1);
	else if (call_again(c, call, &r)) return;
	if (r.err.code == ERR_KEY) token_drop(c);
	r.attempts = call->attempts;
	r.json = r.err.code == ERR_NONE ? json : NULL;
	r.read = read;
	call_end(c, call, &r);
	answer_free(id, read);
}

static void on_http_done(void *arg, const struct http_answer *a) {
	struct ingest *c = arg;
	struct call *call = call_by_http_id(c, a->id);
	if (call) call_answered(c, call, a);
	c->http_pending--;
	memory_gone(c);
}

/* --- requests --- */

static void call_send(struct ingest *c, struct call *call) {
	AUTO(buf_done) struct buf url = BUF_INIT(16384);
	AUTO(buf_done) struct buf bearer = BUF_INIT(16384);
	AUTO(buf_done) struct buf instance = BUF_INIT(1024);
	const char *headers[5] = {"Accept: application/json"};
	size_t n = 1;
	buf_fmt(&url, "%s%s", c->endpoint, call->path);
	buf_fmt(&instance, "x-headgate-instance: %s", c->instance);
	if (*c->instance) headers[n++] = buf_text(&instance);
	if (call->body) headers[n++] = "Content-Type: application/json";
	if (!call->open) {
		buf_fmt(&bearer, "Authorization: Bearer %s", c->token.bytes);
		headers[n++] = buf_text(&bearer);
	}
	const struct http_request request = {.method = call->method,
		.url = buf_text(&url),
		.headers = headers,
		.body = call->body,
		.body_n = call->body ? strlen(call->body) : 0,
		.answer_max = call->answer == ANSWER_UNKNOWN ? ANSWER_MAX : answer_rows[call->answer].bytes_max,
		.deadline_ms = DEADLINE_MS + call->hold_ms,
		.hold_ms = call->hold_ms,
		.on_done = on_http_done,
		.arg = c};
	call->state = CALL_SENT;
	call->token_number = c->token_number;
	call->attempts++;
	call->http_id = http_send(c->http, &request);
	c->http_pending++;
	if (bearer.data) secret_wipe(bearer.data, bearer.len);
}

static void call_go(struct ingest *c, struct call *call) {
	if (call->open || token_good(c)) {
		call_send(c, call);
		return;
	}
	call->state = CALL_TOKEN;
	authenticate(c);
}

/* --- the interface --- */

int ingest_new(struct ingest **ret, const struct ingest_options *o, struct error *err) {
	if (!text_starts(o->endpoint, "http://") && !text_starts(o->endpoint, "https://"))
		return error_set(err, ERR_CONFIG,
			"the endpoint %s does not begin with http:// or https://; set [cloud] endpoint", TEXT_SAFE(o->endpoint));
	struct ingest *c = xcalloc(1, sizeof *c);
	c->http = o->http;
	c->endpoint = xstrdup(o->endpoint);
	for (size_t n = strlen(c->endpoint); n > 0 && c->endpoint[n - 1] == '/'; n--) c->endpoint[n - 1] = '\0';
	c->instance = xstrdup(o->instance ? o->instance : "");
	if (o->api_key->len > 0) secret_set(&c->api_key, o->api_key->bytes, o->api_key->len);
	c->state.latency_ms = -1;
	c->budget = RETRY_BUDGET_INIT;
	TAILQ_INIT(&c->calls);
	uv_timer_init(o->loop, &c->timer);
	c->timer.data = c;
	*ret = c;
	return 0;
}

uint64_t ingest_call(struct ingest *c, const char *method, const char *path, cJSON *body, int64_t hold_ms,
	ingest_on_done *on_done, void *arg) {
	struct call *call = xcalloc(1, sizeof *call);
	call->id = ++c->last_id;
	call->method = xstrdup(method);
	call->path = xstrdup(path);
	call->answer = answer_of(method, path);
	call->body = body ? json_text(body) : NULL;
	json_free(body);
	call->hold_ms = hold_ms;
	call->on_done = on_done;
	call->arg = arg;
	for (size_t i = 0; i < ARRAY_LEN(open_paths); i++) call->open = call->open || !strcmp(path, open_paths[i]);
	TAILQ_INSERT_TAIL(&c->calls, call, link);
	uint64_t id = call->id;
	call_go(c, call);
	return id;
}

bool ingest_use_key(struct ingest *c, const struct secret *api_key) {
	if (secret_equal(&c->api_key, api_key->bytes, api_key->len)) return false;
	secret_set(&c->api_key, api_key->bytes, api_key->len);
	token_drop(c);
	return true;
}

static void on_timer_closed(uv_handle_t *handle) {
	struct ingest *c = handle->data;
	c->timer_closed = true;
	memory_gone(c);
}

void ingest_close(struct ingest *c) {
	struct call *call;
	c->closed = true;
	while ((call = TAILQ_FIRST(&c->calls))) {
		if (call->http_id) http_cancel(c->http, call->http_id);
		TAILQ_REMOVE(&c->calls, call, link);
		call_free(call);
	}
	uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

void ingest_state(const struct ingest *c, struct ingest_state *ret) { *ret = c->state; }

const char *ingest_clock_sentence(int64_t offset_ms, char *to, size_t size) {
	char age[UNIT_TEXT];
	if (llabs(offset_ms) < CLOCK_OFF_MS) return NULL;
	snprintf(to, size, "the clock of this machine is %s %s the cloud's; set the one that is wrong",
		unit_age(age, llabs(offset_ms)), offset_ms < 0 ? "ahead of" : "behind");
	return to;
}
