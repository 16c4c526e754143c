/* SPDX-License-Identifier: MIT */
/* The ingest API's routes, who may call them, and its error form. Constant. */
#include "cloud/api/surface.h"

#include "base/clock.h"
#include "base/text.h"
#include "cloud/api/handlers.h"
#include "cloud/api/token.h"
#include "session/name.h"

#define KIB 1024
#define MIB (1024 * 1024)

/* clang-format off */
static const struct route routes[] = {
	{"GET",  "/healthz",                    AUTH_ANYONE,  BODY_NONE, 0,        health_get},
	{"GET",  "/v1/info",                    AUTH_ANYONE,  BODY_NONE, 0,        info_get},
	{"POST", "/v1/authenticate",            AUTH_KEY,     BODY_JSON, 16 * KIB, authenticate_post},
	{"GET",  "/v1/schema",                  AUTH_TOKEN,   BODY_NONE, 0,        schema_get},
	{"POST", "/v1/presign",                 AUTH_STATION, BODY_JSON, 4 * MIB,  presign_post},
	{"POST", "/v1/objects/stat",            AUTH_STATION, BODY_JSON, 4 * MIB,  stat_post},
	{"GET",  "/v1/sessions",                AUTH_TOKEN,   BODY_NONE, 0,        sessions_get},
	{"GET",  "/v1/sessions/{id}",           AUTH_TOKEN,   BODY_NONE, 0,        session_get_own},
	{"GET",  "/v1/sessions/{station}/{id}", AUTH_TOKEN,   BODY_NONE, 0,        session_get},
	{"GET",  "/v1/changes",                 AUTH_TOKEN,   BODY_NONE, 0,        changes_get},
	{"POST", "/v1/events",                  AUTH_STATION, BODY_JSON, 4 * MIB,  events_post},
	{"POST", "/v1/heartbeat",               AUTH_STATION, BODY_JSON, 64 * KIB, heartbeat_post},
	{"GET",  "/v1/stations",                AUTH_TOKEN,   BODY_NONE, 0,        stations_get},
};
/* clang-format on */

/* Buckets share the root with these words, which are never a bucket's. */
static enum surface_match api_match(const struct call *c) {
	static const char *const whole[] = {"/", "/v1", "/healthz"};
	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		if (strcmp(c->path, whole[i]) == 0) return MATCH_SURE;
	return text_starts(c->path, "/v1/") ? MATCH_SURE : MATCH_NO;
}

/* --- who may --- */

static bool refuse_token(struct reply *r, enum fault f, const char *sentence) {
	reply_header(r, "WWW-Authenticate", "Bearer");
	reply_fault(r, f, "%s", sentence);
	return false;
}

/* The key behind a good token, looked up at each request so that a revocation counts at once. */
static bool key_admit(struct call *c, struct reply *r, const struct principal *token) {
	struct error err = ERROR_INIT;
	struct api_key key;
	if (catalog_key_by_id(c->api->catalog, token->key_id, &key, &err)) {
		if (err.code == ERR_NOT_FOUND) return refuse_token(r, FAULT_TOKEN_INVALID, "the token's key does not exist");
		reply_error(r, &err);
		return false;
	}
	c->known = key.revoked_ms == 0;
	if (key.revoked_ms) return refuse_token(r, FAULT_KEY_REVOKED, "this API key was revoked; ask for a new one");
	if (strcmp(key.station, token->station) != 0)
		return refuse_token(r, FAULT_TOKEN_INVALID, "the token is not one of this cloud's");
	c->who = *token;
	c->who.scopes = token->scopes & key.scopes;
	return true;
}

/* What the caller carries, before anything is said about it. */
struct bearer {
	bool made;
	enum token_verdict verdict;
	struct principal who; /* TOKEN_OK: signed by this cloud */
};

static struct bearer bearer_of(const struct call *c) {
	static const char bearer[] = "Bearer ";
	const char *value = call_header(c, "authorization");
	struct bearer claim = {.made = value && strncasecmp(value, bearer, sizeof bearer - 1) == 0, .verdict = TOKEN_BAD};
	if (claim.made)
		claim.verdict = token_read(&c->api->token_key, value + sizeof bearer - 1, clock_wall_ms(), &claim.who);
	return claim;
}

/* Who holds a token has a bucket of its key's own, so that nobody behind the same address can empty it; anybody else
 * has that of the address. A key is counted where it is looked at (authenticate_post). */
static bool count_caller(struct call *c, struct reply *r, const struct bearer *claim) {
	if (claim->verdict == TOKEN_OK) {
		c->known = true;
		return call_limit(r, c->api->by_key, claim->who.key_id);
	}
	return (c->route && c->route->auth == AUTH_KEY) || call_limit_address(c, r);
}

static bool token_admit(struct call *c, struct reply *r, const struct bearer *claim) {
	if (!claim->made)
		return refuse_token(
			r, FAULT_TOKEN_MISSING, "send Authorization: Bearer TOKEN; POST /v1/authenticate gives one");
	switch (claim->verdict) {
	case TOKEN_OK: return key_admit(c, r, &claim->who);
	case TOKEN_OVER: return refuse_token(r, FAULT_TOKEN_EXPIRED, "the token has expired; authenticate again");
	default: return refuse_token(r, FAULT_TOKEN_INVALID, "the token is not one of this cloud's");
	}
}

/* 0: no scope is enough, or none is needed. */
static int scopes_of(enum auth auth) {
	if (auth == AUTH_STATION) return SCOPE_STATION;
	return auth == AUTH_TOKEN ? SCOPE_STATION | SCOPE_ADMIN : 0;
}

static bool api_admit(struct call *c, struct reply *r) {
	char text[64];
	const struct bearer claim = bearer_of(c);
	if (!count_caller(c, r, &claim)) return false;
	if (!c->route || c->route->auth == AUTH_ANYONE || c->route->auth == AUTH_KEY) return true;
	int scopes = scopes_of(c->route->auth);
	if (!token_admit(c, r, &claim)) return false;
	if (call_allows(c, scopes)) return true;
	reply_fault(r, FAULT_SCOPE_MISSING, "this needs a key with the scope %s", scopes_text(scopes, text, sizeof text));
	return false;
}

/* --- its words --- */

static void api_render(const struct call *c, struct reply *r) {
	const struct fault_class *class = reply_class(r);
	if (!class) return;
	cJSON *error = json_object(), *body = json_object();
	json_add_text(error, "code", class->word);
	json_add_text(error, "message", r->message);
	json_add_text(error, "request_id", c->request_id);
	json_add(body, "error", error);
	reply_json(r, class->status, body);
}

/* The session that the body names. */
static void api_log(const struct call *c, cJSON *event) {
	const char *session = json_get_text(c->body, "session");
	if (session && session_name_is(session)) json_add_text(event, "session", session);
}

const struct surface api_surface = {.routes = routes,
	.route_n = ARRAY_LEN(routes),
	.match = api_match,
	.admit = api_admit,
	.render = api_render,
	.log = api_log,
	.json_type = "application/json",
	.nobodys = true};
