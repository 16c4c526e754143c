/* SPDX-License-Identifier: MIT */
/* The life of a call, in the order in which callers are refused: address, rate, route, token, scope, length, type. One
 * thread a call. */
#include "cloud/api/call.h"

#include "base/clock.h"
#include "base/text.h"
#include "session/name.h"

#define BODY_GRACE_MS 60000 /* from then on a body must have come faster than this: */
#define BODY_LEAST_BYTES_PER_S 1024
#define BODY_UNASKED_MAX (64 * 1024)

void call_init(struct call *c, struct api *api) {
	*c = (struct call){.api = api, .query = "", .body_announced = -1, .begun_mono_ms = clock_mono_ms()};
	random_id(c->request_id, sizeof c->request_id);
}

void call_done(struct call *c) {
	if (c->upload) c->route->stream->drop(c);
	for (size_t i = 0; i < ROUTE_PARAMS; i++) xfree(c->params[i]);
	query_done(&c->asked);
	buf_done(&c->text);
	json_free(c->body);
}

/* --- what is said before the body --- */

static bool begin_route(struct call *c, struct reply *r) {
	AUTO(buf_done) struct buf allow = BUF_INIT(256);
	c->route = route_find(c->method, c->path, c->params, &allow);
	if (c->route) return true;
	if (allow.len) {
		reply_header(r, "Allow", "%s", buf_text(&allow));
		reply_fault(r, FAULT_METHOD_REFUSED, "this path takes %s", buf_text(&allow));
	} else {
		reply_fault(r, FAULT_ROUTE_UNKNOWN, "there is nothing under this path; /v1/info says which API this is");
	}
	return false;
}

static bool begin_limit(struct reply *r, struct limiter *l, const char *client) {
	int64_t wait_ms = limiter_take(l, client, clock_mono_ms());
	if (!wait_ms) return true;
	reply_header(r, "Retry-After", "%lld", (long long)((wait_ms + 999) / 1000));
	reply_fault(
		r, FAULT_RATE_LIMITED, "more requests than this cloud takes from one client; wait %lld ms", (long long)wait_ms);
	return false;
}

static bool begin_address(struct call *c, struct reply *r) {
	char text[ADDRESS_TEXT];
	if (!allow_has(&api_rules(c->api)->allow, &c->address)) {
		reply_fault(r, FAULT_ADDRESS_REFUSED, "the address %s is not in this cloud's allow-list",
			address_text(&c->address, text));
		return false;
	}
	return begin_limit(r, c->api->by_address, address_group(&c->address, text));
}

static bool type_is_json(const char *type) {
	static const char json[] = "application/json";
	if (!type || strncasecmp(type, json, sizeof json - 1) != 0) return false;
	return strchr("; \t", type[sizeof json - 1]) != NULL; /* its NUL among them */
}

static bool begin_query(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	if (c->route->surface != SURFACE_API || query_parse(&c->asked, c->query, &err) == 0) return true;
	reply_error(r, &err);
	return false;
}

/* A body that nobody asked for is let pass as long as it is short. */
static int64_t body_most(const struct route *route) {
	return route->body == BODY_NONE ? BODY_UNASKED_MAX : route->body_max;
}

static bool begin_body(struct call *c, struct reply *r) {
	const struct route *route = c->route;
	if (c->headers_cut) {
		reply_fault(r, FAULT_HEADERS_TOO_LARGE, "a request may have %d headers", CALL_HEADERS_MAX);
		return false;
	}
	if (route->body == BODY_STREAM && c->body_announced < 0) {
		reply_fault(r, FAULT_LENGTH_REQUIRED, "send the body with a Content-Length");
		return false;
	}
	if (c->body_announced > body_most(route)) {
		reply_fault(r, FAULT_BODY_TOO_LARGE, "the body has %lld bytes, %lld may come here",
			(long long)c->body_announced, (long long)body_most(route));
		return false;
	}
	if (route->body == BODY_JSON && !type_is_json(call_header(c, "content-type"))) {
		reply_fault(r, FAULT_TYPE_UNSUPPORTED, "the body must be application/json, and say so in Content-Type");
		return false;
	}
	c->text = BUF_INIT((size_t)route->body_max);
	return true;
}

static bool refuse_token(struct reply *r, enum fault f, const char *sentence) {
	reply_header(r, "WWW-Authenticate", "Bearer");
	reply_fault(r, f, "%s", sentence);
	return false;
}

/* The key behind a good token, looked up at each request so that a revocation counts at once. */
static bool begin_key(struct call *c, struct reply *r, const struct principal *token) {
	struct error err = ERROR_INIT;
	struct api_key key;
	if (catalog_key_by_id(c->api->catalog, token->key_id, &key, &err)) {
		if (err.code == ERR_NOT_FOUND) return refuse_token(r, FAULT_TOKEN_INVALID, "the token's key does not exist");
		reply_error(r, &err);
		return false;
	}
	if (key.revoked_ms) return refuse_token(r, FAULT_KEY_REVOKED, "this API key was revoked; ask for a new one");
	if (strcmp(key.station, token->station) != 0)
		return refuse_token(r, FAULT_TOKEN_INVALID, "the token is not one of this cloud's");
	c->who = *token;
	c->who.scopes = token->scopes & key.scopes;
	return begin_limit(r, c->api->by_key, key.id);
}

static bool begin_token(struct call *c, struct reply *r) {
	static const char bearer[] = "Bearer ";
	const char *value = call_header(c, "authorization");
	struct principal who;
	if (!value || strncasecmp(value, bearer, sizeof bearer - 1) != 0)
		return refuse_token(
			r, FAULT_TOKEN_MISSING, "send Authorization: Bearer TOKEN; POST /v1/authenticate gives one");
	switch (token_read(&c->api->token_key, value + sizeof bearer - 1, clock_wall_ms(), &who)) {
	case TOKEN_OK: return begin_key(c, r, &who);
	case TOKEN_OVER: return refuse_token(r, FAULT_TOKEN_EXPIRED, "the token has expired; authenticate again");
	default: return refuse_token(r, FAULT_TOKEN_INVALID, "the token is not one of this cloud's");
	}
}

static bool begin_who(struct call *c, struct reply *r) {
	if (!c->route->scope) return true;
	if (!begin_token(c, r)) return false;
	if (call_allows(c, c->route->scope)) return true;
	char scopes[64];
	reply_fault(r, FAULT_SCOPE_MISSING, "this needs a key with the scope %s",
		scopes_text(c->route->scope, scopes, sizeof scopes));
	return false;
}

bool call_begin(struct call *c, struct reply *r) {
	if (!begin_address(c, r) || !begin_route(c, r) || !begin_who(c, r) || !begin_query(c, r) || !begin_body(c, r))
		return false;
	return !c->route->stream || c->route->stream->begin(c, r);
}

/* --- the body --- */

bool call_body_in_time(struct call *c, size_t n) {
	c->body_bytes += (int64_t)n;
	int64_t ms = clock_mono_ms() - c->begun_mono_ms;
	return ms < BODY_GRACE_MS || c->body_bytes / (ms / 1000) >= BODY_LEAST_BYTES_PER_S;
}

bool call_body(struct call *c, struct reply *r, const char *bytes, size_t n) {
	if (c->body_bytes > body_most(c->route)) {
		reply_fault(r, FAULT_BODY_TOO_LARGE, "%lld bytes may come here", (long long)body_most(c->route));
		return false;
	}
	if (c->route->body == BODY_NONE) return true;
	if (c->route->body == BODY_STREAM) return c->route->stream->take(c, r, bytes, n);
	buf_add(&c->text, bytes, n);
	if (buf_ok(&c->text)) return true;
	reply_fault(r, FAULT_BODY_TOO_LARGE, "%lld bytes may come here", (long long)c->route->body_max);
	return false;
}

void call_end(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	if (c->route->body == BODY_JSON &&
		(json_parse(buf_text(&c->text), c->text.len, &c->body, &err) || json_want_object(c->body, NULL, &err))) {
		reply_error(r, &err);
		return;
	}
	c->route->handle(c, r);
}

/* --- the end --- */

/* What joins the event to a recording: the session that the body names, or the object's key. */
static void log_subject(const struct call *c, cJSON *event) {
	const cJSON *session = cJSON_GetObjectItemCaseSensitive(c->body, "session");
	if (cJSON_IsString(session) && session_name_is(session->valuestring))
		json_add_text(event, "session", session->valuestring);
	if (c->route && c->route->surface == SURFACE_S3) json_add_text(event, "key", c->params[1]);
}

static void call_log(const struct call *c, int status, const char *word, const char *why) {
	cJSON *event = json_object();
	json_add_text(event, "level", status >= 500 ? "error" : "info");
	json_add_text(event, "request_id", c->request_id);
	json_add_text(event, "method", c->method);
	json_add_text(event, "route", c->route ? c->route->pattern : "");
	json_add_i64(event, "status", status);
	json_add_i64(event, "ms", clock_mono_ms() - c->begun_mono_ms);
	json_add_i64(event, "bytes", c->body_bytes);
	if (c->who.scopes) json_add_text(event, "station", c->who.station);
	log_subject(c, event);
	if (word) json_add_text(event, "code", word);
	if (why[0]) json_add_text(event, "why", why);
	logs_add(c->api->logs, LOG_GROUP_API, "api", event);
}

void call_finish(struct call *c, struct reply *r) {
	enum surface surface = c->route ? c->route->surface : route_surface(c->path);
	reply_render(r, surface, c->path, c->request_id);
	call_log(c, r->status, reply_word(r), r->why);
}

void call_abandoned(struct call *c) { call_log(c, 499, "client_gone", ""); }

/* --- what handlers ask of it --- */

const char *call_header(const struct call *c, const char *name) {
	for (size_t i = 0; i < c->header_n; i++)
		if (text_equal_nocase(c->headers[i].name, name)) return c->headers[i].value;
	return NULL;
}

bool call_allows(const struct call *c, int scope) { return (c->who.scopes & scope) != 0; }

bool call_query_text(const struct call *c, struct reply *r, const char *name, char *to, size_t size) {
	const char *value = query_get(&c->asked, name);
	if (!value) return true;
	if (strlen(value) < size && text_is_utf8(value, strlen(value), NULL)) {
		text_copy(to, size, value);
		return true;
	}
	reply_fault(r, FAULT_BAD_REQUEST, "?%s= must be a text of at most %zu bytes", name, size - 1);
	return false;
}

bool call_query_i64(const struct call *c, struct reply *r, const char *name, int64_t min, int64_t max, int64_t *ret) {
	char text[32] = "";
	if (!call_query_text(c, r, name, text, sizeof text)) return false;
	if (!text[0]) return true;
	if (text_to_i64(text, min, max, ret) == 0) return true;
	reply_fault(r, FAULT_BAD_REQUEST, "?%s= must be a number from %lld to %lld", name, (long long)min, (long long)max);
	return false;
}
