/* SPDX-License-Identifier: MIT */
/* The life of a call (call.h), the same for every surface. One thread a call. */
#include "cloud/call/call.h"

#include "base/clock.h"
#include "base/json_scan.h"
#include "base/text.h"
#include "cloud/call/surface.h"

#define BODY_WINDOW_MS 60000 /* in each, a body must have come faster than this: */
#define BODY_LEAST_BYTES_PER_S 1024
#define BODY_STRANGER_MS 10000 /* all of the body of a caller without a key: it is short */
#define BODY_UNASKED_MAX (64 * 1024)
#define BODY_SHORT (64 * 1024)
#define TREE_SHORT (64 * 1024)
#define HOLD_WINDOW_MS 15000 /* what a body holds must come further by a part of it in this time: */
#define HOLD_PART 16
#define VALUE_BYTES 112 /* of a JSON value in a tree: cJSON's 64, its name's and text's own allocations */
#define MEMORY_WAIT_MS 2000
#define ROOM_WAIT_S 30

void call_init(struct call *c, struct api *api) {
	*c = (struct call){.api = api, .query = "", .body_announced = -1, .begun_mono_ms = clock_mono_ms()};
	random_id(c->request_id, sizeof c->request_id);
}

void call_done(struct call *c) {
	if (c->streamed) c->route->stream->drop(c);
	for (size_t i = 0; i < ROUTE_PARAMS; i++) xfree(c->params[i]);
	query_done(&c->asked);
	buf_done(&c->text);
	json_free(c->body);
	budget_shrink(&c->memory, 0);
}

/* --- what is said before the body --- */

static const struct surface *surface_nobodys(const struct surface *const *all) {
	while (!(*all)->nobodys) all++;
	return *all;
}

static const struct surface *surface_of(const struct call *c) {
	for (const struct surface *const *s = c->api->surfaces; *s; s++)
		if ((*s)->match(c) != MATCH_NO) return *s;
	return surface_nobodys(c->api->surfaces);
}

static bool begin_route(struct call *c, struct reply *r, const struct route_miss *miss) {
	if (c->route) return true;
	if (c->other_operation) {
		reply_fault(r, FAULT_ROUTE_UNKNOWN, "what the query of this URL asks for is not served");
	} else if (miss->path) {
		reply_header(r, "Allow", "%s", miss->allow);
		reply_fault(r, FAULT_METHOD_REFUSED, "this path takes %s", miss->allow);
	} else {
		if (c->surface->match(c) == MATCH_MAYBE) c->surface = surface_nobodys(c->api->surfaces);
		reply_fault(r, FAULT_ROUTE_UNKNOWN, "there is nothing under this path; /v1/info says which API this is");
	}
	return false;
}

bool call_limit(struct reply *r, struct limiter *l, const char *client) {
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
	return true;
}

bool call_limit_address(struct call *c, struct reply *r) {
	char text[ADDRESS_TEXT];
	return call_limit(r, c->api->by_address, address_group(&c->address, text));
}

static bool type_is(const char *type, const char *wanted) {
	size_t n = strlen(wanted);
	if (!type || strncasecmp(type, wanted, n) != 0) return false;
	return strchr("; \t", type[n]) != NULL; /* its NUL among them */
}

/* bad: of its parsing. */
static bool query_fits(const struct call *c, struct reply *r, int bad, const struct error *err) {
	if (bad) {
		reply_error(r, err);
		return false;
	}
	for (size_t i = 0; i < c->asked.n; i++) {
		if (query_count(&c->asked, c->asked.items[i].name) == 1) continue;
		reply_fault(r, FAULT_BAD_REQUEST, "?%s= stands in the query more than once", TEXT_SAFE(c->asked.items[i].name));
		return false;
	}
	return true;
}

/* A body that nobody asked for is let pass as long as it is short. */
static int64_t body_most(const struct route *route) {
	return route->body == BODY_NONE ? BODY_UNASKED_MAX : route->body_max;
}

static bool body_fits(const struct call *c, struct reply *r) {
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
	if (route->body == BODY_JSON && !type_is(call_header(c, "content-type"), c->surface->json_type)) {
		reply_fault(
			r, FAULT_TYPE_UNSUPPORTED, "the body must be %s, and say so in Content-Type", c->surface->json_type);
		return false;
	}
	return true;
}

/* Of a caller whose key or signature was not looked at yet, and now is not any more. */
static void count_unseen(struct call *c, struct reply *r) {
	bool late = c->route->auth == AUTH_KEY || c->route->auth == AUTH_SIGNATURE;
	if (!c->known && late) (void)!call_limit_address(c, r);
}

static bool begin_query(struct call *c, struct reply *r, int bad, const struct error *err) {
	if (query_fits(c, r, bad, err)) return true;
	count_unseen(c, r);
	return false;
}

static bool begin_body(struct call *c, struct reply *r) {
	c->text = BUF_INIT((size_t)c->route->body_max);
	if (body_fits(c, r)) return true;
	count_unseen(c, r);
	return false;
}

/* The one way to a handler: a route whose auth was forgotten is nobody's, whatever its surface thinks of it. */
static bool begin_admit(struct call *c, struct reply *r) {
	if (!c->surface->admit(c, r)) return false;
	if (!c->route || c->route->auth != AUTH_NOBODY) return true;
	reply_fault(r, FAULT_SCOPE_MISSING, "no key opens this");
	return false;
}

bool call_begin(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	struct route_miss miss;
	c->surface = surface_of(c);
	if (!begin_address(c, r)) return false;
	int bad = query_parse(&c->asked, c->query, &err);
	const struct route_ask ask = {c->method, c->path, &c->asked};
	c->route = route_find(c->surface, &ask, c->params, &miss);
	c->other_operation = !c->route && miss.query;
	bool body_first = c->route && c->surface->body_first;
	if (body_first && !begin_body(c, r)) return false;
	if (!begin_admit(c, r) || !begin_route(c, r, &miss) || !begin_query(c, r, bad, &err)) return false;
	if (!body_first && !begin_body(c, r)) return false;
	return !c->route->stream || c->route->stream->begin(c, r);
}

/* --- the body --- */

/* Who holds memory that others wait for has to come on, however fast the beginning came. */
static bool held_in_time(struct call *c, int64_t now_ms) {
	if (!c->window_mono_ms) c->window_mono_ms = now_ms, c->window_bytes = c->body_bytes;
	if (now_ms - c->window_mono_ms < HOLD_WINDOW_MS) return true;
	bool good = c->body_bytes - c->window_bytes >= c->memory.bytes / HOLD_PART;
	c->window_mono_ms = now_ms;
	c->window_bytes = c->body_bytes;
	return good;
}

/* The lowest rate, of each minute by itself: what came fast at first holds its room on the disk no longer for it. */
static bool paced_in_time(struct call *c, int64_t now_ms) {
	int64_t ms = now_ms - (c->paced.begun_mono_ms ? c->paced.begun_mono_ms : c->begun_mono_ms);
	if (ms < BODY_WINDOW_MS) return true;
	bool good = (c->body_bytes - c->paced.bytes) / (ms / 1000) >= BODY_LEAST_BYTES_PER_S;
	c->paced.begun_mono_ms = now_ms;
	c->paced.bytes = c->body_bytes;
	return good;
}

bool call_body_in_time(struct call *c, size_t n) {
	c->body_bytes += (int64_t)n;
	int64_t now_ms = clock_mono_ms();
	if (!c->known) return now_ms - c->begun_mono_ms < BODY_STRANGER_MS;
	return paced_in_time(c, now_ms) && (!c->memory.bytes || held_in_time(c, now_ms));
}

/* So that the call has so many bytes in all. */
static bool memory_take(struct call *c, struct reply *r, int64_t bytes) {
	char name[BUDGET_CALLER];
	if (c->who.scopes) text_copy(name, sizeof name, c->who.key_id);
	else address_group(&c->address, name);
	if (budget_take(c->api->memory, &c->memory, name, bytes, MEMORY_WAIT_MS)) return true;
	reply_header(r, "Retry-After", "%d", MEMORY_WAIT_MS / 1000);
	reply_fault(r, FAULT_UNAVAILABLE, "other calls have the memory that this one needs; try again in a moment");
	return false;
}

bool call_memory(struct call *c, struct reply *r, int64_t bytes) { return memory_take(c, r, c->tree_bytes + bytes); }

bool call_room(const struct call *c, struct reply *r, int64_t bytes) {
	struct error err = ERROR_INIT;
	if (api_room(c->api, bytes, &err) == 0) return true;
	reply_header(r, "Retry-After", "%d", ROOM_WAIT_S);
	reply_fault(r, FAULT_UNAVAILABLE, "%s", err.text);
	return false;
}

/* A buffer that grows has up to twice its text. What is short is not counted: connections bound it. */
static bool text_memory(struct call *c, struct reply *r, size_t n) {
	if (n <= BODY_SHORT) return true;
	int64_t steps = ((int64_t)n * 2 + BODY_SHORT - 1) / BODY_SHORT;
	return memory_take(c, r, steps * BODY_SHORT);
}

static bool body_take(struct call *c, struct reply *r, const char *bytes, size_t n) {
	if (c->body_bytes > body_most(c->route)) {
		reply_fault(r, FAULT_BODY_TOO_LARGE, "%lld bytes may come here", (long long)body_most(c->route));
		return false;
	}
	if (c->route->body == BODY_NONE) return true;
	if (c->route->body == BODY_STREAM) return c->route->stream->take(c, r, bytes, n);
	if (!text_memory(c, r, c->text.len + n)) return false;
	buf_add(&c->text, bytes, n);
	if (buf_ok(&c->text)) return true;
	reply_fault(r, FAULT_BODY_TOO_LARGE, "%lld bytes may come here", (long long)c->route->body_max);
	return false;
}

bool call_body(struct call *c, struct reply *r, const char *bytes, size_t n) {
	if (body_take(c, r, bytes, n)) return true;
	count_unseen(c, r);
	return false;
}

void call_body_broken(struct call *c, struct reply *r) {
	reply_fault(r, FAULT_BAD_REQUEST, "the body is not chunked as Transfer-Encoding says");
	count_unseen(c, r);
}

/* A text may hold U+0000 (RFC 8259) and C's texts cannot: it is taken as U+FFFD, the sign for what cannot be shown. */
static void text_without_nul(struct buf *text) {
	for (size_t i = 0; i + 5 < text->len; i++) {
		if (text->data[i] != '\\') continue;
		if (memcmp(text->data + i + 1, "u0000", 5) == 0) memcpy(text->data + i + 1, "ufffd", 5);
		i++;
	}
}

/* A tree costs more than its text, forty times as much when it is all zeros: counted before it is built. A small one is
 * not, connections bound it. */
static bool end_json(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	size_t values = 0, n = c->text.len;
	text_without_nul(&c->text);
	if (json_scan_bounded(buf_text(&c->text), n, BODY_VALUES_MAX, &values, &err) == 0) {
		c->tree_bytes = (int64_t)(3 * n + values * VALUE_BYTES);
		if (c->tree_bytes > TREE_SHORT && !memory_take(c, r, c->tree_bytes)) return false;
		if (json_parse(buf_text(&c->text), n, &c->body, &err) == 0 && json_want_object(c->body, NULL, &err) == 0) {
			buf_done(&c->text);
			return true;
		}
	}
	reply_error(r, &err);
	return false;
}

void call_end(struct call *c, struct reply *r) {
	if (c->route->body == BODY_JSON && !end_json(c, r)) {
		count_unseen(c, r);
		return;
	}
	c->route->handle(c, r);
}

/* --- the end --- */

/* Of ours; what a caller asked for that there is not, or too often, is none. */
static bool is_error(const struct reply *r) {
	return r->status >= 500 && r->status != 501 && r->fault != FAULT_RATE_LIMITED;
}

#define STATUS_GONE 499 /* no answer: the caller went away before it */

static void call_log(const struct call *c, const struct reply *r, const char *word) {
	cJSON *event = json_object();
	json_add_text(event, "level", is_error(r) ? "error" : "info");
	json_add_text(event, "request_id", c->request_id);
	json_add_text(event, "method", c->method);
	json_add_text(event, "route", c->route ? c->route->pattern : "");
	json_add_i64(event, "status", r->status);
	json_add_i64(event, "ms", clock_mono_ms() - c->begun_mono_ms);
	json_add_i64(event, "bytes", c->body_bytes);
	if (c->who.scopes) json_add_text(event, "station", c->who.station);
	c->surface->log(c, event);
	if (word) json_add_text(event, "code", word);
	if (r->why[0]) json_add_text(event, "why", r->why);
	if (c->known && r->status != 429) {
		logs_add(c->api->logs, LOG_GROUP_API, "api", event);
		return;
	}
	/* Anybody can bring these about, as often as he likes: counted by what they are, never by what he chose to send. */
	char kind[256], client[ADDRESS_TEXT];
	snprintf(kind, sizeof kind, "%s %d %s %s", address_group(&c->address, client), r->status, word ? word : "",
		c->route ? c->route->pattern : "");
	json_add_text(event, "address", client);
	logs_count(c->api->logs, LOG_GROUP_API, "api", kind, event);
}

void call_finish(struct call *c, struct reply *r) {
	if (!c->surface) c->surface = surface_of(c);
	c->surface->render(c, r);
	reply_header(r, "x-request-id", "%s", c->request_id);
	const struct fault_class *error = reply_class(r);
	call_log(c, r, error ? error->word : NULL);
	json_free(TAKE(c->body));
	buf_done(&c->text);
	budget_shrink(&c->memory, r->body_n > BODY_SHORT ? (int64_t)r->body_n : 0);
}

void call_abandoned(struct call *c) {
	struct reply unsaid;
	reply_init(&unsaid);
	count_unseen(c, &unsaid);
	reply_done(&unsaid);
	const struct reply none = {.status = STATUS_GONE};
	call_log(c, &none, "client_gone");
}

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
	if (!query_get(&c->asked, name)) return true;
	if (!call_query_text(c, r, name, text, sizeof text)) return false;
	if (text_to_i64(text, min, max, ret) == 0) return true;
	reply_fault(r, FAULT_BAD_REQUEST, "?%s= must be a number from %lld to %lld", name, (long long)min, (long long)max);
	return false;
}
